//! `--args FD`: options that are read from a descriptor.

use subroot_tests::Outcome;
use subroot_tests::sandbox::{Sandbox, assert_refused};

/// The outcome of `subroot WORDS` with these words on descriptor 3.
fn run(sandbox: &Sandbox, further: &str, words: &str) -> Outcome {
    let launch = format!("printf '%b' '{further}' >further; exec subroot {words} 3<further 4</dev/null");
    sandbox.host.output(&mut sandbox.alice.shell(&launch))
}

#[test]
fn they_count_as_if_typed_there() {
    let sandbox = Sandbox::new();
    let further = "-e\\0A=two words\\0--env=B=further\\0";
    let script = "./rootfs -- sh -c 'echo $A $B; ls /proc/self/fd | wc -l'";
    for (options, expected) in [
        ("-e A=first --args 3", "two words further\n4\n"),
        ("--args=3 -e A=last", "last further\n4\n"),
        ("-e B=x --args=3 --args 4 -e B=y", "two words y\n4\n"),
    ] {
        assert_eq!(run(&sandbox, further, &format!("run {options} {script}")).ok(), expected, "{options}");
    }
    assert_eq!(run(&sandbox, "-e\\0A=x\\0-e\\0B=", &format!("-q run --args 3 {script}")).ok(), "x\n4\n");
    assert_eq!(run(&sandbox, "", &format!("run --args 3 {script}")).ok(), "\n4\n");
}

#[test]
fn the_command_keeps_such_a_word() {
    let sandbox = Sandbox::new();
    for words in ["./rootfs echo --args 3 --args=3", "./rootfs -- echo --args 3 --args=3"] {
        assert_eq!(run(&sandbox, "-x", &format!("run {words}")).ok(), "--args 3 --args=3\n");
        assert_eq!(run(&sandbox, "-w\\0/", &format!("run --args 3 {words}")).ok(), "--args 3 --args=3\n");
    }
}

#[test]
fn a_descriptor_of_two_options_is_refused() {
    let sandbox = Sandbox::new();
    for (options, why) in [
        ("--args 3 --args=3", "--args: descriptor 3 is named twice, and can be used only once"),
        ("--file 4:/a --file 4:/b", "--file: descriptor 4 is named twice, and can be used only once"),
        ("--file 3:/a --args 3", "--file: descriptor 3 is that of --args"),
        ("--args 3 --json-status 3", "--json-status: descriptor 3 is that of --args"),
        ("--file 4:/a --json-status 4", "--json-status: descriptor 4 is that of --file"),
        ("--args 3 --preserve-fds 2", "--preserve-fds: descriptor 3 is that of --args"),
        ("--file 4:/a --preserve-fds 2", "--preserve-fds: descriptor 4 is that of --file"),
    ] {
        let outcome = run(&sandbox, "-w\\0/", &format!("run {options} ./rootfs -- touch /mark"));
        assert_refused(&outcome, 125, &[why]);
    }
    let words = "run --args 3 --file 4:/a ./rootfs -- cat /a";
    assert_eq!(run(&sandbox, "-w\\0/", words).ok(), "");
    assert!(!sandbox.has_mark());
}

#[test]
fn anything_but_options_is_refused() {
    let sandbox = Sandbox::new();
    for (further, word) in [
        ("./rootfs", "not options"),
        ("--args=3", "or --args"),
        ("--\\0", "descriptor 3 has --"),
        ("-e\\0A\\0--\\0true\\0", "descriptor 3 has --"),
    ] {
        let outcome = run(&sandbox, further, "run --args 3 ./rootfs -- true");
        assert_refused(&outcome, 125, &["subroot: reading --args: ", word]);
    }
    assert_refused(&run(&sandbox, "", "run --args 9 ./rootfs -- true"), 125, &["descriptor 9 is not open"]);
    for (further, words, why) in [
        (
            "--no-such-option",
            "--args 3",
            "descriptor 3 of --args: subroot run has no option --no-such-option",
        ),
        (
            "-w\\0/\\0--workdirs=/",
            "--args 4 --args 3",
            "descriptor 3 of --args: subroot run has no option --workdirs",
        ),
        ("--oom-score-adj=x", "--args 3", "descriptor 3 of --args: --oom-score-adj: invalid number x"),
        ("-w\\0/", "--args 3 --nope", "line: subroot run has no option --nope"),
    ] {
        let outcome = run(&sandbox, further, &format!("run {words} ./rootfs -- true"));
        assert_refused(&outcome, 125, &[why]);
    }
    let endless = "subroot run --args 3 ./rootfs -- true 3</dev/zero";
    assert_refused(&sandbox.host.output(&mut sandbox.alice.shell(endless)), 125, &["more than 16 MiB"]);
}
