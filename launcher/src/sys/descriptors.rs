//! Descriptors: copied, passed on, and closed.

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

/// Makes `number` a copy of a descriptor that is kept by an exec: dup2(2).
///
/// # Errors
/// Those of dup2(2).
pub(crate) fn duplicate_to(file: impl AsFd, number: c_int) -> Outcome<()> {
    // dup3 refuses to copy a descriptor onto itself; fcntl takes close-on-exec from it then.
    let own = file.as_fd().as_raw_fd();
    if own == number {
        return keep_on_exec(own);
    }
    syscall!(libc::SYS_dup3, own, number, 0).map(drop)
}

/// Takes close-on-exec from a descriptor: fcntl(2).
///
/// # Errors
/// EBADF if it is not open.
pub(crate) fn keep_on_exec(number: c_int) -> Outcome<()> {
    syscall!(libc::SYS_fcntl, number, libc::F_SETFD, 0).map(drop)
}

/// One of descriptors 0 to 2.
pub(crate) fn standard_stream(number: c_int) -> BorrowedFd<'static> {
    // SAFETY: the launcher never closes its standard streams; where one is not open, the kernel answers EBADF.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// A copy, closed on exec, of a descriptor that is known by its number, as the first free one from `lowest` up: fcntl(2).
///
/// # Errors
/// EBADF where it is not open, EINVAL where `lowest` is above the limit.
pub(crate) fn copy_descriptor(number: c_int, lowest: c_int) -> Outcome<OwnedFd> {
    syscall!(libc::SYS_fcntl, number, libc::F_DUPFD_CLOEXEC, lowest).and_then(owned)
}

/// Sends a descriptor through a Unix socket, and some bytes with it: unix(7).
///
/// # Errors
/// Those of sendmsg(2).
pub(crate) fn send_descriptor(socket: impl AsFd, bytes: &[u8], file: impl AsFd) -> Outcome<()> {
    let files = [file.as_fd().as_raw_fd()];
    let message = [IoSlice::new(bytes)];
    let (number, rights) = (socket.as_fd().as_raw_fd(), [ControlMessage::ScmRights(&files)]);
    sendmsg::<()>(number, &message, &rights, MsgFlags::MSG_NOSIGNAL, None).map(drop)
}

/// Receives a descriptor and as many bytes as there is room for.
///
/// # Errors
/// EPIPE where the other end is closed, EBADMSG for a message without one, and those of recvmsg(2).
pub(crate) fn receive_descriptor(socket: impl AsFd, bytes: &mut [u8]) -> Outcome<OwnedFd> {
    let mut room = nix::cmsg_space!(c_int);
    let mut message = [IoSliceMut::new(bytes)];
    let number = socket.as_fd().as_raw_fd();
    let received = recvmsg::<()>(number, &mut message, Some(&mut room), MsgFlags::MSG_CMSG_CLOEXEC)?;
    for rights in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(files) = rights {
            return files.first().map_or(Err(Errno::EBADMSG), |file| owned(c_long::from(*file)));
        }
    }
    Err(if received.bytes == 0 { Errno::EPIPE } else { Errno::EBADMSG })
}

/// close_range(2) from `first` to `last`. Before Linux 5.9, each open descriptor is closed by itself.
fn close_range(first: c_uint, last: c_uint) -> Outcome<()> {
    match syscall!(libc::SYS_close_range, first, last, 0) {
        Err(errno) if is_unknown(errno) => {}
        closed => return closed.map(drop),
    }
    for number in open_descriptors()?.into_iter().filter(|number| (first..=last).contains(number)) {
        // Error ignored: the descriptor is closed whatever close(2) answers, or was not open.
        let _ = syscall!(libc::SYS_close, number);
    }
    Ok(())
}

/// Closes this process's copy of a descriptor whose owner it never drops: a process that ends by execve(2) or _exit(2), or one that
/// shares its memory with another (vfork(2)).
pub(crate) fn close_own(file: impl AsFd) {
    // Error ignored: the descriptor is closed whatever close(2) answers, or was not open.
    let _ = syscall!(libc::SYS_close, file.as_fd().as_raw_fd());
}

/// The numbers of all open descriptors. They may be above RLIMIT_NOFILE, which can have been lowered since; if /proc does not list
/// them, all numbers that there may be below the hard limit, which only the privileged raise again: getrlimit(2).
fn open_descriptors() -> Outcome<Vec<c_uint>> {
    let entries = read_dir("/proc/self/fd").and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>);
    // Error ignored: without a list, every number is closed.
    if let Ok(entries) = entries {
        return Ok(entries.iter().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect());
    }
    let (_, limit) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok((0..c_uint::try_from(limit).ok().unwrap_or(c_uint::MAX)).collect())
}

/// Closes every descriptor from `first` on but these. The root of this process has to be the host's, as /proc may be read.
///
/// # Errors
/// Those of close_range(2).
pub(crate) fn close_from_but(first: c_uint, kept: &[&OwnedFd]) -> Outcome<()> {
    let mut numbers: Vec<c_uint> = kept.iter().map(|kept| kept.as_raw_fd().unsigned_abs()).collect();
    numbers.sort_unstable();
    let mut next = first;
    for number in numbers.into_iter().filter(|number| *number >= first) {
        if next < number {
            close_range(next, number - 1)?;
        }
        next = number + 1;
    }
    close_range(next, c_uint::MAX)
}
