//! When the process that started a launch ends, the launch ends too (property L6).

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, gettid};
use std::path::Path;
use std::time::{Duration, Instant};
use subroot_tests::running::{PATIENCE, Running, assert_all_gone, inner_pid, instant, soon, unique_word};
use subroot_tests::sandbox::Sandbox;
use subroot_tests::{Started, children, processes_with_word};

/// A shell that starts a launch and reports when its command runs. Also returns the word of the launch's
/// processes.
fn started_by_a_shell(sandbox: &Sandbox, options: &str) -> (Running, String) {
    let word = unique_word();
    let root = sandbox.rootfs.path.display();
    let line = format!("subroot run {options} {root} -- sh -c 'echo ready; exec sleep 1000' {word} & wait");
    (Running::of(Started::in_a_session(&mut sandbox.alice.shell(&line))), word)
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
    // A host belongs to its thread. The thread that starts the launch shares the mounts of this one, and
    // ends.
    let start = || (Running::new(&mut command), gettid());
    let (mut running, thread) = std::thread::scope(|scope| scope.spawn(start).join().expect("the thread"));
    let is_gone = || !Path::new(&format!("/proc/self/task/{thread}")).exists();
    assert!(soon(PATIENCE, is_gone), "the thread does not end");
    std::io::Write::write_all(&mut running.input(), b"alive\n").expect("telling it to go on");
    assert_eq!(running.end().ok(), "alive\n");
}

#[test]
fn nohup_keeps_a_hangup_from_it() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    for (before, status) in [("nohup ", 5), ("", 129)] {
        let line = format!(
            "exec {before}subroot run {root} -- sh -c \"trap 'exit 5' USR1; echo ready; sleep 1000 & wait\""
        );
        let running = Running::new(&mut sandbox.alice.shell(&line));
        // They are delivered in this order, whenever they arrive: signal(7).
        [1, 10].iter().for_each(|number| running.signal(*number));
        assert_eq!(running.end().code(), status, "{before}");
    }
}

/// At every instant of the start and the run, whichever of the three is killed.
#[test]
fn nothing_is_left_whenever_one_of_them_is_killed() {
    const ROUNDS: u32 = 999;
    let sandbox = Sandbox::new();
    let (word, start) = (unique_word(), sandbox.duration_of_a_start());
    let root = sandbox.rootfs.path.display();
    let line = format!("subroot run {root} -- sh -c 'sleep 1000 & setsid sleep 1000 & wait' {word}; true");
    let mut killed = [0; 3];
    for round in 0..ROUNDS {
        let shell = Started::in_a_session(&mut sandbox.alice.shell(&line));
        spin(instant(start, round, ROUNDS));
        let descent = line_of_descent(shell.pid());
        let which = descent.len().min(1 + round as usize % 3) - 1;
        kill(descent[which], Signal::SIGKILL).expect("killing one of them");
        killed[which] += 1;
        drop(shell.end_within(PATIENCE));
        if round % 25 == 24 {
            assert_all_gone(&word);
        }
    }
    assert_all_gone(&word);
    assert!(killed.iter().all(|count| *count > 0), "the shell, the launcher, PID 1: {killed:?}");
}

/// The shell, its launcher, and PID 1 inside, as far as they exist.
fn line_of_descent(shell: Pid) -> Vec<Pid> {
    let launcher = children(shell).into_iter().next();
    let is_first = |pid: &Pid| inner_pid(*pid).as_deref() == Some("1");
    let first = launcher.and_then(|launcher| children(launcher).into_iter().find(is_first));
    [Some(shell), launcher, first].into_iter().flatten().collect()
}

fn spin(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}
