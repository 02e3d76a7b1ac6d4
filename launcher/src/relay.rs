//! The parent while the command runs: passes signals on, and ends with the command's status.

use crate::error::Error;
use crate::failure::{Failure, MAX_RECORD};
use crate::kernel;
use crate::launch::{Released, Sandbox};
use crate::plan::FirstProcess;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::sys::stat::Mode;
use nix::unistd::read;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};

/// SI_KERNEL in asm-generic/siginfo.h: a signal that a terminal sent to its whole foreground process group, the command included.
const SI_KERNEL: i32 = 0x80;

/// All signals, blocked and read from a descriptor, whatever state was inherited (property L5).
pub struct Signals(SignalFd);

impl Signals {
    /// Blocks them for this process and for the child, which unblocks them for the command.
    ///
    /// # Errors
    /// Those of signalfd(2).
    pub fn block() -> Result<Signals, Error> {
        // Were it ignored, the kernel would reap our children before we see how they ended: wait(2).
        kernel::default_disposition(libc::SIGCHLD);
        let blocked = SigSet::all().thread_block();
        let signals = blocked.and_then(|()| {
            SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        });
        signals.map(Signals).map_err(|errno| Error::Parent("blocking signals", errno))
    }
}

/// What the parent has learned of the child so far.
#[derive(Default)]
struct Progress {
    started: bool,
    failure: Option<Failure>,
    /// The signal in whose place SIGKILL was sent.
    ended_by: Option<i32>,
}

/// Waits for the end of the sandbox and returns the command's exit status, 128+N for a signal.
///
/// # Errors
/// What kept the command from being started.
pub fn wait(released: Released, signals: &Signals) -> Result<u8, Error> {
    let Released { sandbox, report } = released;
    let mut progress = Progress::default();
    while !poll_once(&sandbox, &report, signals, &mut progress) {}
    let ended = kernel::wait_for(&sandbox.process)
        .map_err(|errno| Error::Parent("waiting for the command", errno))?;
    if !progress.started {
        progress.read_report(&report);
    }
    match (progress.failure, progress.ended_by) {
        (Some(failure), _) => Err(Error::Start(failure)),
        (None, Some(signal)) => Ok(kernel::Ended::Killed(signal).status()),
        (None, None) => Ok(ended.status()),
    }
}

/// Waits for something to happen and deals with it; true when the child has ended.
fn poll_once(sandbox: &Sandbox, report: &OwnedFd, signals: &Signals, progress: &mut Progress) -> bool {
    let mut ready = vec![PollFd::new(sandbox.process.as_fd(), PollFlags::POLLIN)];
    ready.push(PollFd::new(signals.0.as_fd(), PollFlags::POLLIN));
    if !progress.started {
        ready.push(PollFd::new(report.as_fd(), PollFlags::POLLIN));
    }
    let _ = poll(&mut ready, PollTimeout::NONE);
    let happened: Vec<bool> = ready.iter().map(|fd| fd.any() == Some(true)).collect();
    if happened.get(2) == Some(&true) {
        progress.read_report(report);
    }
    while let Ok(Some(signal)) = signals.0.read_signal() {
        progress.pass_on(sandbox, &signal);
    }
    happened.first() == Some(&true)
}

impl Progress {
    /// A record is a failure; the end of the pipe is the start of the command, which closes it.
    fn read_report(&mut self, report: &OwnedFd) {
        let mut record = [0; MAX_RECORD];
        match read(report, &mut record) {
            Ok(0) => self.started = true,
            Ok(length) => self.failure = record.get(..length).and_then(Failure::receive),
            Err(_) => {}
        }
    }

    fn pass_on(&mut self, sandbox: &Sandbox, signal: &siginfo) {
        let Ok(number) = i32::try_from(signal.ssi_signo) else { return };
        let from_terminal = signal.ssi_code == SI_KERNEL;
        let action = DefaultAction::of(number);
        if number == libc::SIGCHLD {
            return;
        }
        let send = |number| kernel::pidfd_send_signal(&sandbox.process, number).unwrap_or(());
        let shielded = sandbox.first == Some(FirstProcess::Command) && is_shielded(&sandbox.folder, number);
        if !self.started || shielded {
            match action {
                DefaultAction::End => {
                    self.ended_by = self.ended_by.or(Some(number));
                    send(libc::SIGKILL);
                }
                DefaultAction::Stop if self.started => send(libc::SIGSTOP),
                DefaultAction::Continue => send(number),
                DefaultAction::Stop | DefaultAction::None => {}
            }
        } else if !from_terminal {
            send(number);
        }
        if from_terminal && action == DefaultAction::Stop {
            let _ = kernel::kill(nix::unistd::getpid().as_raw(), libc::SIGSTOP);
        }
    }
}

/// What a signal does to a process that has no handler for it: signal(7).
#[derive(PartialEq, Eq)]
enum DefaultAction {
    End,
    Stop,
    Continue,
    None,
}

impl DefaultAction {
    fn of(signal: i32) -> DefaultAction {
        match signal {
            libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => DefaultAction::Stop,
            libc::SIGCONT => DefaultAction::Continue,
            libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH => DefaultAction::None,
            _ => DefaultAction::End,
        }
    }
}

/// True when the kernel shields PID 1 from this signal because it has no handler for it: pid_namespaces(7).
fn is_shielded(folder: &OwnedFd, signal: i32) -> bool {
    let mut status = String::new();
    let opened = openat(folder, "status", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
    let read = opened.map_err(|_| Errno::ESRCH).map(|file| File::from(file).read_to_string(&mut status));
    let handled = ["SigBlk:", "SigIgn:", "SigCgt:"].iter().any(|field| {
        let mask = status.lines().find_map(|line| line.strip_prefix(field));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        mask >> (signal - 1) & 1 == 1
    });
    read.is_ok() && !handled
}
