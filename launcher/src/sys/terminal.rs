//! Terminals: ioctl_tty(2), pts(4).

use crate::sys::Outcome;
use crate::sys::owned;
use nix::errno::Errno;
use nix::libc;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// The peer of a pseudoterminal, for use as standard streams: ioctl_tty(2).
///
/// # Errors
/// ENOTTY if the descriptor is not of a /dev/ptmx.
pub(crate) fn open_terminal_peer(master: impl AsFd) -> Outcome<OwnedFd> {
    let (number, unlocked) = (master.as_fd().as_raw_fd(), 0);
    syscall!(libc::SYS_ioctl, number, libc::TIOCSPTLCK, &raw const unlocked)?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    syscall!(libc::SYS_ioctl, number, libc::TIOCGPTPEER, flags).and_then(owned)
}

/// Makes a terminal the controlling terminal of this process, a session leader without one: ioctl_tty(2).
///
/// # Errors
/// EPERM if the process is not a session leader.
pub(crate) fn take_controlling_terminal(terminal: impl AsFd) -> Outcome<()> {
    syscall!(libc::SYS_ioctl, terminal.as_fd().as_raw_fd(), libc::TIOCSCTTY, 0).map(drop)
}

/// Sets a terminal's size to that of another.
///
/// # Errors
/// ENOTTY if one of them is not a terminal.
pub(crate) fn copy_terminal_size(from: impl AsFd, to: impl AsFd) -> Outcome<()> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    syscall!(libc::SYS_ioctl, from.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size)?;
    syscall!(libc::SYS_ioctl, to.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &raw const size).map(drop)
}
