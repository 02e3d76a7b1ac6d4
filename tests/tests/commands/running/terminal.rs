//! `-t`: the command's own terminal, connected to the caller's.

use crate::running::person::{LIMIT, Person};
use nix::unistd::Pid;
use std::process::Stdio;
use subroot_tests::processes_with_word;
use subroot_tests::running::{Running, assert_all_gone, process_inside, program_of, send, soon, unique_word};
use subroot_tests::sandbox::{Sandbox, assert_refused};

/// A script that reports when it runs, and continues until a line is typed.
const READING: &str = "echo ready; read line";

#[test]
fn the_command_has_a_terminal_of_the_sandboxs_own() {
    let sandbox = Sandbox::new();
    let mut person = Person::new(
        &sandbox,
        &[],
        &["sh", "-c", "tty; test -t 0 && test -t 1 && test -t 2 && echo all; stty size"],
    );
    person.assert_sees("/dev/pts/0");
    person.assert_sees("all");
    person.assert_sees("30 100");
    person.ends_with(0);
}

#[test]
fn what_is_typed_reaches_the_command_and_its_signals_too() {
    let sandbox = Sandbox::new();
    let mut person = Person::new(&sandbox, &[], &["sh"]);
    let word = unique_word();
    person.types(&format!("sleep {word}; echo slept $?\n"));
    let sleeps = || processes_with_word(&word).into_iter().any(|pid| program_of(pid) == "sleep");
    assert!(soon(LIMIT, sleeps), "the typed command does not run");
    person.types("\u{3}");
    person.assert_sees("^C");
    person.types("echo $((6*7))\n");
    person.assert_sees("42");
    person.types("exit 9\n");
    person.ends_with(9);
}

#[test]
fn the_end_of_input_is_passed_on() {
    let sandbox = Sandbox::new();
    let mut person = Person::new(&sandbox, &[], &["sh", "-c", "echo ready; cat >/dev/null; echo over"]);
    person.assert_sees("ready");
    person.types("\u{4}");
    person.assert_sees("over");
    person.ends_with(0);
    let mut piped = sandbox.shell(&["-t"], "cat; echo over");
    piped.stdin(Stdio::null());
    assert!(sandbox.host.output(&mut piped).ok().contains("over"));
}

#[test]
fn a_change_of_size_is_passed_on() {
    let sandbox = Sandbox::new();
    let script = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done";
    let mut person = Person::new(&sandbox, &[], &["sh", "-c", script]);
    person.assert_sees("ready");
    person.terminal.resize("17", "61");
    person.assert_sees("17 61");
    person.child().kill().expect("ending the session");
}

#[test]
fn the_settings_of_the_persons_terminal_come_back_however_it_ends() {
    for end in ["exit", "kill the command", "kill the launcher"] {
        let sandbox = Sandbox::new();
        let word = unique_word();
        let mut person = Person::new(&sandbox, &[], &["sh", "-c", READING, &word]);
        ends_and_is_itself_again(&mut person, end, || process_inside(&word, "2"));
        assert_all_gone(&word);
    }
}

#[test]
fn and_so_they_do_however_a_joined_command_ends() {
    let sandbox = Sandbox::new();
    let name = crate::running::unique_name();
    let running = Running::new(&mut sandbox.shell(&["--name", &name], crate::running::READY));
    for end in ["exit", "kill the command", "kill the launcher"] {
        let word = unique_word();
        let exec = sandbox.subroot(&["exec", "-t", &name, "sh", "-c", READING, &word]);
        let mut person = Person::starts(&sandbox, &exec);
        let is_command = |pid: &Pid| program_of(*pid) == "sh";
        let command = || processes_with_word(&word).into_iter().find(is_command).expect("the command");
        ends_and_is_itself_again(&mut person, end, command);
        assert_all_gone(&word);
    }
    running.signal(9);
}

/// Ends a launch. The terminal then has its old settings, if necessary restored by the process that the
/// launcher keeps for that.
#[track_caller]
fn ends_and_is_itself_again(person: &mut Person, end: &str, command: impl Fn() -> Pid) {
    let echo = nix::sys::termios::LocalFlags::ECHO;
    let is_raw = |person: &Person| !person.settings().local_flags.contains(echo);
    person.assert_sees("ready");
    assert!(is_raw(person), "the terminal is not raw");
    match end {
        "exit" => person.types("\n"),
        "kill the command" => send(command(), 9),
        _ => send(person.launch.pid(), 9),
    }
    assert!(soon(LIMIT, || !is_raw(person)), "{end}: the terminal stays raw");
    drop(person.child().wait());
}

#[test]
fn ten_megabytes_come_through() {
    let sandbox = Sandbox::new();
    let command = &mut sandbox.shell(&["-t"], "stty -opost; yes 0123456789abcde | head -c 10000000");
    assert_eq!(sandbox.host.output(command).ok().len(), 10_000_000);
}

