//! The supervisor's side of a detached command: its output goes to the log, and its input comes from
//! `subroot attach`.

use crate::parent::detached::earlier::Earlier;
use crate::parent::detached::input::{Frame, Receiver};
use crate::parent::detached::log::Log;
use crate::parent::registry::known::Detached;
use crate::parent::terminal::receive_master;
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::unistd::{chdir, read, write};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::PathBuf;

/// The number of bytes copied at a time, and the number of times before other events are looked at.
const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 16;
/// The number of chunks copied at the end. A pipe holds at most 1 MiB if its user has not raised
/// fs.pipe-max-size, and processes that share the host's pid namespace may go on writing.
const CHUNKS_AT_END: usize = 1024;

/// Where output comes from.
enum Source {
    /// The pipe that is the command's standard output and standard error.
    Pipe(OwnedFd),
    /// The socket on which the command's terminal arrives.
    Awaited(OwnedFd),
    /// The command's terminal. Its other end is held open: without one, poll(2) would report a hangup again
    /// and again.
    Terminal(OwnedFd, #[expect(dead_code, reason = "held open")] Option<OwnedFd>),
}

/// What a console is made of.
pub(crate) struct Parts {
    pub(crate) path: PathBuf,
    pub(crate) log: Log,
    /// The reading end of the command's output.
    pub(crate) output: OwnedFd,
    pub(crate) receiver: Option<Receiver>,
    /// The writing end of the command's input, unless it has a terminal.
    pub(crate) stdin: Option<OwnedFd>,
    /// /dev/null.
    pub(crate) null: OwnedFd,
    /// Takes a byte when the command has started.
    pub(crate) tell: OwnedFd,
    /// The record that is removed then.
    pub(crate) earlier: Option<Earlier>,
}

/// The streams of a detached command.
pub(crate) struct Console {
    path: PathBuf,
    log: Log,
    source: Source,
    receiver: Option<Receiver>,
    stdin: Option<OwnedFd>,
    /// Input that the command has not accepted yet.
    typed: Vec<u8>,
    has_ended: bool,
    null: OwnedFd,
    tell: Option<OwnedFd>,
    earlier: Option<Earlier>,
}

impl Console {
    pub(crate) fn new(parts: Parts) -> Outcome<Console> {
        let Parts { path, log, output, receiver, stdin, null, tell, earlier } = parts;
        let pipe = receiver.as_ref().map(|receiver| &receiver.pipe);
        [Some(&output), stdin.as_ref(), pipe].into_iter().flatten().try_for_each(be_non_blocking)?;
        let (source, typed, tell) = (Source::Pipe(output), Vec::new(), Some(tell));
        Ok(Console { path, log, source, receiver, stdin, typed, has_ended: false, null, tell, earlier })
    }

    /// Prepares to receive the command's terminal on this socket.
    pub(crate) fn await_terminal(&mut self, socket: OwnedFd) {
        self.source = Source::Awaited(socket);
    }

    /// What other commands have to know.
    pub(crate) fn known(&self) -> Detached {
        let input = self.receiver.as_ref().map(|receiver| receiver.pipe.as_raw_fd());
        Detached { dir: self.path.clone(), input }
    }

    /// Reports that the command has started, and leaves the caller's streams and working directory.
    ///
    /// # Errors
    /// EPIPE if the process that the user started has ended.
    pub(crate) fn announce(&mut self) -> Outcome<()> {
        chdir("/")?;
        (0..=2).try_for_each(|number| sys::descriptors::duplicate_to(&self.null, number))?;
        if let Some(earlier) = self.earlier.take() {
            earlier.remove();
        }
        match self.tell.take() {
            Some(tell) => write(tell, &[0]).map(drop),
            None => Ok(()),
        }
    }

    /// The descriptors to wait for. First the socket, until the terminal arrives.
    pub(crate) fn wanted(&self) -> Vec<PollFd<'_>> {
        let is_pending = !self.typed.is_empty();
        let output = match &self.source {
            Source::Awaited(socket) => return vec![PollFd::new(socket.as_fd(), PollFlags::POLLIN)],
            Source::Pipe(pipe) => PollFd::new(pipe.as_fd(), PollFlags::POLLIN),
            Source::Terminal(master, _) => {
                let mut flags = PollFlags::POLLIN;
                flags.set(PollFlags::POLLOUT, is_pending);
                PollFd::new(master.as_fd(), flags)
            }
        };
        let input = self.receiver.iter().filter(|_| !is_pending).map(|receiver| &receiver.pipe);
        let input = input.map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN));
        let stdin = self.stdin.iter().filter(|_| is_pending);
        let stdin = stdin.map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLOUT));
        [output].into_iter().chain(input).chain(stdin).collect()
    }

    /// Copies the available data without waiting for more. `is_ready` says whether the first of the
    /// [wanted](Self::wanted) descriptors is ready.
    pub(crate) fn carry(&mut self, is_ready: bool) {
        if let Source::Awaited(_) = &self.source {
            return if is_ready {
                self.receive_terminal()
            };
        }
        self.copy_output(CHUNKS);
        if self.typed.is_empty() {
            let frames = self.receiver.as_mut().map(Receiver::receive).unwrap_or_default();
            frames.into_iter().for_each(|frame| self.take(frame));
        }
        self.write_typed();
    }

    /// Copies the remaining output. Every process that could write more has ended.
    pub(crate) fn drain(&mut self) {
        if let Source::Awaited(_) = &self.source {
            self.receive_terminal();
        }
        self.copy_output(CHUNKS_AT_END);
    }

    fn receive_terminal(&mut self) {
        let Source::Awaited(socket) = &self.source else { return };
        let Some(master) = receive_master(socket) else { return };
        // Error ignored: poll(2) may then return more often than necessary.
        let peer = sys::terminal::open_terminal_peer(&master).ok();
        self.source = Source::Terminal(master, peer);
    }

    fn copy_output(&mut self, most: usize) {
        let mut chunk = vec![0; CHUNK];
        for _ in 0..most {
            let length = match &self.source {
                Source::Pipe(output) | Source::Terminal(output, _) => read(output, &mut chunk),
                Source::Awaited(_) => return,
            };
            match length {
                Ok(length @ 1..) => self.log.append(chunk.get(..length).unwrap_or_default()),
                Err(Errno::EINTR) => {}
                // Error ignored: there is no output yet, or no more.
                Ok(0) | Err(_) => return,
            }
        }
    }

    fn take(&mut self, frame: Frame) {
        match (frame, &self.source) {
            (Frame::Typed(bytes), _) => self.typed.extend(bytes),
            (Frame::Size(rows, columns), Source::Terminal(master, _)) => {
                // Error ignored: the command's terminal takes any size.
                let _ = sys::terminal::set_size(master, rows, columns);
            }
            (Frame::End, Source::Pipe(_)) => self.has_ended = true,
            (Frame::Size(..) | Frame::End, _) => {}
        }
    }

    fn write_typed(&mut self) {
        let target = match (&self.source, &self.stdin) {
            (Source::Terminal(master, _), _) => master,
            (_, Some(stdin)) => stdin,
            _ => return self.typed.clear(),
        };
        if !self.typed.is_empty() {
            match write(target, &self.typed) {
                Ok(taken) => drop(self.typed.drain(..taken)),
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                // Error ignored: the command takes no more input.
                Err(_) => self.typed.clear(),
            }
        }
        if self.has_ended && self.typed.is_empty() {
            self.stdin = None;
        }
    }
}

fn be_non_blocking(file: &OwnedFd) -> Outcome<()> {
    let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
    fcntl(file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}
