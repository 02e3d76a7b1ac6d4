//! A program that root traces, halted before and after every system call: whatever can happen at an instant can be made to.

use crate::outcome::Started;
use crate::start::{Step, as_root_first};
use crate::user::User;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

/// A run of a program, halted.
pub struct Traced {
    pid: Pid,
    end: Option<i32>,
}

impl Traced {
    /// Starts a command of this user's and halts it before its first instruction. What it prints is not kept.
    ///
    /// Being traced is asked for as root: a tracer whom the user has asked for keeps a setuid bit from counting (execve(2)).
    fn start(user: &User, command: &mut Command) -> Traced {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let pid = Started::as_it_is(as_root_first(command, user, vec![Step::TracedByParent])).pid();
        let mut traced = Traced { pid, end: None };
        assert_eq!(traced.wait(), WaitStatus::Stopped(pid, Signal::SIGTRAP));
        let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL;
        ptrace::setoptions(pid, options).expect("tracing it");
        traced
    }

    /// The same, brought to a boundary: 1 is before the first system call, 2 behind it. Nothing when it has ended before.
    pub fn start_at(user: &User, command: &mut Command, boundary: u32) -> Option<Traced> {
        let mut traced = Traced::start(user, command);
        (0..boundary).all(|_| traced.step()).then_some(traced)
    }

    /// Its process ID.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Goes on to the next boundary; false at the end.
    fn step(&mut self) -> bool {
        // It may have been killed while it was halted.
        let _gone = ptrace::syscall(self.pid, None);
        self.wait();
        self.end.is_none()
    }

    /// Goes on to the end and gives the exit status as a shell shows it.
    pub fn end(mut self) -> i32 {
        while self.end.is_none() && self.step() {}
        self.end.expect("an end")
    }

    /// Leaves it to itself, stopped by a signal as any user can stop his own process.
    pub fn leave_stopped(&mut self) {
        nix::sys::signal::kill(self.pid, Signal::SIGSTOP).expect("stopping it");
        ptrace::detach(self.pid, None).expect("leaving it alone");
        self.wait();
    }

    /// Lets a stopped one go on, and gives its exit status.
    pub fn continued(mut self) -> i32 {
        if self.end.is_none() {
            nix::sys::signal::kill(self.pid, Signal::SIGCONT).expect("letting it go on");
            self.wait();
        }
        self.end.expect("an end")
    }

    fn wait(&mut self) -> WaitStatus {
        let status = waitpid(self.pid, Some(WaitPidFlag::WUNTRACED)).expect("waiting for it");
        self.end = match status {
            WaitStatus::Exited(_, code) => Some(code),
            WaitStatus::Signaled(_, signal, _) => Some(128 + signal as i32),
            _ => None,
        };
        status
    }
}

/// Does something at every boundary of a run, each time to a fresh run: `at` starts it, and is false when it ended before.
pub fn at_every_boundary(mut at: impl FnMut(u32) -> bool) {
    let count = (1..1_000).take_while(|boundary| at(*boundary)).count();
    assert!(count > 40, "only {count} boundaries: a run makes more system calls");
}

/// The numbers of the system calls that one run makes: /proc/PID/syscall of proc(5).
pub fn calls(user: &User, command: &mut Command) -> BTreeSet<i64> {
    let mut traced = Traced::start(user, command);
    let mut calls = BTreeSet::new();
    while traced.step() {
        let line = fs::read_to_string(format!("/proc/{}/syscall", traced.pid)).expect("the call it makes");
        calls.extend(line.split(' ').next().and_then(|number| number.parse::<i64>().ok()));
    }
    calls
}
