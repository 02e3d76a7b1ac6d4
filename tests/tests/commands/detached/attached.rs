//! `attach`: the caller's terminal or streams, connected with a detached sandbox.

use crate::detached::{LIMIT, detach, unique_name};
use crate::running::person::Person;
use std::io::Write as _;
use std::process::Stdio;
use subroot_tests::Started;
use subroot_tests::running::soon;
use subroot_tests::sandbox::{Sandbox, assert_refused};

/// A user at a terminal who attaches to this sandbox.
fn attached(sandbox: &Sandbox, name: &str) -> Person {
    Person::starts(sandbox, &sandbox.subroot(&["attach", name]))
}

fn is_raw(person: &Person) -> bool {
    !person.settings().local_flags.contains(nix::sys::termios::LocalFlags::ECHO)
}

#[test]
fn a_terminal_is_typed_into_and_left_and_entered_again() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &["-t"], "exec sh -i");
    let mut person = attached(&sandbox, &name);
    assert!(soon(LIMIT, || is_raw(&person)), "the terminal is not raw");
    person.types("echo $((6*7))\n");
    person.assert_sees("42");
    person.types("stty size\n");
    person.assert_sees("30 100");
    person.terminal.resize("17", "61");
    person.types("stty size\n");
    person.assert_sees("17 61");
    // Ctrl-P alone is passed on.
    person.types("stty -icanon -echo; echo re''ady; dd bs=1 count=2 2>/dev/null | od -An -tx1; stty sane\n");
    person.assert_sees("ready");
    person.types("\u{10}x");
    person.assert_sees("10 78");
    person.types("\u{10}\u{11}");
    let person = person.ends_with(0);
    assert!(!is_raw(&person), "the terminal stays raw");
    let again = attached(&sandbox, &name);
    assert!(soon(LIMIT, || is_raw(&again)));
    again.types("exit 7\n");
    again.ends_with(7);
    assert!(sandbox.says(&["logs", &name]).ok().contains("42"));
}

#[test]
fn input_of_a_pipe_reaches_the_command_with_its_end() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &["-i"], "cat; echo over; exit 5");
    let mut command = sandbox.subroot(&["attach", &name]);
    let mut started = Started::new(command.stdin(Stdio::piped()));
    let mut input = started.child().stdin.take().expect("a pipe");
    let text = "0123456789abcde\n".repeat(20_000);
    let sent = text.clone();
    let writer = std::thread::spawn(move || input.write_all(sent.as_bytes()));
    let outcome = started.end_within(LIMIT);
    writer.join().expect("the writer").expect("writing");
    assert_eq!((outcome.code(), outcome.stdout == text + "over\n"), (5, true), "{}", outcome.stdout.len());
}

/// The pipe for input is reached through the supervisor's descriptors, which a payload on the host's pid
/// namespace sees but cannot open.
#[test]
fn a_payload_cannot_reach_the_input() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &["-i"], "cat");
    let json = sandbox.says(&["ps", "--json"]).ok();
    let own =
        json.split('{').find(|object| object.contains(&format!("\"name\":\"{name}\""))).expect("an object");
    let launcher = own.split("\"launcher\":").nth(1).and_then(|rest| rest.split(',').next()).expect("a PID");
    let reach = format!(
        "for file in /proc/{launcher}/fd/*; do \
         readlink $file && echo read; (: <>$file) 2>/dev/null && echo opened; \
         done; test -d /proc/{launcher} && echo seen"
    );
    let seen = sandbox.output(&["--pid", "host"], &reach);
    assert_eq!(seen.stdout, "seen\n", "{seen:?}");
    sandbox.says(&["kill", &name]).ok();
}

#[test]
fn without_i_or_t_the_output_is_shown_and_input_stays_with_the_caller() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &[], "until [ -e /go ]; do sleep 0.05; done; cat; echo over; exit 3");
    let started = Started::new(sandbox.subroot(&["attach", &name]).stdin(Stdio::piped()));
    std::thread::sleep(std::time::Duration::from_millis(200));
    sandbox.add("go", "", 0o644);
    let outcome = started.end_within(LIMIT);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (3, "over\n"));
}

#[test]
fn its_end_at_any_instant_is_noticed() {
    let sandbox = Sandbox::new();
    for round in 0..20_u64 {
        let name = detach(&sandbox, &["-t"], "sleep 0.05; exit 3");
        std::thread::sleep(std::time::Duration::from_millis(3 * round));
        let outcome = Started::new(&mut sandbox.subroot(&["attach", &name])).end_within(LIMIT);
        let has_ended = outcome.code() == 125 && outcome.stderr.contains("ended");
        assert!(outcome.code() == 3 || has_ended, "round {round}: {outcome:?}");
    }
}

#[test]
fn an_end_by_a_signal_leaves_the_sandbox_alone() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &["-i"], "cat");
    let started = Started::new(sandbox.subroot(&["attach", &name]).stdin(Stdio::piped()));
    std::thread::sleep(std::time::Duration::from_millis(300));
    subroot_tests::running::send(started.pid(), 15);
    assert_eq!(started.end_within(LIMIT).code(), 143);
    assert_eq!(sandbox.says(&["kill", &name]).code(), 0);
    assert_refused(&sandbox.says(&["attach", &name]), 125, &["it has ended; subroot logs prints its output"]);
    assert_refused(&sandbox.says(&["attach", &unique_name()]), 125, &["no sandbox has that name"]);
}
