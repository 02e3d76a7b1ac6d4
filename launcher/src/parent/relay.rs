//! The parent while the command runs: relays signals, and ends with the command's exit status.

use crate::error::{Error, OsError};
use crate::failure::{self, MAX_RECORD};
use crate::network::Connection;
use crate::parent::detached::console::Console;
use crate::parent::live::Released;
use crate::parent::reach::is_of_the_group;
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
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// How long a signal waits for the command to start, in milliseconds: many times the duration of a start.
const START: u8 = 250;

/// How long the command may continue after a hangup, if the process that started the launcher, such as a
/// shell, has also ended.
const HANGUP: Duration = Duration::from_secs(5);

/// Why a running sandbox is killed, for its user.
const ORPHANED: &str =
    "ending the sandbox: the process that started subroot has ended; nohup or run --detach prevents this";

/// All signals, blocked and read from a descriptor, whatever state was inherited (property L5).
pub(crate) struct Signals {
    queue: SignalFd,
    /// True if nohup(1) started this process. A blocked signal is queued even if it is ignored, so this must
    /// be remembered.
    pub(crate) ignores_hangup: bool,
}

impl Signals {
    /// Blocks all signals for this process and the child. The child unblocks them for the command.
    ///
    /// # Errors
    /// An error of signalfd(2).
    pub(crate) fn block() -> Result<Signals, Error> {
        // If SIGCHLD were ignored, the kernel would reap children before their exit status can be read:
        // wait(2).
        let failed = |errno| Error::Parent { doing: "blocking signals", errno: OsError(errno) };
        sys::signals::default_disposition(libc::SIGCHLD).map_err(failed)?;
        let ignores_hangup = sys::signals::is_ignored(libc::SIGHUP).map_err(failed)?;
        sys::signals::block_signals().map_err(failed)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let queue = SignalFd::with_flags(&SigSet::all(), flags).map_err(failed)?;
        Ok(Signals { queue, ignores_hangup })
    }

    /// The number of the next signal that has arrived.
    pub(crate) fn next(&self) -> Option<i32> {
        // Error ignored: a signal that cannot be read stays queued.
        let signal = self.queue.read_signal().ok().flatten()?;
        i32::try_from(signal.ssi_signo).ok()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// Waits for the end of the sandbox and returns how its command ended.
///
/// # Errors
/// Why the command could not be started.
pub(crate) fn wait(released: &mut Released, signals: &Signals) -> Result<Ended, Error> {
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
    if let Some(console) = &mut watch.released.console {
        console.drain();
    }
    match (watch.failure, watch.ended_by) {
        (Some(failure), _) => Err(failure),
        (None, Some(signal)) => Ok(Ended::Killed(signal)),
        (None, None) => Ok(ended),
    }
}

/// The parent, and its knowledge of the child so far.
struct Watch<'s> {
    released: &'s mut Released,
    signals: &'s Signals,
    /// The command was about to be executed.
    is_executing: bool,
    started: bool,
    failure: Option<Error>,
    /// The signal for which SIGKILL was sent instead.
    ended_by: Option<i32>,
    /// When the command got the last hangup.
    hangup: Option<Instant>,
    /// When an orphaned sandbox is killed.
    kill_at: Option<Instant>,
    idle: Idle,
}

/// The events of one iteration.
#[derive(Default)]
struct Happened {
    ended: bool,
    orphaned: bool,
    reported: bool,
    /// The program that connects the network has ended.
    disconnected: bool,
    /// The first descriptor of [`Terminal::wanted`] or [`Console::wanted`] is ready.
    terminal: bool,
}

impl Watch<'_> {
    fn new<'s>(released: &'s mut Released, signals: &'s Signals) -> Watch<'s> {
        Watch {
            released,
            signals,
            is_executing: false,
            started: false,
            failure: None,
            ended_by: None,
            hangup: None,
            kill_at: None,
            idle: Idle::default(),
        }
    }

    /// Waits for events and handles them. True if the child has ended.
    fn turn(&mut self) -> Result<bool, Errno> {
        let happened = self.wait()?;
        if happened.reported {
            self.read_report();
        }
        if let Some(connection) = self.released.live.connection.as_mut().filter(|_| happened.disconnected) {
            standard_error::warn(&connection.warning());
        }
        let signals = self.signals;
        // Error ignored: a signal that cannot be read stays queued for the next iteration.
        while let Ok(Some(signal)) = signals.queue.read_signal() {
            self.pass_on(&signal);
        }
        // Handle this after the signals, because a shell sends a hangup before it ends.
        if happened.orphaned {
            self.kill_at = Some(self.hangup.map_or_else(Instant::now, |at| at + HANGUP));
            self.released.parent = None;
        }
        if self.kill_at.is_some_and(|at| at <= Instant::now()) {
            standard_error::report(ORPHANED);
            self.end(libc::SIGKILL);
            self.kill_at = None;
        }
        if let Some(terminal) = &mut self.released.terminal {
            terminal.carry(happened.terminal);
        }
        if let Some(console) = &mut self.released.console {
            console.carry(happened.terminal);
        }
        Ok(happened.ended)
    }