#[test]
fn the_persons_own_terminal_cannot_be_opened() {
    let sandbox = Sandbox::new();
    let script = "echo to tty >/dev/tty; readlink /proc/self/fd/0; readlink /proc/self/fd/1; ls /dev/pts | tr '\\n' ' '";
    let mut person = Person::new(&sandbox, &[], &["sh", "-c", script]);
    person.assert_sees("to tty");
    person.assert_sees("/dev/pts/0\r\n/dev/pts/0\r\n0 ptmx");
    person.ends_with(0);
}

#[test]
fn the_command_may_be_pid_1() {
    let sandbox = Sandbox::new();
    let mut person = Person::new(&sandbox, &["--as-pid-1"], &["sh", "-c", "echo $$; tty"]);
    person.assert_sees("1\r\n/dev/pts/0");
    person.ends_with(0);
}

#[test]
fn without_a_dev_there_is_none() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.output(&["-t", "--dev", "none"], "true");
    assert_refused(
        &outcome,
        125,
        &["opening a terminal: /dev/ptmx is not there", "--dev none", "No such file or directory"],
    );
}

#[test]
fn a_joined_command_has_one_of_its_own() {
    let sandbox = Sandbox::new();
    let name = crate::running::unique_name();
    let running = Running::new(&mut sandbox.shell(&["--name", &name], crate::running::READY));
    let mut exec = sandbox.subroot(&["exec", "-t", &name, "tty"]);
    assert_eq!(sandbox.host.output(exec.stdin(Stdio::null())).ok(), "/dev/pts/0\r\n");
    running.signal(9);
}

/// Without `-t`, the command belongs to the shell's job, like any other.
#[test]
fn a_shell_stops_continues_and_interrupts_it_as_any_job() {
    let sandbox = Sandbox::new();
    let mut shell = sandbox.alice.command("bash");
    let mut person = Person::starts(&sandbox, shell.args(["--norc", "--noprofile", "-i"]));
    let root = sandbox.rootfs.path.display();
    person.types(&format!(
        "subroot run {root} -- sh -c 'echo re\"\"ady; read line; echo got $line; sleep 1000'\n"
    ));
    person.assert_sees("ready\r\n");
    person.types("\u{1a}");
    person.assert_sees("Stopped");
    person.types("echo here $((40+2))\n");
    person.assert_sees("here 42");
    person.types("fg\n");
    person.assert_sees("subroot run");
    person.types("typed\n");
    person.assert_sees("got typed");
    person.types("\u{3}");
    person.types("echo st$?\n");
    person.assert_sees("st130");
    person.types("exit 0\n");
    person.ends_with(0);
}

/// A shell without COMMAND at a terminal, and what `tty` says in it.
fn assert_shell_says(sandbox: &Sandbox, words: &[&str], tty: &str) {
    let mut shell = Person::starts(sandbox, &sandbox.subroot(words));
    shell.types("tty; exit 4\n");
    shell.assert_sees("exit 4\r\n");
    shell.assert_sees(&format!("{tty}\r\n"));
    shell.ends_with(4);
}

#[test]
fn a_shell_without_a_command_has_one_if_it_can() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.to_str().expect("UTF-8");
    assert_shell_says(&sandbox, &["run", root], "/dev/pts/0");
    assert_shell_says(&sandbox, &["run", "--dev", "none", root], "not a tty");
    assert_shell_says(&sandbox, &["run", "--tmpfs", "/dev/pts", root], "not a tty");
    for (options, tty) in [(&[][..], "/dev/pts/0"), (&["--dev", "none"], "not a tty")] {
        let name = crate::running::unique_name();
        let options = [&["--name", &name], options].concat();
        let running = Running::new(&mut sandbox.shell(&options, crate::running::READY));
        assert_shell_says(&sandbox, &["exec", &name], tty);
        running.signal(9);
    }
}

#[test]
fn a_shell_whose_output_is_no_terminal_has_none() {
    let sandbox = Sandbox::new();
    let line = format!("subroot run {} | cat", sandbox.rootfs.path.display());
    let mut shell = Person::starts(&sandbox, &sandbox.alice.shell(&line));
    shell.types("tty; exit\n");
    shell.assert_sees("not a tty");
    shell.ends_with(0);
}

#[test]
fn its_size_is_that_of_any_terminal_of_the_caller_or_usual() {
    let sandbox = Sandbox::new();
    let mut person = Person::without_input(&sandbox, &sandbox.run(&["-t"], &["stty", "size"]));
    person.assert_sees("30 100");
    person.ends_with(0);
    let mut piped = sandbox.run(&["-t"], &["stty", "size"]);
    let outcome = subroot_tests::Started::in_a_session(piped.stdin(Stdio::null()));
    assert_eq!(outcome.end_within(LIMIT).ok(), "24 80\r\n");
}
