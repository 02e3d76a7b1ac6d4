//! The end of whoever started a launch ends it (property L6).

use crate::sandbox::Sandbox;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::{Duration, Instant};
use subroot_tests::running::{Running, assert_all_gone, soon, unique_word};
use subroot_tests::{Started, processes_with_word};

/// A shell that starts a launch and tells of it when its command runs; and the word of the launch's processes.
fn started_by_a_shell(sandbox: &Sandbox, options: &str) -> (Running, String) {
    let word = unique_word();
    let root = sandbox.rootfs.path.display();
    let line = format!("subroot run {options} {root} -- sh -c 'echo ready; exec sleep 1000' {word} & wait");
    (Running::new(&mut sandbox.alice.shell(&line)), word)
}

#[test]
fn a_launch_ends_with_the_process_that_started_it() {
    let sandbox = Sandbox::new();
    for options in ["", "--as-pid-1", "--pid host"] {
        let (shell, word) = started_by_a_shell(&sandbox, options);
        kill(shell.pid(), Signal::SIGKILL).expect("killing the shell");
        assert_all_gone(&word);
    }
}

#[test]
fn a_launch_may_outlive_the_process_that_started_it() {
    let sandbox = Sandbox::new();
    let (shell, word) = started_by_a_shell(&sandbox, "--outlive-parent");
    kill(shell.pid(), Signal::SIGKILL).expect("killing the shell");
    assert!(!soon(Duration::from_millis(500), || processes_with_word(&word).is_empty()), "it has ended");
    for pid in processes_with_word(&word) {
        let _just_gone = kill(pid, Signal::SIGKILL);
    }
    assert_all_gone(&word);
}

#[test]
fn the_end_of_a_thread_is_no_end_of_the_process() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.shell(&[], "echo ready; read line; echo $line");
    command.stdin(std::process::Stdio::piped());
    // A host is its thread's own: the thread that starts the launch shares the mounts of this one, and ends.
    let mut running =
        std::thread::scope(|scope| scope.spawn(|| Running::new(&mut command)).join().expect("the thread"));
    std::thread::sleep(Duration::from_millis(100));
    std::io::Write::write_all(&mut running.input(), b"alive\n").expect("telling it to go on");
    assert_eq!(running.end().ok(), "alive\n");
}

#[test]
fn nohup_keeps_a_hangup_from_it() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    for (before, status) in [("nohup ", 5), ("", 129)] {
        let line = format!("exec {before}subroot run {root} -- sh -c 'echo ready; sleep 1; exit 5'");
        let running = Running::new(&mut sandbox.alice.shell(&line));
        running.signal(1);
        assert_eq!(running.end().code(), status, "{before}");
    }
}

/// At every instant of start and run, whichever of the three dies.
#[test]
fn nothing_is_left_whenever_one_of_them_is_killed() {
    const ROUNDS: u32 = 1_000;
    let sandbox = Sandbox::new();
    let word = unique_word();
    let root = sandbox.rootfs.path.display();
    let line = format!("subroot run {root} -- sh -c 'sleep 1000 & setsid sleep 1000 & wait' {word}; true");
    for round in 0..ROUNDS {
        let mut shell = Started::new(&mut sandbox.alice.shell(&line));
        spin(Duration::from_micros(u64::from(round % 250) * 40));
        match round % 3 {
            0 => kill(shell.pid(), Signal::SIGKILL).expect("killing the shell"),
            which => kill_one(&word, which),
        }
        if round % 3 != 0 {
            let _just_gone = kill(shell.pid(), Signal::SIGKILL);
        }
        shell.child().wait().expect("waiting for the shell");
        if round % 25 == 24 {
            assert_all_gone(&word);
        }
    }
    assert_all_gone(&word);
}

/// The launcher, which is the oldest of its processes, or PID 1, which is the next.
fn kill_one(word: &str, which: u32) {
    let mut pids: Vec<Pid> = processes_with_word(word);
    pids.sort();
    if let Some(pid) = usize::try_from(which - 1).ok().and_then(|at| pids.get(at)) {
        let _just_gone = kill(*pid, Signal::SIGKILL);
    }
}

fn spin(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}
