//! The cost of a launch: one run of the mapper, one of the command, and no unnecessary process.

use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use subroot_tests::budget::{
    LAUNCH_CALLS_FULL_MAP, LAUNCH_CALLS_OWN_ID, LAUNCHER_BYTES, PLAN_INSTRUCTIONS, PRIVATE_MEMORY,
};
use subroot_tests::running::{PATIENCE, Running, pid_1, soon, unique_word};
use subroot_tests::sandbox::Sandbox;
use subroot_tests::{MAPPER, is_nested, is_quick_build, release_program, skip};

/// A launch by alice under strace. root starts it, so that the mapper's setuid bit counts. Returns the trace.
fn traced(tracing: &[&str], options: &[&str]) -> String {
    let sandbox = Sandbox::new();
    // A root that lacks nothing: an account that is added takes more calls.
    sandbox.add("etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home:/bin/sh\n", 0o644);
    sandbox.add("etc/group", "root:x:0:\nalice:x:1000:\n", 0o644);
    let mut command = sandbox.host.user("root").command("strace");
    command.args(["-f", "-qq", "-u", "alice", "-o", "/tmp/trace"]).args(tracing);
    command
        .args(["/usr/local/bin/subroot", "run"])
        .args(options)
        .arg(&sandbox.rootfs.path)
        .args(["--", "true"]);
    let outcome = sandbox.host.output(&mut command);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    fs::read_to_string("/tmp/trace").expect("what strace wrote")
}

/// The programs in order, and the number of processes.
fn processes(options: &[&str]) -> (Vec<String>, usize) {
    let trace = traced(&["-e", "trace=process"], options);
    let programs = trace.lines().filter_map(|line| line.split_once("execve(\"")?.1.split('"').next());
    let processes: BTreeSet<&str> = trace.lines().filter_map(|line| line.split_whitespace().next()).collect();
    (programs.map(str::to_owned).collect(), processes.len())
}

/// The total number of system calls: the smallest of several launches, because a launch that is delayed by
/// ten milliseconds releases memory and waits again.
fn calls(options: &[&str]) -> usize {
    let calls = || {
        let table = traced(&["-c"], options);
        let total = table.lines().rfind(|line| line.ends_with(" total")).expect("the last line");
        total.split_whitespace().nth(3).and_then(|number| number.parse().ok()).expect("a number")
    };
    (0..5).map(|_| calls()).min().expect("five launches")
}

#[test]
fn a_launch_makes_no_more_system_calls_than_it_did() {
    if is_nested() {
        skip!("in a user namespace a launch examines more of the host");
    }
    LAUNCH_CALLS_OWN_ID.hold(calls(&["--userns", "host-id"]));
    LAUNCH_CALLS_FULL_MAP.hold(calls(&[]));
}

/// valgrind counts them. It does not support new namespaces, so the count ends before them.
#[test]
fn a_plan_takes_no_more_instructions_than_it_did() {
    if is_quick_build() {
        skip!("the launcher is of tests/quick, not of packaging/build");
    }
    let file = fs::metadata(release_program("subroot")).expect("the launcher");
    LAUNCHER_BYTES.hold(usize::try_from(file.len()).expect("a size"));
    let sandbox = Sandbox::new();
    let mut command = sandbox.alice.command("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "/usr/local/bin/subroot", "run"]);
    let outcome =
        sandbox.host.output(command.arg("--print-plan").arg(&sandbox.rootfs.path).args(["--", "true"]));
    let counted =
        outcome.stderr.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    PLAN_INSTRUCTIONS.hold(counted.unwrap_or_else(|| panic!("{outcome:?}")));
}

/// In KiB: proc_pid_smaps_rollup(5). Pages of the program file are left out: the kernel maps them in larger
/// or smaller pieces depending on its cache, and can reclaim them at any time.
fn private_memory(pid: Pid) -> usize {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("smaps_rollup");
    let private = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:")).expect("Private_Dirty");
    private.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn a_sandbox_that_stays_has_little_memory_to_itself() {
    if is_nested() {
        skip!("init is not dumpable, so only root outside may examine its memory");
    }
    if is_quick_build() {
        skip!("the launcher is of tests/quick, not of packaging/build");
    }
    let (sandbox, word) = (Sandbox::new(), unique_word());
    let running = Running::new(&mut sandbox.run(&[], &["sh", "-c", "echo ready; exec sleep $0", &word]));
    let (launcher, init) = (running.pid(), pid_1(&word));
    let of_both = || private_memory(launcher) + private_memory(init);
    soon(PATIENCE, || PRIVATE_MEMORY.allows(of_both()));
    PRIVATE_MEMORY.hold(of_both());
    running.signal(15);
    drop(running.end());
}

#[test]
fn a_launch_is_one_run_of_the_mapper_and_one_of_the_command_in_four_processes() {
    // The launcher, init, the mapper and the command.
    let expected = ["/usr/local/bin/subroot", MAPPER, "/bin/true"].map(str::to_owned).to_vec();
    assert_eq!(processes(&[]), (expected, 4));
}

#[test]
fn no_loader_is_run_at_its_start() {
    if is_quick_build() {
        skip!("the launcher is of tests/quick, not of packaging/build");
    }
    let headers = program_headers();
    assert!(
        headers.contains(" EXEC ") && !headers.contains("INTERP"),
        "static, at a fixed address: {headers}"
    );
}

fn program_headers() -> String {
    let program = release_program("subroot");
    let headers = Command::new("readelf").args(["--wide", "--program-headers"]).arg(program).output();
    String::from_utf8_lossy(&headers.expect("readelf, of binutils").stdout).into_owned()
}

#[test]
fn as_pid_1_it_is_the_same_with_a_watcher_in_place_of_init() {
    let expected = ["/usr/local/bin/subroot", MAPPER, "/bin/true"].map(str::to_owned).to_vec();
    assert_eq!(processes(&["--as-pid-1"]), (expected, 4));
}
