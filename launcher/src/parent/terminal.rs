//! The command's own terminal: a pseudoterminal in the sandbox that the launcher connects to the caller's
//! terminal.

mod end_of_input;

use crate::parent::terminal::end_of_input::EndOfInput;
use crate::sys;
use crate::sys::process::Side;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{pipe2, read, write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

/// The number of bytes copied at a time.
const CHUNK: usize = 16 * 1024;

/// The launcher's side of the terminal.
pub(crate) struct Terminal {
    socket: OwnedFd,
    master: Option<OwnedFd>,
    /// Typed input that the command's terminal has not accepted yet.
    typed: Vec<u8>,
    /// The command's output that standard output has not accepted yet, which happens if another process made
    /// it non-blocking.
    output: Vec<u8>,
    /// Set once standard input has ended.
    end: Option<EndOfInput>,
    _raw: Option<RawMode>,
}

impl Terminal {
    /// Prepares to receive the terminal on this socket. Makes the caller's own terminal raw, if standard
    /// input is one.
    ///
    /// # Errors
    /// An error of clone(2) or tcsetattr(3).
    pub(crate) fn new(socket: OwnedFd) -> Result<Terminal, Errno> {
        let raw = RawMode::of_caller()?;
        let (typed, output) = (Vec::new(), Vec::new());
        Ok(Terminal { socket, master: None, typed, output, end: None, _raw: raw })
    }

    /// The descriptors to wait for: first the socket, until the terminal arrives, then both sides of the
    /// terminal. Standard input comes first if it is [awaited](Self::awaits_input).
    pub(crate) fn wanted(&self) -> Vec<PollFd<'_>> {
        let Some(master) = &self.master else {
            return vec![PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        };
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::POLLIN, self.output.is_empty());
        flags.set(PollFlags::POLLOUT, !self.typed.is_empty());
        let input = self.awaits_input().then(|| PollFd::new(own_input(), PollFlags::POLLIN));
        // Without requested events, poll(2) would still report a hangup again and again once no process has
        // the terminal open.
        let master = (!flags.is_empty()).then(|| PollFd::new(master.as_fd(), flags));
        let output = (!self.output.is_empty()).then(|| PollFd::new(own_output(), PollFlags::POLLOUT));
        [input, master, output].into_iter().flatten().collect()
    }

    fn awaits_input(&self) -> bool {
        self.master.is_some() && self.typed.is_empty() && self.end.is_none()
    }

    /// Copies the available data without waiting for more. `is_ready` says whether the first of the
    /// [wanted](Self::wanted) descriptors is ready.
    pub(crate) fn carry(&mut self, is_ready: bool) {
        if self.master.is_none() {
            // If it is not ready, do not wait for it: the command's process may be waiting for its report to
            // be read.
            return if is_ready {
                self.receive()
            };
        }
        if is_ready && self.awaits_input() {
            self.read_input();
        }
        if let (Some(end), Some(master), true) = (&mut self.end, &self.master, self.typed.is_empty()) {
            self.typed.extend(end.typed(master));
        }
        self.write_typed();
        self.show();
    }

    fn receive(&mut self) {
        self.master = receive_master(&self.socket);
        self.resize();
    }

    /// Sets the size of the command's terminal to that of the caller's terminal.
    pub(crate) fn resize(&self) {
        if let Some(master) = &self.master {
            // Error ignored: the command's terminal takes any size.
            let _ = sys::terminal::take_callers_size(master);
        }
    }

    /// Sends a signal to the foreground process group of the command's terminal. False if this fails.
    pub(crate) fn signal(&self, number: i32) -> bool {
        // Error ignored: the command then gets the signal itself.
        self.master.as_ref().is_some_and(|master| sys::terminal::signal_foreground(master, number).is_ok())
    }

    /// The time at which the terminal must be checked again, even if nothing happens before.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.end.as_ref().filter(|_| self.typed.is_empty()).map(EndOfInput::next_look)
    }

    /// Writes all remaining output of the command. Every process that could write more has ended.
    pub(crate) fn drain(&mut self) {
        if self.master.is_none() {
            self.receive();
        }
        self.show();
        while !self.output.is_empty() {
            match poll(&mut [PollFd::new(own_output(), PollFlags::POLLOUT)], PollTimeout::NONE) {
                Ok(_) => self.show(),
                Err(Errno::EINTR) => {}
                // Error ignored: output that cannot be waited for cannot be written.
                Err(_) => return,
            }
        }
    }

    fn read_input(&mut self) {
        let mut chunk = [0; CHUNK];
        match read(own_input(), &mut chunk) {
            Ok(length @ 1..) => self.typed.extend_from_slice(chunk.get(..length).unwrap_or_default()),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            // Error ignored: there is no more input, as at the end of a file.
            Ok(0) | Err(_) => {
                self.end = Some(EndOfInput::now());
            }
        }
    }

    fn write_typed(&mut self) {
        if let Some(master) = self.master.as_ref().filter(|_| !self.typed.is_empty()) {
            // Error ignored: nothing was accepted.
            let taken = write(master, &self.typed).ok().unwrap_or(0);
            self.typed.drain(..taken);
        }
    }

    fn show(&mut self) {
        let mut chunk = [0; CHUNK];
        while self.write_output() {
            match self.master.as_ref().map(|master| read(master, &mut chunk)) {
                Some(Ok(length @ 1..)) => {
                    self.output.extend_from_slice(chunk.get(..length).unwrap_or_default())
                }
                Some(Err(Errno::EINTR)) => {}
                // Error ignored: there is no output yet, or no more.
                Some(Ok(0) | Err(_)) | None => return,
            }
        }
    }

    /// Writes pending output. True if none is left.
    fn write_output(&mut self) -> bool {
        while !self.output.is_empty() {
            match write(own_output(), &self.output) {
                Ok(written @ 1..) => drop(self.output.drain(..written)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return false,
                // Error ignored: standard output is closed.
                Ok(0) | Err(_) => self.output.clear(),
            }
        }
        true
    }
}

