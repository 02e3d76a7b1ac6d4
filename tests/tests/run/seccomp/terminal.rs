//! The user's terminal: what a command in it must not be able to do to it.

use crate::seccomp::{EPERM, errnos, with_calls};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::read;
use std::collections::BTreeMap;
use std::process::Command;
use subroot_tests::Terminal;
use subroot_tests::sandbox::Sandbox;

const CALLS: [&str; 5] = ["tiocsti", "tiocsti-high", "tioclinux", "winsize", "i386:tiocsti"];

/// The results of the calls in a launch on its own session's terminal, and what became visible on that
/// terminal.
fn on_a_terminal(sandbox: &Sandbox, options: &[&str], names: &[&str]) -> (BTreeMap<String, i32>, String) {
    let terminal = Terminal::of(&sandbox.alice);
    let launch = sandbox.run(options, &[&["calls"], names].concat());
    let mut command: Command = sandbox.alice.command("setsid");
    command.args(["--ctty", "--wait"]).arg(launch.get_program()).args(launch.get_args());
    command.stdin(terminal.stream());
    let answers = errnos(&sandbox.host.output(&mut command).ok());
    fcntl(&terminal.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("not waiting for more");
    let mut seen = [0; 64];
    let length = read(&terminal.master, &mut seen).unwrap_or(0);
    (answers, String::from_utf8_lossy(&seen[..length]).into_owned())
}

#[test]
fn no_input_can_be_forged() {
    let sandbox = with_calls();
    let (answers, seen) = on_a_terminal(&sandbox, &[], &CALLS[..4]);
    assert_eq!(CALLS[..3].iter().map(|name| answers[*name]).collect::<Vec<_>>(), [EPERM; 3]);
    assert_eq!((answers["winsize"], seen.as_str()), (0, ""));
}

#[test]
fn nor_by_a_call_of_i386() {
    let sandbox = with_calls();
    if !crate::seccomp::has_int_80(&sandbox) {
        subroot_tests::skip!("this kernel has no int 0x80");
    }
    let (answers, seen) = on_a_terminal(&sandbox, &[], &["i386:tiocsti"]);
    assert_eq!((answers["i386:tiocsti"], seen.as_str()), (EPERM, ""));
}

#[test]
fn unconfined_leaves_the_answer_to_the_kernel() {
    let sandbox = with_calls();
    let legacy = std::fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti");
    let (answers, seen) =
        on_a_terminal(&sandbox, &["--security-opt=seccomp=unconfined"], &["tiocsti", "tiocsti-high"]);
    // EIO if dev.tty.legacy_tiocsti is 0: drivers/tty/tty_io.c.
    let expected = if legacy.is_ok_and(|text| text.trim() == "0") { (5, 5, "") } else { (0, 0, "XX") };
    assert_eq!((answers["tiocsti"], answers["tiocsti-high"], seen.as_str()), expected);
}
