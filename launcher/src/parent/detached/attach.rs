//! `subroot attach`: connects the caller's streams with a detached sandbox.

use crate::error::{Error, OsError};
use crate::parent::detached::follow::Follower;
use crate::parent::detached::input::{Frame, MOST};
use crate::parent::detached::job::{End, Job};
use crate::parent::relay::Signals;
use crate::parent::terminal::RawMode;
use crate::sys::descriptors::standard_stream;
use crate::sys::process::ends_by;
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::{read, write};
use std::collections::VecDeque;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

/// Ctrl-P and Ctrl-Q, which detach, as in podman.
const DETACH: [u8; 2] = [0x10, 0x11];

/// The number of frames that wait for the supervisor before input is no longer read.
const FRAMES: usize = 16;

/// How long a process that ends may take for it.
const ENDING: Duration = Duration::from_secs(1);

/// Why a connection has ended.
pub(crate) enum Left {
    /// The sandbox has ended.
    Ended(End),
    /// The user has typed the keys that detach.
    Detached,
    /// This signal has arrived.
    Signal(i32),
}

/// Connects the caller's streams, until the sandbox ends or the user detaches.
///
/// # Errors
/// The sandbox cannot be reached, or its log cannot be read.
pub(crate) fn attach(job: &Job) -> Result<Left, Error> {
    let failed = |errno| Error::Parent { doing: "attaching to a sandbox", errno: OsError(errno) };
    let signals = Signals::block()?;
    let mut printer = Printer { signals: &signals, was_resized: false, ended_by: None };
    let mut follower = Follower::new(job, true).map_err(failed)?;
    let mut sender = Sender::of(job).map_err(failed)?;
    loop {
        let copied = follower.copy(&mut |bytes| printer.print(bytes));
        if let Some(signal) = printer.ended_by {
            return Ok(Left::Signal(signal));
        }
        if !copied.map_err(failed)? {
            return job.end().map(Left::Ended);
        }
        let mut ready = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        ready.extend(sender.iter().flat_map(Sender::wanted));
        ready.extend(follower.wanted());
        match poll(&mut ready, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            polled => drop(polled.map_err(failed)?),
        }
        let has_input = sender.as_ref().is_some_and(Sender::awaits_input)
            && ready.get(1).and_then(PollFd::any) == Some(true);
        drop(ready);
        printer.take_signals();
        // Input that has ended with this process is not the end of the command's input.
        if printer.ended_by.is_some() {
            continue;
        }
        if sender.as_mut().is_some_and(|sender| sender.carry(has_input, printer.has_resized())) {
            return Ok(Left::Detached);
        }
    }
}

/// Prints output of the sandbox, and notices signals also while standard output takes nothing.
struct Printer<'s> {
    signals: &'s Signals,
    was_resized: bool,
    /// A signal that ends this process.
    ended_by: Option<i32>,
}