    fn wait(&mut self) -> Result<Happened, Errno> {
        let Released { live, report, parent, terminal, console, .. } = &*self.released;
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
        let connection_at = ready.len();
        let connection = live.connection.as_ref().and_then(Connection::watched);
        ready.extend(connection.map(|connection| PollFd::new(connection, PollFlags::POLLIN)));
        let terminal_at = ready.len();
        ready.extend(terminal.iter().flat_map(Terminal::wanted));
        ready.extend(console.iter().flat_map(Console::wanted));
        let look = terminal.as_ref().and_then(Terminal::next_look);
        match self.idle.poll(&mut ready, until(look.into_iter().chain(self.kill_at).min())) {
            Err(Errno::EINTR) => return Ok(Happened::default()),
            polled => polled?,
        };
        let is_ready = |at: usize| ready.get(at).and_then(PollFd::any) == Some(true);
        Ok(Happened {
            ended: is_ready(0),
            reported: !self.started && is_ready(report_at),
            orphaned: parent.is_some() && is_ready(parent_at),
            disconnected: connection.is_some() && is_ready(connection_at),
            terminal: is_ready(terminal_at),
        })
    }

    /// Reads one packet from the report pipe. End of file means that the command has started.
    fn read_report(&mut self) {
        let mut record = [0; MAX_RECORD];
        match read(&self.released.report, &mut record) {
            Ok(0) => {
                self.started = true;
                match (&self.failure, self.is_executing, self.ended_by) {
                    (None, true, _) => self.report_start(),
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
            // Without the report it is unknown whether the command has started.
            Err(errno) => {
                self.failure =
                    Some(Error::Parent { doing: "reading the new process's report", errno: OsError(errno) });
                self.end(libc::SIGKILL);
            }
        }
    }

    fn report_start(&mut self) {
        if let Err(errno) = self.released.report_start() {
            self.failure =
                Some(Error::Parent { doing: "reporting the start of the command", errno: OsError(errno) });
            self.end(libc::SIGKILL);
        }
    }

    /// Waits briefly for a command that is about to start or has already started: execve closes the command's
    /// end of the report pipe, and the init closes its own a little later. A signal sent to a running command
    /// must not end the launch.
    fn notice_start(&mut self) {
        while !self.started && self.failure.is_none() {
            let mut ready = [PollFd::new(self.released.report.as_fd(), PollFlags::POLLIN)];
            // Error ignored: the start is noticed in the next iteration.
            if !poll(&mut ready, PollTimeout::from(START)).is_ok_and(|count| count > 0) {
                return;
            }
            self.read_report();
        }
    }

    fn end(&mut self, signal: i32) {
        self.ended_by = self.ended_by.or(Some(signal));
        // Error ignored: it has already ended.
        let _ = sys::process::pidfd_send_signal(&self.released.live.process, libc::SIGKILL);
    }

    fn pass_on(&mut self, signal: &siginfo) {
        let Ok(number) = i32::try_from(signal.ssi_signo) else { return };
        if signal.ssi_code == sys::signals::END_SANDBOX {
            return self.end(libc::SIGKILL);
        }
        let number = sys::signals::carried(signal.ssi_code).unwrap_or(number);
        let of_group = is_of_the_group(signal);
        let action = DefaultAction::of(number);
        if number == libc::SIGCHLD || (number == libc::SIGHUP && self.signals.ignores_hangup) {
            return;
        }
        self.notice_start();
        if let Some(terminal) = self.released.terminal.as_ref().filter(|_| number == libc::SIGWINCH) {
            return terminal.resize();
        }
        if number == libc::SIGHUP {
            self.hangup = Some(Instant::now());
        }
        let live = &self.released.live;
        let sent = self.released.stop_signal.filter(|_| number == libc::SIGTERM).unwrap_or(number);
        let shielded = live.status.as_ref().is_some_and(|status| is_shielded(status, sent));
        if !self.started || shielded {
            match action {
                DefaultAction::End => self.end(number),
                DefaultAction::Stop if self.started => live.signal(libc::SIGSTOP),
                DefaultAction::Continue => live.signal(number),
                DefaultAction::Stop | DefaultAction::None => {}
            }
        } else {
            self.deliver(sent, of_group);
        }
        if of_group && action == DefaultAction::Stop {
            // Error ignored: a process can always stop itself.
            let _ = sys::signals::kill(nix::unistd::getpid().as_raw(), libc::SIGSTOP);
        }
    }

    /// Sends a signal to the command, unless the kernel has already sent it to the process group that the
    /// command shares with the launcher. A command with its own terminal is in a different group.
    fn deliver(&self, number: i32, of_group: bool) {
        let Released { live, terminal, .. } = &*self.released;
        match terminal {
            Some(terminal) if of_group && terminal.signal(number) => {}
            None if of_group => live.signal_outside_of_group(number),
            _ => live.signal(number),
        }
    }
}

/// The timeout for poll(2), rounded up so that the time has passed when it returns.
fn until(time: Option<Instant>) -> PollTimeout {
    let Some(time) = time else { return PollTimeout::NONE };
    let millis = time.saturating_duration_since(Instant::now()).as_millis() + 1;
    PollTimeout::try_from(millis).ok().unwrap_or(PollTimeout::MAX)
}

/// The default action of a signal: signal(7).
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
            libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => DefaultAction::Stop,
            libc::SIGCONT => DefaultAction::Continue,
            libc::SIGCHLD | libc::SIGURG | libc::SIGWINCH => DefaultAction::None,
            _ => DefaultAction::End,
        }
    }
}

/// True if the kernel does not deliver this signal to PID 1, because PID 1 has no handler for it:
/// pid_namespaces(7). Reading the open status file fails only if the process has ended.
fn is_shielded(mut status: &File, signal: i32) -> bool {
    let mut text = String::new();
    let read = status.rewind().and_then(|()| status.read_to_string(&mut text));
    let handled = ["SigBlk:", "SigIgn:", "SigCgt:"].iter().any(|field| {
        let mask = text.lines().find_map(|line| line.strip_prefix(field));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        mask >> (signal - 1) & 1 == 1
    });
    // Error ignored: the signal is then sent to the command like any other.
    read.is_ok() && !handled
}
