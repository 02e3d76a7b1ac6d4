//! What a launch costs: one run of the mapper, one of the command, and no process that could be spared.

use crate::sandbox::Sandbox;
use std::collections::BTreeSet;
use std::process::Command;
use subroot_tests::{MAPPER, release_program, skip};

/// What strace saw of one launch: the programs in order, and how many processes there were.
fn traced(options: &[&str]) -> (Vec<String>, usize) {
    let sandbox = Sandbox::new();
    let root = sandbox.host.user("root");
    let mut command = root.command("strace");
    // Started by root, and as a user from there, so that the mapper's bit counts.
    command.args(["-f", "-qq", "-u", "alice", "-e", "trace=process", "-o", "/tmp/trace"]);
    command
        .args(["/usr/local/bin/subroot", "run"])
        .args(options)
        .arg(&sandbox.rootfs.path)
        .args(["--", "true"]);
    let outcome = sandbox.host.output(&mut command);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    let trace = std::fs::read_to_string("/tmp/trace").expect("what strace wrote");
    let programs = trace.lines().filter_map(|line| line.split_once("execve(\"")?.1.split('"').next());
    let processes: BTreeSet<&str> = trace.lines().filter_map(|line| line.split_whitespace().next()).collect();
    (programs.map(str::to_owned).collect(), processes.len())
}

#[test]
fn a_launch_is_one_run_of_the_mapper_and_one_of_the_command_in_four_processes() {
    // The launcher, init, the mapper and the command.
    let expected = ["/usr/local/bin/subroot", MAPPER, "/bin/true"].map(str::to_owned).to_vec();
    assert_eq!(traced(&[]), (expected, 4));
}

#[test]
fn no_loader_is_run_at_its_start() {
    let program = release_program("subroot");
    let headers = Command::new("readelf").args(["--wide", "--program-headers"]).arg(program).output();
    let headers = headers.expect("readelf, of binutils").stdout;
    if String::from_utf8_lossy(&headers).contains("INTERP") {
        skip!("the launcher is of a plain cargo build, not of packaging/build");
    }
    assert!(String::from_utf8_lossy(&headers).contains(" EXEC "), "at a fixed address");
}

#[test]
fn as_pid_1_it_is_the_same_with_a_watcher_in_place_of_init() {
    let expected = ["/usr/local/bin/subroot", MAPPER, "/bin/true"].map(str::to_owned).to_vec();
    assert_eq!(traced(&["--as-pid-1"]), (expected, 4));
}