impl Printer<'_> {
    /// # Errors
    /// ECANCELED after a signal that ends this process, EPIPE, and other errors of write(2).
    fn print(&mut self, mut bytes: &[u8]) -> Outcome<()> {
        /// A pipe that poll(2) reports as writable takes so many bytes: PIPE_BUF.
        const MOST_AT_ONCE: usize = 4096;
        while let Some(part) = bytes.get(..bytes.len().min(MOST_AT_ONCE)).filter(|part| !part.is_empty()) {
            let output = PollFd::new(standard_stream(1), PollFlags::POLLOUT);
            let mut ready = [output, PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let polled = poll(&mut ready, PollTimeout::NONE);
            self.take_signals();
            match (polled, ready.first().and_then(PollFd::any)) {
                _ if self.ended_by.is_some() => return Err(Errno::ECANCELED),
                (Err(Errno::EINTR), _) | (Ok(_), Some(false) | None) => continue,
                (polled, _) => drop(polled?),
            }
            match write(standard_stream(1), part) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    fn take_signals(&mut self) {
        while let Some(signal) = self.signals.next() {
            match signal {
                libc::SIGWINCH => self.was_resized = true,
                libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM => self.ended_by = Some(signal),
                _ => {}
            }
        }
    }

    /// True if the terminal has a new size since the last call.
    fn has_resized(&mut self) -> bool {
        std::mem::take(&mut self.was_resized)
    }
}

/// Prints output of the sandbox unchanged.
///
/// # Errors
/// EPIPE and other errors of write(2).
pub(crate) fn print(mut bytes: &[u8]) -> Outcome<()> {
    while !bytes.is_empty() {
        match write(standard_stream(1), bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                poll(&mut [PollFd::new(standard_stream(1), PollFlags::POLLOUT)], PollTimeout::NONE)?;
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// True if the supervisor ends within a second. A process that ends has lost its memory before its descriptors,
/// and the kernel then lets only root open them: task_dump_owner() in fs/proc/base.c.
fn is_ending(job: &Job) -> Outcome<bool> {
    let until = Instant::now() + ENDING;
    job.supervisor.as_ref().map_or(Ok(true), |supervisor| ends_by(supervisor, Some(until)))
}

/// Sends standard input to the supervisor.
struct Sender {
    pipe: OwnedFd,
    pending: VecDeque<Vec<u8>>,
    has_ended: bool,
    /// True if the last key was the first of those that detach.
    is_detaching: bool,
    raw: Option<RawMode>,
}

impl Sender {
    /// `None` if the command takes no input, or the sandbox ends.
    fn of(job: &Job) -> Outcome<Option<Sender>> {
        let Some(known) = &job.known else { return Ok(None) };
        let Some(input) = known.detached.as_ref().and_then(|detached| detached.input) else {
            return Ok(None);
        };
        let path = format!("/proc/{}/fd/{input}", known.launcher);
        let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let pipe = match open(path.as_str(), flags, Mode::empty()) {
            Ok(pipe) => pipe,
            // The supervisor has just ended, which is noticed next.
            Err(Errno::ENOENT | Errno::ESRCH | Errno::ENXIO) => return Ok(None),
            Err(Errno::EACCES) if is_ending(job)? => return Ok(None),
            Err(errno) => return Err(errno),
        };
        let raw = if known.process.terminal { RawMode::of_caller()? } else { None };
        let mut sender =
            Sender { pipe, pending: VecDeque::new(), has_ended: false, is_detaching: false, raw };
        if known.process.terminal {
            sender.resize();
        }
        Ok(Some(sender))
    }

    fn awaits_input(&self) -> bool {
        !self.has_ended && self.pending.len() < FRAMES
    }

    /// The descriptors to wait for: standard input first, if it is awaited.
    fn wanted(&self) -> Vec<PollFd<'_>> {
        let input = self.awaits_input().then(|| PollFd::new(standard_stream(0), PollFlags::POLLIN));
        let pipe = (!self.pending.is_empty()).then(|| PollFd::new(self.pipe.as_fd(), PollFlags::POLLOUT));
        [input, pipe].into_iter().flatten().collect()
    }

    fn resize(&mut self) {
        if let Some((rows, columns)) = sys::terminal::callers_size() {
            self.pending.push_back(Frame::Size(rows, columns).encoded());
        }
    }

    /// Reads input if there is some, and sends what can be sent. True if the input has the keys that detach.
    fn carry(&mut self, has_input: bool, has_resized: bool) -> bool {
        if has_resized {
            self.resize();
        }
        let detaches = has_input && self.read_input();
        self.send();
        detaches
    }

    /// Reads input. True if it contains the keys that detach.
    fn read_input(&mut self) -> bool {
        let mut chunk = [0; MOST - 1];
        match read(standard_stream(0), &mut chunk) {
            Ok(length @ 1..) => return self.take(chunk.get(..length).unwrap_or_default()),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            // Error ignored: there is no more input, as at the end of a file.
            Ok(0) | Err(_) => {
                self.has_ended = true;
                self.pending.push_back(Frame::End.encoded());
            }
        }
        false
    }

    fn take(&mut self, bytes: &[u8]) -> bool {
        let mut typed = Vec::new();
        for byte in bytes {
            let was_detaching = std::mem::replace(&mut self.is_detaching, false);
            match *byte {
                byte if was_detaching && byte == DETACH[1] => return true,
                byte if self.raw.is_some() && byte == DETACH[0] && !was_detaching => self.is_detaching = true,
                byte => {
                    typed.extend(DETACH.first().filter(|_| was_detaching));
                    typed.push(byte);
                }
            }
        }
        if !typed.is_empty() {
            self.pending.push_back(Frame::Typed(typed).encoded());
        }
        false
    }

    fn send(&mut self) {
        while let Some(frame) = self.pending.front() {
            match write(&self.pipe, frame) {
                Ok(_) => drop(self.pending.pop_front()),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                // Error ignored: the supervisor has ended, which is noticed next.
                Err(_) => return self.pending.clear(),
            }
        }
    }
}
