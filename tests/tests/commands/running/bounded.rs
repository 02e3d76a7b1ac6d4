//! `ps`, `exec` and `kill` take a limited number of steps for each process, whatever a payload does (property
//! L14).

use crate::running::{listed, unique_name};
use std::fs;
use subroot_tests::children;
use subroot_tests::running::{Running, inner_pid, program_of};
use subroot_tests::sandbox::{Sandbox, assert_refused};

/// A payload whose command has many descriptors open, in the host's own system.
const DESCRIPTORS: &str =
    "for (1 .. 900) { open($f{$_}, '<', '/dev/null') or die }; $| = 1; print \"ready\\n\"; sleep 1000";

/// The system calls of a command about sandboxes, run by alice.
fn calls(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let mut strace = sandbox.host.user("root").command("strace");
    strace.args(["-f", "-qq", "-u", "alice", "-o", "/tmp/trace", "/usr/local/bin/subroot"]).args(words);
    let _may_be_refused = sandbox.host.output(&mut strace);
    let trace = fs::read_to_string("/tmp/trace").expect("what strace wrote");
    trace.lines().filter_map(|line| line.split_once(' ')).map(|(_, call)| call.trim().to_owned()).collect()
}

/// The calls that concern one process: by its PID in a path, or by a descriptor that was opened through it.
fn about(calls: &[String], pid: i32) -> Vec<&str> {
    let forms = [format!("\"{pid}\""), format!("\"{pid}/"), format!("/{pid}/")];
    let mut descriptor = None;
    let is_about = |call: &&String| {
        let names = forms.iter().any(|way| call.contains(way));
        if names && call.starts_with("openat(") {
            descriptor = call.rsplit_once("= ").map(|(_, number)| number.to_owned());
        }
        let argument = call.split_once('(').and_then(|(_, rest)| rest.split([',', ')']).next());
        let is_of_descriptor = argument.is_some() && argument == descriptor.as_deref();
        if is_of_descriptor && call.starts_with("close(") {
            descriptor = None;
        }
        names || is_of_descriptor
    };
    calls.iter().filter(is_about).map(String::as_str).collect()
}

#[test]
fn descriptors_of_a_payload_are_not_looked_at() {
    let sandbox = Sandbox::new();
    let name = unique_name();
    let running =
        Running::new(&mut sandbox.subroot(&["run", "--name", &name, "--", "perl", "-e", DESCRIPTORS]));
    let init = children(running.pid()).into_iter().find(|pid| inner_pid(*pid).as_deref() == Some("1"));
    let command = children(init.expect("its init"))[0];
    assert_eq!(program_of(command), "perl");
    for words in
        [["ps"].as_slice(), &["kill", "-s", "WINCH", &name], &["kill", "none"], &["exec", "none", "true"]]
    {
        let calls = calls(&sandbox, words);
        let steps = about(&calls, command.as_raw());
        // One call to examine its user namespace.
        assert_eq!(steps.len(), 1, "{words:?}: {steps:#?}");
    }
    running.signal(9);
}

#[test]
fn orphans_of_a_payload_are_not_all_looked_at() {
    let sandbox = Sandbox::new();
    let name = unique_name();
    // None of them is in the sandbox's user namespace.
    let script = "n=0; while [ $n -lt 150 ]; do n=$((n + 1)); (unshare -U sleep 1000 &); done; echo ready; exec unshare -U sleep 1000";
    let running = Running::new(&mut sandbox.subroot(&["run", "--name", &name, "--", "sh", "-c", script]));
    let refused = sandbox.says(&["exec", &name, "true"]);
    assert_refused(&refused, 125, &[&name, "its command has left its user namespace"]);
    let opened = calls(&sandbox, &["exec", &name, "true"]);
    let opened = opened.iter().filter(|call| call.starts_with("pidfd_open(")).count();
    running.signal(9);
    // The first process, and its 64 oldest children.
    assert!((1..=65).contains(&opened), "{opened} processes");
}

#[test]
fn kill_looks_at_all_processes_once_for_each_sandbox() {
    let sandbox = Sandbox::new();
    for signal in ["WINCH", "KILL"] {
        let name = unique_name();
        let running = Running::new(&mut sandbox.shell(&["--name", &name], crate::running::READY));
        let calls = calls(&sandbox, &["kill", "-s", signal, &name]);
        let looks =
            calls.iter().filter(|call| call.contains("\"/proc\", ") && !call.contains("O_PATH")).count();
        running.signal(9);
        assert_eq!(looks, 1, "{signal}");
    }
}

/// A launcher can inherit any number of descriptors. It must not run with a name that the limited search
/// cannot find.
#[test]
fn a_name_is_refused_if_all_descriptors_that_are_searched_are_in_use() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    let line = |last: u32, rest: &str| {
        format!("for n in $(seq 63 {last}); do eval \"exec $n</dev/null\"; done; exec subroot run {rest}")
    };
    let name = unique_name();
    let script = line(125, &format!("--name {name} {root} -- sh -c '{}'", crate::running::READY));
    let running = Running::new(sandbox.alice.command("bash").args(["-c", &script]));
    assert!(listed(&sandbox, &name).is_some());
    running.signal(9);
    let refused = line(126, &format!("--name {} {root} -- true", unique_name()));
    let refused = sandbox.host.output(sandbox.alice.command("bash").args(["-c", &refused]));
    assert_refused(&refused, 125, &["making the entry of a named sandbox", "Too many open files"]);
    let unnamed = line(126, &format!("{root} -- true"));
    sandbox.host.output(sandbox.alice.command("bash").args(["-c", &unnamed])).ok();
}
