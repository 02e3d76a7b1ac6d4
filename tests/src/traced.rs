//! Traces a program as root and halts it before and after every system call, so that a test can act at any of
//! these points.

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

/// A halted run of a program.
pub struct Traced {
    pid: Pid,
    end: Option<i32>,
}

impl Traced {
    /// Starts a command of this user and halts it before its first instruction. Its output is discarded.
    ///
    /// Root requests the tracing: if the user did, the setuid bit would have no effect (execve(2)).
    fn start(user: &User, command: &mut Command) -> Traced {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let pid =
            Started::with_own_descriptors(as_root_first(command, user, vec![Step::TracedByParent])).pid();
        let mut traced = Traced { pid, end: None };
        assert_eq!(traced.wait(), WaitStatus::Stopped(pid, Signal::SIGTRAP));
        let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_EXITKILL;
        ptrace::setoptions(pid, options).expect("tracing it");
        traced
    }

    /// The same, advanced to a boundary: 1 is before the first system call, 2 after it. `None` if the program
    /// ends earlier.
    pub fn start_at(user: &User, command: &mut Command, boundary: u32) -> Option<Traced> {
        let mut traced = Traced::start(user, command);
        (0..boundary).all(|_| traced.step()).then_some(traced)
    }

    /// Its process ID.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Continues to the next boundary; false at the end.
    fn step(&mut self) -> bool {
        // It may have been killed while it was halted.
        let _gone = ptrace::syscall(self.pid, None);
        self.wait();
        self.end.is_none()
    }

    /// Continues to the end. Returns the exit status as a shell shows it.
    pub fn end(mut self) -> i32 {
        while self.end.is_none() && self.step() {}
        self.end.expect("an end")
    }

    /// Stops tracing it, and leaves it stopped by a signal, as any user can stop their own process.
    pub fn leave_stopped(&mut self) {
        nix::sys::signal::kill(self.pid, Signal::SIGSTOP).expect("stopping it");
        ptrace::detach(self.pid, None).expect("leaving it alone");
        self.wait();
    }

    /// Continues a stopped program, and returns its exit status.
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

/// Calls `at` with every boundary of a run. It starts a new run each time, and returns false if the run ended
/// before the boundary.
pub fn at_every_boundary(mut at: impl FnMut(u32) -> bool) {
    let count = (1..1_000).take_while(|boundary| at(*boundary)).count();
    assert!(count > 40, "only {count} boundaries: a run makes more system calls");
}

/// The numbers of the system calls in one run, from /proc/PID/syscall: proc(5).
pub fn calls(user: &User, command: &mut Command) -> BTreeSet<i64> {
    let mut traced = Traced::start(user, command);
    let mut calls = BTreeSet::new();
    while traced.step() {
        let line = fs::read_to_string(format!("/proc/{}/syscall", traced.pid)).expect("the call it makes");
        calls.extend(line.split(' ').next().and_then(|number| number.parse::<i64>().ok()));
    }
    calls
}
