//! The parent while the command runs: passes signals on, and ends with the command's status.

use crate::error::{Error, OsError};
use crate::failure::{self, MAX_RECORD};
use crate::parent::live::Released;
use crate::parent::terminal::Terminal;
use crate::plan::progress;
use crate::sys;
use crate::sys::idle::Idle;
use crate::sys::process::Ended;
use crate::sys::standard_error;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::unistd::read;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::fd::AsFd;

/// SI_KERNEL in asm-generic/siginfo.h: a signal that a terminal sent to its whole foreground process group, the command included.
const SI_KERNEL: i32 = 0x80;

/// How long a signal waits for the start of the command, in milliseconds: many times what a start takes.
const START: u8 = 250;

/// All signals, blocked and read from a descriptor, whatever state was inherited (property L5).
pub(crate) struct Signals {
    queue: SignalFd,
    /// True where nohup(1) has started us: what is ignored comes all the same while it is blocked.
    ignores_hangup: bool,
}

impl Signals {
    /// Blocks them for this process and for the child, which unblocks them for the command.
    ///
    /// # Errors
    /// Those of signalfd(2).
    pub(crate) fn block() -> Result<Signals, Error> {
        // Were it ignored, the kernel would reap our children before we see how they ended: wait(2).
        let failed = |errno| Error::Parent { doing: "blocking signals", errno: OsError(errno) };
        sys::signals::default_disposition(libc::SIGCHLD).map_err(failed)?;
        let ignores_hangup = sys::signals::is_ignored(libc::SIGHUP).map_err(failed)?;
        sys::signals::block_signals().map_err(failed)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let queue = SignalFd::with_flags(&SigSet::all(), flags).map_err(failed)?;
        Ok(Signals { queue, ignores_hangup })
    }
}

/// Waits for the end of the sandbox and returns how its command ended.
///
/// # Errors
/// What kept the command from being started.
pub(crate) fn wait(released: Released, signals: &Signals) -> Result<Ended, Error> {
    let mut watch = Watch::new(released, signals);
    let failed = |errno| Error::Parent { doing: "waiting for the command", errno: OsError(errno) };
    while !watch.turn().map_err(failed)? {}
    let ended = sys::process::wait_for(&watch.released.live.process).map_err(failed)?;
    while !watch.started && watch.failure.is_none() {
        watch.read_report();
    }
    if let Some(terminal) = &mut watch.released.terminal {
        terminal.drain();
    }
    match (watch.failure, watch.ended_by) {
        (Some(failure), _) => Err(failure),
        (None, Some(signal)) => Ok(Ended::Killed(signal)),
        (None, None) => Ok(ended),
    }
}

/// The parent, and what it has learned of the child so far.
struct Watch<'s> {
    released: Released,
    signals: &'s Signals,
    /// The command was about to be executed.
    is_executing: bool,
    started: bool,
    failure: Option<Error>,
    /// The signal in whose place SIGKILL was sent.
    ended_by: Option<i32>,
    idle: Idle,
}

/// What has happened.
#[derive(Default)]
struct Happened {
    ended: bool,
    orphaned: bool,
    reported: bool,
    /// The first of what [`Terminal::wanted`] waits for.
    terminal: bool,
}

