//! Standard input, output and error: data passes through complete, in order, and ends.

use crate::job::{Debian, NO_ROOT};
use subroot_tests::{Outcome, skip};

/// The outcome of a shell line by alice, in which `RUN` is a launch in her Debian.
fn outside(debian: &Debian, line: &str) -> Outcome {
    let run = format!("subroot run {} --", debian.rootfs.path.display());
    debian.host.output(debian.alice.command("bash").args([
        "-o",
        "pipefail",
        "-c",
        &line.replace("RUN", &run),
    ]))
}

/// 100,000,000 bytes, in lines.
const MUCH: &str = "seq 20000000 | head -c 100000000";

#[test]
fn a_hundred_megabytes_go_through_unharmed() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let expected = outside(&debian, &format!("({MUCH} || true) | sha256sum")).ok();
    for line in [
        format!("RUN sh -c '{MUCH}' | sha256sum"),
        format!("RUN sh -c '{MUCH} >&2' 2>&1 >/dev/null | sha256sum"),
        format!("({MUCH} || true) | RUN sha256sum"),
        format!("({MUCH} || true) | RUN cat | RUN cat | sha256sum"),
        format!("RUN sh -c '{MUCH}' >~/file; sha256sum <~/file; rm ~/file"),
    ] {
        assert_eq!(outside(&debian, &line).ok(), expected, "{line}");
    }
}

#[test]
fn both_outputs_keep_their_order_through_one_pipe() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let line = "RUN bash -c 'for n in $(seq 5000); do echo $n; echo $n >&2; done' 2>&1 | uniq -c | awk '{ print $1 }' | sort | uniq -c";
    assert_eq!(outside(&debian, line).ok().split_whitespace().collect::<Vec<_>>(), ["5000", "2"]);
}

#[test]
fn both_outputs_are_distinguished() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let outcome = debian.outcome("for n in $(seq 20000); do echo out; echo error >&2; done");
    let seen = (outcome.stdout == "out\n".repeat(20000), outcome.stderr == "error\n".repeat(20000));
    assert_eq!((outcome.code(), seen), (0, (true, true)));
}

#[test]
fn standard_input_may_be_a_pipe_a_file_nothing_or_closed() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    for (line, expected) in [
        ("echo a line | RUN cat", "a line\n"),
        ("printf 'one\\ntwo\\n' | (read first; RUN cat; echo $first)", "two\none\n"),
        ("echo in a file >~/input; RUN cat <~/input", "in a file\n"),
        ("RUN cat </dev/null", ""),
        ("RUN cat <<<'a here string'", "a here string\n"),
        ("RUN sh -c 'read line || echo ended' <&-", "ended\n"),
        ("RUN sh -c 'echo not seen; echo seen >&2' 2>&1 >&-", "seen\n"),
        ("echo by name | RUN sh -c 'cat /dev/stdin >/dev/stdout' | cat", "by name\n"),
        ("RUN bash -c 'diff <(echo one) <(echo one) && echo same'", "same\n"),
        ("RUN sh -c 'echo ${#1}' sh \"$(seq 20000)\"", "108893\n"),
        ("printf 'echo %s\\n' a b | RUN bash", "a\nb\n"),
        ("for n in 1 2 3; do echo $n; done | while read n; do RUN echo $n </dev/null; done", "1\n2\n3\n"),
    ] {
        assert_eq!(outside(&debian, line).stdout, expected, "{line}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_command() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let outcome = outside(&debian, "RUN yes | head -n 1; echo ${PIPESTATUS[0]}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("y\n141\n", ""));
}

#[test]
fn a_daemon_that_keeps_the_output_open_holds_nothing_up() {
    let Some(debian) = Debian::new() else { skip!("{NO_ROOT}") };
    let outcome = outside(&debian, "RUN bash -c 'setsid sleep 1000 & echo done' | cat");
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "done\n"));
}
