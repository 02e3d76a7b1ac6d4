//! Many mounts in one launch: each costs a few system calls, and does not examine all others.

use std::process::Command;
use subroot_tests::sandbox::Sandbox;

/// A bind next to the previous one: one call each to examine its source and its mount point; open_tree,
/// mount_setattr, move_mount and close in the child. The seventh allows for memory allocation.
const CALLS_FOR_A_BIND: usize = 7;

fn calls(sandbox: &Sandbox, binds: usize) -> usize {
    let options: Vec<String> = (0..binds).map(|n| format!("-v/home/alice/data:/mnt/{n}")).collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let run = sandbox.run(&options, &["true"]);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-u", "alice", "-o", "/tmp/calls"]).arg(run.get_program()).args(run.get_args());
    strace.current_dir("/home/alice").env("HOME", "/home/alice");
    sandbox.host.output(&mut strace).ok();
    std::fs::read_to_string("/tmp/calls").expect("the calls").lines().count()
}

#[test]
fn a_bind_costs_a_few_system_calls_however_many_there_are() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    for n in 0..200 {
        sandbox.host.make_dir(sandbox.rootfs.path.join(format!("mnt/{n}")), &sandbox.alice);
    }
    let [none, some, many] = [0, 100, 200].map(|binds| calls(&sandbox, binds));
    for (binds, calls) in [(100, some - none), (200, many - none)] {
        assert!(calls <= binds * CALLS_FOR_A_BIND, "{calls} calls for {binds} binds");
    }
}

#[test]
fn a_thousand_binds_are_all_there() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    let options: Vec<String> = (0..1_000).map(|n| format!("-v/home/alice/data:/mnt/{n}")).collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    assert_eq!(sandbox.prints(&options, "grep -c ' /mnt/' /proc/self/mountinfo"), "1000\n");
    assert!(!sandbox.rootfs.path.join("mnt").exists());
}
