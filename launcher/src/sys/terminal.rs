//! Terminals: ioctl_tty(2), pts(4).

use crate::sys::Outcome;
use crate::sys::descriptors::standard_stream;
use crate::sys::owned;
use nix::errno::Errno;
use nix::libc;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

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

/// Gives a terminal the size of the first terminal among the standard streams, or of the oldest terminals if there is none.
///
/// # Errors
/// ENOTTY if it is none.
pub(crate) fn take_callers_size(terminal: impl AsFd) -> Outcome<()> {
    const USUAL: libc::winsize = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let size = (0..=2).map(standard_stream).find_map(size_of).unwrap_or(USUAL);
    syscall!(libc::SYS_ioctl, terminal.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &raw const size).map(drop)
}

/// Sets the rows and columns of a terminal.
///
/// # Errors
/// ENOTTY if it is not one.
pub(crate) fn set_size(terminal: impl AsFd, rows: u16, columns: u16) -> Outcome<()> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    syscall!(libc::SYS_ioctl, terminal.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &raw const size).map(drop)
}

/// The rows and columns of the first terminal among the standard streams.
pub(crate) fn callers_size() -> Option<(u16, u16)> {
    let size = (0..=2).map(standard_stream).find_map(size_of)?;
    Some((size.ws_row, size.ws_col))
}

/// The size of a terminal, if it is one and has one.
fn size_of(terminal: BorrowedFd<'_>) -> Option<libc::winsize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    let asked = syscall!(libc::SYS_ioctl, terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size);
    // Error ignored: it is not a terminal.
    (asked.is_ok() && size.ws_row != 0 && size.ws_col != 0).then_some(size)
}

/// Sends SIGINT, SIGQUIT or SIGTSTP to the foreground process group of a terminal, by its master, as a key would: TIOCSIG in
/// drivers/tty/pty.c.
///
/// # Errors
/// EINVAL for another signal.
pub(crate) fn signal_foreground(master: impl AsFd, signal: i32) -> Outcome<()> {
    /// asm-generic/ioctls.h: `_IOW('T', 0x36, int)`.
    const TIOCSIG: libc::c_ulong = 0x4004_5436;
    syscall!(libc::SYS_ioctl, master.as_fd().as_raw_fd(), TIOCSIG, signal).map(drop)
}
