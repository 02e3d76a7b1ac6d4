//! The end of standard input: typed at the command's terminal as often as the command asks for more.

use crate::sys::terminal::open_terminal_peer;
use nix::errno::Errno;
use nix::libc::_POSIX_VDISABLE;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SpecialCharacterIndices, tcgetattr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

/// The pauses between two looks at the terminal. Nothing reports that a terminal's input is empty or has changed its mode.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// A file that has ended is at its end for every read(2); a terminal only for one, and not for a program that has it in raw mode, or
/// flushes its input.
pub(crate) struct EndOfInput {
    next: Instant,
    pause: Duration,
    /// True if the terminal took lines when it was looked at (ICANON); none before that.
    takes_lines: Option<bool>,
}

impl EndOfInput {
    pub(crate) fn now() -> EndOfInput {
        EndOfInput { next: Instant::now(), pause: SHORTEST, takes_lines: None }
    }

    pub(crate) fn next_look(&self) -> Instant {
        self.next
    }

    /// The character that is to be typed now, if there is one: VEOF of termios(3).
    pub(crate) fn typed(&mut self, master: &OwnedFd) -> Option<u8> {
        let now = Instant::now();
        if now < self.next {
            return None;
        }
        // Error ignored: a terminal that cannot be looked at takes nothing now.
        let typed = self.look(master).ok().flatten();
        self.next = now + self.pause;
        typed
    }

    fn look(&mut self, master: &OwnedFd) -> Result<Option<u8>, Errno> {
        self.pause = LONGEST.min(self.pause * 2);
        let settings = tcgetattr(master)?;
        let takes_lines = settings.local_flags.contains(LocalFlags::ICANON);
        let before = self.takes_lines.replace(takes_lines);
        // The first comes at once, behind what has been typed.
        let is_wanted = before.is_none() || is_all_read(master)?;
        // In raw mode, it is a key like any other: what ignores it is not to get it often.
        if before != Some(takes_lines) || (is_wanted && takes_lines) {
            self.pause = SHORTEST;
        }
        let key = settings.control_chars.get(SpecialCharacterIndices::VEOF as usize).copied();
        Ok(key.filter(|key| is_wanted && *key != _POSIX_VDISABLE))
    }
}

/// True if the command's side has nothing to read, not even the end of input.
fn is_all_read(master: &OwnedFd) -> Result<bool, Errno> {
    let terminal = open_terminal_peer(master)?;
    Ok(poll(&mut [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO)? == 0)
}
