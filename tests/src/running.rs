//! A launch that is observed while it runs: marked by a word, and waited for with a time limit.

use crate::outcome::{Outcome, Started};
use crate::processes::{orphaned_inits, processes_below_word, processes_with_word, status_line};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::cell::Cell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout, Command, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// How quickly everything that a dead sandbox leaves must disappear: property L6.
pub const GONE_WITHIN: Duration = Duration::from_secs(2);
/// Longer than anything but a hang takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A word that no other command line has, and that `sleep` accepts as a number of years.
pub fn unique_word() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(100);
    format!("{}{}", id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Waits for a condition to become true; false if it does not in time.
pub fn soon(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        sleep(Duration::from_millis(5));
    }
}

/// An instant in one of `parts` equal parts of a duration and a little more. It varies within the part from
/// run to run.
pub fn instant(length: Duration, part: u32, parts: u32) -> Duration {
    let noise = UNIX_EPOCH.elapsed().map_or(0, |now| now.subsec_nanos()) % 1000;
    length * (part * 1000 + noise) / (parts * 800)
}

/// Fails the test unless every process with this word ends in time, and every init without a launcher.
#[track_caller]
pub fn assert_all_gone(word: &str) {
    let left = || [processes_with_word(word), orphaned_inits()].concat();
    if !soon(GONE_WITHIN, || left().is_empty()) {
        let left = left();
        for pid in &left {
            let _just_gone = kill(*pid, Signal::SIGKILL);
        }
        panic!("still there after {GONE_WITHIN:?}: {left:?}");
    }
}

/// The process that is PID 1 inside, among those with this word and those below them.
pub fn pid_1(word: &str) -> Pid {
    process_inside(word, "1")
}

/// The process with this PID inside, among those with this word and those below them.
pub fn process_inside(word: &str, number: &str) -> Pid {
    // The process is remembered: while it executes another program, it has no command line for a moment.
    let found = Cell::new(None);
    let is_there = || {
        let is_it = |pid: &Pid| inner_pid(*pid).as_deref() == Some(number);
        found.set(processes_below_word(word).into_iter().find(is_it));
        found.get().is_some()
    };
    assert!(soon(PATIENCE, is_there), "no process with {word} has PID {number} inside");
    found.get().expect("it was found")
}

/// The PID of a process inside the sandbox; `None` if it is not inside, or has ended.
pub fn inner_pid(pid: Pid) -> Option<String> {
    let numbers = status_line(pid, "NSpid")?;
    let inner = numbers.split_whitespace().last()?.to_owned();
    (numbers.split_whitespace().count() > own_depth()).then_some(inner)
}

fn own_depth() -> usize {
    status_line(Pid::this(), "NSpid").map_or(1, |numbers| numbers.split_whitespace().count())
}

/// A launch whose command reports on its standard output.
pub struct Running {
    started: Started,
    said: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a launch, and waits until its command has printed the line `ready`.
    #[track_caller]
    pub fn new(command: &mut Command) -> Running {
        Running::of(Started::new(command))
    }

    /// The same for a launch that was already started.
    #[track_caller]
    pub fn of(mut started: Started) -> Running {
        let said = BufReader::new(started.child().stdout.take().expect("a pipe"));
        let mut running = Running { started, said };
        let line = running.line();
        if line != "ready" {
            panic!("{line:?} instead of ready: {:?}", running.end());
        }
        running
    }

    /// The next line of its standard output.
    #[track_caller]
    pub fn line(&mut self) -> String {
        if self.said.buffer().is_empty() {
            let mut ready = [PollFd::new(self.said.get_ref().as_fd(), PollFlags::POLLIN)];
            let limit = PollTimeout::try_from(PATIENCE).expect("a limit");
            assert_eq!(poll(&mut ready, limit), Ok(1), "the command prints nothing");
        }
        let mut line = String::new();
        self.said.read_line(&mut line).expect("reading the command's output");
        line.trim_end_matches('\n').to_owned()
    }

    /// The pipe to its standard input, if it has one.
    pub fn input(&mut self) -> ChildStdin {
        self.started.child().stdin.take().expect("a pipe")
    }

    /// The launcher's PID.
    pub fn pid(&self) -> Pid {
        self.started.pid()
    }

    /// Sends the launcher a signal by number, which may be a real-time signal.
    pub fn signal(&self, number: i32) {
        send(self.pid(), number);
    }

    /// Waits for the launcher's end. The outcome's standard output is what was not read as lines.
    #[track_caller]
    pub fn end(mut self) -> Outcome {
        let unread = String::from_utf8_lossy(self.said.buffer()).into_owned();
        self.started.child().stdout = Some(self.said.into_inner());
        let outcome = self.started.end_within(PATIENCE);
        Outcome { stdout: unread + &outcome.stdout, ..outcome }
    }
}

/// Sends a process a signal by number.
pub fn send(pid: Pid, number: i32) {
    let sent = Command::new("/bin/sh").args(["-c", &format!("kill -{number} {pid}")]).output();
    let sent = sent.expect("starting a shell");
    assert!(sent.status.success(), "{sent:?}");
}

/// True if a process is stopped.
pub fn is_stopped(pid: Pid) -> bool {
    status_line(pid, "State").is_some_and(|state| state.starts_with('T'))
}

/// The program that a process runs.
pub fn program_of(pid: Pid) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}