impl Watch<'_> {
    fn new<'s>(released: Released, signals: &'s Signals) -> Watch<'s> {
        Watch {
            released,
            signals,
            is_executing: false,
            started: false,
            failure: None,
            ended_by: None,
            idle: Idle::default(),
        }
    }

    /// Waits for something to happen and deals with it; true when the child has ended.
    fn turn(&mut self) -> Result<bool, Errno> {
        let happened = self.wait()?;
        if happened.reported {
            self.read_report();
        }
        if happened.orphaned {
            self.end(libc::SIGKILL);
            self.released.parent = None;
        }
        let signals = self.signals;
        // Error ignored: a signal that cannot be read stays in the queue for the next turn.
        while let Ok(Some(signal)) = signals.queue.read_signal() {
            self.pass_on(&signal);
        }
        if let Some(terminal) = &mut self.released.terminal {
            terminal.carry(happened.terminal);
        }
        Ok(happened.ended)
    }

    fn wait(&mut self) -> Result<Happened, Errno> {
        let Released { live, report, parent, terminal, .. } = &self.released;
        let mut ready = vec![
            PollFd::new(live.process.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.queue.as_fd(), PollFlags::POLLIN),
        ];
        let report_at = ready.len();
        if !self.started {
            ready.push(PollFd::new(report.as_fd(), PollFlags::POLLIN));
        }
        let parent_at = ready.len();
        ready.extend(parent.as_ref().map(|parent| PollFd::new(parent.as_fd(), PollFlags::POLLIN)));
        let terminal_at = ready.len();
        ready.extend(terminal.iter().flat_map(Terminal::wanted));
        match self.idle.poll(&mut ready) {
            Err(Errno::EINTR) => return Ok(Happened::default()),
            polled => polled?,
        };
        let is_ready = |at: usize| ready.get(at).and_then(PollFd::any) == Some(true);
        Ok(Happened {
            ended: is_ready(0),
            reported: !self.started && is_ready(report_at),
            orphaned: parent.is_some() && is_ready(parent_at),
            terminal: terminal.is_some() && is_ready(terminal_at),
        })
    }

    /// A packet is a warning or a failure; the end of the pipe is the start of the command, which closes it.
    fn read_report(&mut self) {
        let mut record = [0; MAX_RECORD];
        match read(&self.released.report, &mut record) {
            Ok(0) => {
                self.started = true;
                match (&self.failure, self.is_executing, self.ended_by) {
                    (None, true, _) => self.released.report_start(),
                    (None, false, None) => self.failure = Some(Error::Vanished),
                    _ => {}
                }
            }
            Ok(length) => {
                let packet = record.get(..length).unwrap_or_default();
                match failure::warning(packet) {
                    Some(text) => standard_error::warn(&text),
                    None if progress::print_reported(packet) => {}
                    None if failure::announces_execution(packet) => self.is_executing = true,
                    None => self.failure = Some(Error::reported(packet)),
                }
            }
            Err(Errno::EINTR) => {}
            // Nobody knows then whether the command has started.
            Err(errno) => {
                self.failure =
                    Some(Error::Parent { doing: "reading the new process's report", errno: OsError(errno) });
                self.end(libc::SIGKILL);
            }
        }
    }

    /// Waits a moment for the start of a command that is about to start, or has started already: the report pipe is closed by the
    /// command's execve and, a little later, by init. A signal that was sent to a running command must not end the launch.
    fn notice_start(&mut self) {
        while !self.started && self.failure.is_none() {
            let mut ready = [PollFd::new(self.released.report.as_fd(), PollFlags::POLLIN)];
            // Error ignored: the start is noticed at the next turn.
            if !poll(&mut ready, PollTimeout::from(START)).is_ok_and(|count| count > 0) {
                return;
            }
            self.read_report();
        }
    }

    fn end(&mut self, signal: i32) {
        self.ended_by = self.ended_by.or(Some(signal));
        // Error ignored: it has ended already.
        let _ = sys::process::pidfd_send_signal(&self.released.live.process, libc::SIGKILL);
    }

    fn pass_on(&mut self, signal: &siginfo) {
        let Ok(number) = i32::try_from(signal.ssi_signo) else { return };
        let from_terminal = signal.ssi_code == SI_KERNEL;
        let action = DefaultAction::of(number);
        if number == libc::SIGCHLD || (number == libc::SIGHUP && self.signals.ignores_hangup) {
            return;
        }
        self.notice_start();
        if let Some(terminal) = self.released.terminal.as_ref().filter(|_| number == libc::SIGWINCH) {
            return terminal.resize();
        }
        let live = &self.released.live;
        // Error ignored: it has ended already.
        let send = |number| sys::process::pidfd_send_signal(&live.process, number).ok().unwrap_or(());
        let shielded = live.status.as_ref().is_some_and(|status| is_shielded(status, number));
        if !self.started || shielded {
            match action {
                DefaultAction::End => self.end(number),
                DefaultAction::Stop if self.started => send(libc::SIGSTOP),
                DefaultAction::Continue => send(number),
                DefaultAction::Stop | DefaultAction::None => {}
            }
        } else if !from_terminal {
            send(number);
        }
        if from_terminal && action == DefaultAction::Stop {
            // Error ignored: a process can always stop itself.
            let _ = sys::signals::kill(nix::unistd::getpid().as_raw(), libc::SIGSTOP);
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

/// True when the kernel shields PID 1 from this signal because it has no handler for it: pid_namespaces(7). Reading an open status
/// fails only if the process has ended.
fn is_shielded(mut status: &File, signal: i32) -> bool {
    let mut text = String::new();
    let read = status.rewind().and_then(|()| status.read_to_string(&mut text));
    let handled = ["SigBlk:", "SigIgn:", "SigCgt:"].iter().any(|field| {
        let mask = text.lines().find_map(|line| line.strip_prefix(field));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        mask >> (signal - 1) & 1 == 1
    });
    // Error ignored: the signal is then sent to the command as to any other.
    read.is_ok() && !handled
}
