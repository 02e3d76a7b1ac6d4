//! nohup: a sandbox that was started with SIGHUP ignored outlives its shell and its terminal.

use crate::running::person::{LIMIT, Person};
use nix::sys::signal::{Signal, kill};
use std::time::Duration;
use subroot_tests::running::{Running, assert_all_gone, soon, unique_word};
use subroot_tests::sandbox::Sandbox;
use subroot_tests::{Started, processes_with_word};

/// Longer than it takes to end a sandbox whose shell has ended.
const A_MOMENT: Duration = Duration::from_millis(700);

/// Fails the test unless a process with this word goes on. Then ends all of them.
#[track_caller]
fn assert_goes_on(word: &str) {
    let has_ended = soon(A_MOMENT, || processes_with_word(word).is_empty());
    for pid in processes_with_word(word) {
        let _just_gone = kill(pid, Signal::SIGKILL);
    }
    assert!(!has_ended, "it has ended");
    assert_all_gone(word);
}

/// An interactive shell sends its jobs a hangup when its terminal closes. The kernel sends one to the
/// terminal's foreground process group.
#[test]
fn it_stays_when_the_terminal_closes() {
    let sandbox = Sandbox::new();
    for options in ["", "--as-pid-1", "--pid host"] {
        for end in [" &", ""] {
            let word = unique_word();
            let mut shell = sandbox.alice.command("bash");
            let mut person =
                Person::starts(&sandbox, shell.args(["--norc", "--noprofile", "-i"]).env("PS1", "$ "));
            let root = sandbox.rootfs.path.display();
            let command = format!("echo re'ady'; exec sleep {word}");
            person.types(&format!(
                "nohup subroot run {options} {root} -- sh -c \"{command}\" >out 2>&1{end}\n"
            ));
            let sleeps = || processes_with_word(&word).into_iter().any(|pid| is_sleep(pid, &word));
            assert!(soon(LIMIT, sleeps), "it does not start");
            drop(person.child().try_wait());
            drop(person.hangs_up().end_within(LIMIT));
            assert_goes_on(&word);
        }
    }
}

fn is_sleep(pid: nix::unistd::Pid, word: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line == format!("sleep\0{word}\0"))
}

#[test]
fn it_stays_when_its_parent_is_killed() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let root = sandbox.rootfs.path.display();
    let line = format!("nohup subroot run {root} -- sh -c 'echo ready; exec sleep 1000' {word} & wait");
    let shell = Running::of(Started::in_a_session(&mut sandbox.alice.shell(&line)));
    kill(shell.pid(), Signal::SIGKILL).expect("killing the shell");
    assert_goes_on(&word);
}

#[test]
fn a_sandbox_that_ends_with_its_parent_says_why() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let root = sandbox.rootfs.path.display();
    let line =
        format!("subroot run {root} -- sh -c 'echo ready; exec sleep 1000' {word} 2>said & wait; exit 1");
    let shell = Running::of(Started::in_a_session(&mut sandbox.alice.shell(&line)));
    kill(shell.pid(), Signal::SIGKILL).expect("killing the shell");
    assert_all_gone(&word);
    let said = std::fs::read_to_string(sandbox.alice.home.join("said")).expect("what it said");
    let expected = "subroot: ending the sandbox: the process that started subroot has ended; nohup or run --detach prevents this\n";
    assert_eq!(said, expected);
}

/// The kernel stops a background process group that reads the terminal.
#[test]
fn a_command_whose_shell_ignores_hangups_reads_its_terminal() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    let mut shell = sandbox.alice.command("bash");
    let line = format!("trap '' HUP; exec subroot run {root} -- sh -c 'read -r line; echo got $line'");
    let mut person = Person::starts(&sandbox, shell.args(["-c", &line]));
    person.types("a line\n");
    person.assert_sees("got a line");
    assert_eq!(person.launch.end_within(LIMIT).code(), 0);
}
