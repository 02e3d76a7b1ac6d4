//! A terminal of the command's own: a pseudoterminal of the sandbox, joined to the caller's terminal by the launcher.

use crate::sys;
use crate::sys::process::Side;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::sys::termios::{SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{pipe2, read, write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// As much as is carried at a time, in bytes.
const CHUNK: usize = 16 * 1024;

/// The launcher's side of it.
pub(crate) struct Terminal {
    socket: OwnedFd,
    master: Option<OwnedFd>,
    /// What was typed and has not been taken yet.
    typed: Vec<u8>,
    input_ended: bool,
    _raw: Option<RawMode>,
}

impl Terminal {
    /// Waits for the terminal at this socket, and makes the caller's own one raw, where he has one.
    ///
    /// # Errors
    /// Those of clone(2) and tcsetattr(3).
    pub(crate) fn new(socket: OwnedFd) -> Result<Terminal, Errno> {
        let raw = match tcgetattr(own_input()) {
            Ok(saved) => Some(RawMode::enter(saved)?),
            // Error ignored: standard input is not a terminal.
            Err(_) => None,
        };
        Ok(Terminal { socket, master: None, typed: Vec::new(), input_ended: false, _raw: raw })
    }

    /// What is to be waited for: first the terminal itself, then what either side has to say.
    pub(crate) fn wanted(&self) -> Vec<PollFd<'_>> {
        let Some(master) = &self.master else {
            return vec![PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        };
        let mut flags = PollFlags::POLLIN;
        flags.set(PollFlags::POLLOUT, !self.typed.is_empty());
        let mut wanted = vec![PollFd::new(master.as_fd(), flags)];
        if self.typed.is_empty() && !self.input_ended {
            wanted.push(PollFd::new(own_input(), PollFlags::POLLIN));
        }
        wanted
    }

    /// Carries what there is, without waiting for more; `input` says that there is something to be read from the caller.
    pub(crate) fn carry(&mut self, input: bool) {
        if self.master.is_none() {
            // Error ignored: the command has not got a terminal, and its process reports why.
            self.master = sys::descriptors::receive_descriptor(&self.socket, &mut [0]).ok();
            if let Some(master) = &self.master {
                // Error ignored: it was opened like that.
                let _ = fcntl(master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK | OFlag::O_RDWR));
            }
            return self.resize();
        }
        if input {
            self.read_input();
        }
        self.write_typed();
        self.show();
    }

    /// Gives the command's terminal the size of the caller's.
    pub(crate) fn resize(&self) {
        if let Some(master) = &self.master {
            // Error ignored: standard input is not a terminal, and has no size.
            let _ = sys::terminal::copy_terminal_size(own_input(), master);
        }
    }

    /// Shows all that the command has left to be read: every process that could say more is gone.
    pub(crate) fn drain(&mut self) {
        if self.master.is_none() {
            self.carry(false);
        }
        self.show();
    }

    fn read_input(&mut self) {
        let mut chunk = [0; CHUNK];
        match read(own_input(), &mut chunk) {
            Ok(0) => {
                self.input_ended = true;
                self.typed.extend(self.master.as_ref().and_then(end_of_file));
            }
            Ok(length) => self.typed.extend_from_slice(chunk.get(..length).unwrap_or_default()),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            // Error ignored: there is nothing more to read.
            Err(_) => self.input_ended = true,
        }
    }

    fn write_typed(&mut self) {
        if let Some(master) = self.master.as_ref().filter(|_| !self.typed.is_empty()) {
            // Error ignored: nothing has been taken.
            let taken = write(master, &self.typed).ok().unwrap_or(0);
            self.typed.drain(..taken);
        }
    }

    fn show(&self) {
        let Some(master) = &self.master else { return };
        let mut chunk = [0; CHUNK];
        // Error ignored: there is nothing to show yet, or nothing more.
        while let Ok(length @ 1..) = read(master, &mut chunk) {
            let mut rest = chunk.get(..length).unwrap_or_default();
            // Error ignored: a closed standard output is nobody to show it to.
            while let Ok(shown @ 1..) = write(own_output(), rest) {
                rest = rest.get(shown..).unwrap_or_default();
            }
        }
    }
}

/// What a terminal takes for the end of its input: termios(3), VEOF.
fn end_of_file(master: &OwnedFd) -> Option<u8> {
    // Error ignored: the terminal has been closed.
    tcgetattr(master).ok()?.control_chars.get(SpecialCharacterIndices::VEOF as usize).copied()
}

/// Standard input and output, which belong to the whole process and are never closed.
fn own_input() -> BorrowedFd<'static> {
    sys::descriptors::standard_stream(0)
}

fn own_output() -> BorrowedFd<'static> {
    sys::descriptors::standard_stream(1)
}

/// A terminal that passes everything on as it is. A process of its own gives it its old settings back, however this one ends.
struct RawMode {
    keeper: OwnedFd,
    /// Open for as long as the terminal is to be raw.
    lifeline: Option<OwnedFd>,
}

impl RawMode {
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

/// All signals are blocked, so that a process in the background may set the terminal too: tcsetattr(3).
fn keep(saved: &Termios, ended: &OwnedFd) -> ! {
    let terminal = own_input().try_clone_to_owned();
    // Error ignored: there is no terminal to set.
    if let Ok(terminal) = &terminal {
        // Error ignored: with its own copy of the lifeline's other end, it would never see that closed, and ends at once.
        if sys::descriptors::close_from_but(0, &[ended, terminal]).is_ok() {
            // Error ignored: whatever else read(2) answers, the launcher has ended.
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
        // Error ignored: it has been reaped already.
        let _ = sys::process::wait_for(&self.keeper);
    }
}
