//! Descriptors: copying, passing and closing them.

use crate::sys::Outcome;
use crate::sys::is_unknown;
use crate::sys::owned;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_long, c_uint};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use std::fs::{DirEntry, read_dir};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Makes `number` a copy of a descriptor, and keeps it open on exec: dup2(2).
///
/// # Errors
/// Errors of dup2(2).
pub(crate) fn duplicate_to(file: impl AsFd, number: c_int) -> Outcome<()> {
    // dup3 refuses to copy a descriptor to itself; then only the close-on-exec flag is removed.
    let own = file.as_fd().as_raw_fd();
    if own == number {
        return keep_on_exec(own);
    }
    syscall!(libc::SYS_dup3, own, number, 0).map(drop)
}

/// Removes the close-on-exec flag of a descriptor: fcntl(2).
///
/// # Errors
/// EBADF if it is not open.
pub(crate) fn keep_on_exec(number: c_int) -> Outcome<()> {
    syscall!(libc::SYS_fcntl, number, libc::F_SETFD, 0).map(drop)
}

/// One of the descriptors 0 to 2.
pub(crate) fn standard_stream(number: c_int) -> BorrowedFd<'static> {
    // SAFETY: the launcher never closes its standard streams. If one is not open, the kernel returns EBADF.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// A copy of the descriptor with this number, with close-on-exec, as the first free number from `lowest`:
/// fcntl(2).
///
/// # Errors
/// EBADF if it is not open, EINVAL if `lowest` exceeds the limit.
pub(crate) fn copy_descriptor(number: c_int, lowest: c_int) -> Outcome<OwnedFd> {
    syscall!(libc::SYS_fcntl, number, libc::F_DUPFD_CLOEXEC, lowest).and_then(owned)
}

/// Takes over a descriptor that this process inherited, and sets its close-on-exec flag: fcntl(2). Must be
/// called at most once for a number, and before this process opens anything with it.
///
/// # Errors
/// EBADF if it is not open.
pub(crate) fn inherited(number: c_int) -> Outcome<OwnedFd> {
    syscall!(libc::SYS_fcntl, number, libc::F_SETFD, libc::FD_CLOEXEC)?;
    owned(c_long::from(number))
}

/// Sends a descriptor and some bytes through a Unix socket: unix(7).
///
/// # Errors
/// Errors of sendmsg(2).
pub(crate) fn send_descriptor(socket: impl AsFd, bytes: &[u8], file: impl AsFd) -> Outcome<()> {
    let files = [file.as_fd().as_raw_fd()];
    let message = [IoSlice::new(bytes)];
    let (number, rights) = (socket.as_fd().as_raw_fd(), [ControlMessage::ScmRights(&files)]);
    sendmsg::<()>(number, &message, &rights, MsgFlags::MSG_NOSIGNAL, None).map(drop)
}

/// Receives a descriptor and up to `bytes.len()` bytes.
///
/// # Errors
/// EPIPE if the other end is closed, EBADMSG for a message without a descriptor, and errors of recvmsg(2).
pub(crate) fn receive_descriptor(socket: impl AsFd, bytes: &mut [u8]) -> Outcome<OwnedFd> {
    let mut buffer = nix::cmsg_space!(c_int);
    let mut message = [IoSliceMut::new(bytes)];
    let number = socket.as_fd().as_raw_fd();
    let received = recvmsg::<()>(number, &mut message, Some(&mut buffer), MsgFlags::MSG_CMSG_CLOEXEC)?;
    for rights in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(files) = rights {
            return files.first().map_or(Err(Errno::EBADMSG), |file| owned(c_long::from(*file)));
        }
    }
    Err(if received.bytes == 0 { Errno::EPIPE } else { Errno::EBADMSG })
}

/// Calls close_range(2) from `first` to `last`. Before Linux 5.9, closes each open descriptor separately.
fn close_range(first: c_uint, last: c_uint) -> Outcome<()> {
    match syscall!(libc::SYS_close_range, first, last, 0) {
        Err(errno) if is_unknown(errno) => {}
        closed => return closed.map(drop),
    }
    for number in open_descriptors()?.into_iter().filter(|number| (first..=last).contains(number)) {
        // Error ignored: close(2) closes the descriptor even if it returns an error, or the descriptor was
        // not open.
        let _ = syscall!(libc::SYS_close, number);
    }
    Ok(())
}

/// Closes this process's copy of a descriptor that its owner never drops. This is for a process that ends by
/// execve(2) or _exit(2), or that shares its memory with another one (vfork(2)).
pub(crate) fn close_own(file: impl AsFd) {
    // Error ignored: close(2) closes the descriptor even if it returns an error, or the descriptor was not
    // open.
    let _ = syscall!(libc::SYS_close, file.as_fd().as_raw_fd());
}

/// The numbers of all open descriptors. They can exceed RLIMIT_NOFILE, which may have been lowered after they
/// were opened. If /proc does not list them, returns all numbers below the hard limit, which only a
/// privileged process can raise: getrlimit(2).
fn open_descriptors() -> Outcome<Vec<c_uint>> {
    let entries = read_dir("/proc/self/fd").and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>);
    // Error ignored: without a list, every number is closed.
    if let Ok(entries) = entries {
        return Ok(entries.iter().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect());
    }
    let (_, limit) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok((0..c_uint::try_from(limit).ok().unwrap_or(c_uint::MAX)).collect())
}

/// Closes every descriptor from `first` except `kept`. The root of this process must still be the host's,
/// because /proc may be read.
///
/// # Errors
/// Errors of close_range(2).
pub(crate) fn close_from_but(first: c_uint, kept: &[&OwnedFd]) -> Outcome<()> {
    close_from_but_numbers(first, kept.iter().map(|kept| kept.as_raw_fd()).collect())
}

/// The same for numbers of descriptors.
///
/// # Errors
/// Errors of close_range(2).
pub(crate) fn close_from_but_numbers(first: c_uint, mut kept: Vec<c_int>) -> Outcome<()> {
    kept.sort_unstable();
    let mut next = first;
    for number in kept.into_iter().map(c_int::unsigned_abs).filter(|number| *number >= first) {
        if next < number {
            close_range(next, number - 1)?;
        }
        next = number + 1;
    }
    close_range(next, c_uint::MAX)
}