/// Standard input and output. They belong to the whole process and are never closed.
fn own_input() -> BorrowedFd<'static> {
    sys::descriptors::standard_stream(0)
}

/// Receives the command's terminal; `None` if the command has none then, and its process reports why.
pub(crate) fn receive_master(socket: &OwnedFd) -> Option<OwnedFd> {
    // Error ignored: see above.
    let master = sys::descriptors::receive_descriptor(socket, &mut [0]).ok()?;
    // Error ignored: it was opened non-blocking.
    let _ = fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK | OFlag::O_RDWR));
    Some(master)
}

fn own_output() -> BorrowedFd<'static> {
    sys::descriptors::standard_stream(1)
}

/// Raw mode of the caller's terminal, which passes all input on unchanged. A separate process restores the
/// old settings whichever way this one ends.
pub(crate) struct RawMode {
    keeper: OwnedFd,
    /// Open while the terminal should stay raw.
    lifeline: Option<OwnedFd>,
}

impl RawMode {
    /// Makes the caller's terminal raw, if standard input is one. All signals must be blocked.
    ///
    /// # Errors
    /// An error of clone(2) or tcsetattr(3).
    pub(crate) fn of_caller() -> Result<Option<RawMode>, Errno> {
        match tcgetattr(own_input()) {
            Ok(saved) => RawMode::enter(saved).map(Some),
            // Error ignored: standard input is not a terminal.
            Err(_) => Ok(None),
        }
    }

    fn enter(saved: Termios) -> Result<RawMode, Errno> {
        let (ended, lifeline) = pipe2(OFlag::O_CLOEXEC)?;
        let keeper = match sys::process::clone_process(0)? {
            Side::Parent(_, keeper) => keeper,
            Side::Child => keep(&saved, &ended),
        };
        let mut raw = saved;
        cfmakeraw(&mut raw);
        tcsetattr(own_input(), SetArg::TCSADRAIN, &raw)?;
        Ok(RawMode { keeper, lifeline: Some(lifeline) })
    }
}

/// Runs the process that restores the terminal. All signals are blocked, so it may change the terminal even
/// from a background process group: tcsetattr(3).
fn keep(saved: &Termios, ended: &OwnedFd) -> ! {
    let terminal = own_input().try_clone_to_owned();
    // Error ignored: there is no terminal to restore.
    if let Ok(terminal) = &terminal {
        // Error ignored: with its own copy of the lifeline's other end, this process would never notice the
        // launcher's end, so it restores the terminal at once.
        if sys::descriptors::close_from_but(0, &[ended, terminal]).is_ok() {
            // Error ignored: any result except EINTR means that the launcher has ended.
            while read(ended, &mut [0]) == Err(Errno::EINTR) {}
        }
        // Error ignored: the terminal has been closed.
        let _ = tcsetattr(terminal, SetArg::TCSADRAIN, saved);
    }
    sys::process::exit(0)
}

impl Drop for RawMode {
    fn drop(&mut self) {
        self.lifeline = None;
        // Error ignored: it has already been reaped.
        let _ = sys::process::wait_for(&self.keeper);
    }
}
