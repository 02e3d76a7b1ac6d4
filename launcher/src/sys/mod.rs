//! The kernel: system calls and the files of /proc as safe functions. The only unsafe code is here and in child/shim.rs.
#![allow(unsafe_code)]

/// Makes one system call; the arguments are integers or pointers that the caller keeps alive.
macro_rules! syscall {
    ($number:expr $(, $argument:expr)*) => {
        // SAFETY: every pointer among the arguments comes from a reference that outlives the call, and points to as much as
        // the call reads or writes.
        Errno::result(unsafe { libc::syscall($number $(, $argument)*) })
    };
}

pub(crate) mod credentials;
pub(crate) mod descriptors;
pub(crate) mod files;
pub(crate) mod idle;
pub(crate) mod legacy_mount;
pub(crate) mod lookup;
pub(crate) mod mount;
pub(crate) mod mount_api;
pub(crate) mod mountinfo;
pub(crate) mod namespaces;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod signals;
pub(crate) mod standard_error;
pub(crate) mod terminal;

use nix::errno::Errno;
use nix::libc::{c_int, c_long};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// What a system call gives: an errno where it failed.
pub(crate) type Outcome<T> = Result<T, Errno>;

/// True for what an old kernel says to a call that it does not have, and what a filter says that does not know it: by the old
/// call, what is really refused is refused again. openat2(2) has no EPERM for what is only looked at or read.
pub(crate) fn is_unknown(errno: Errno) -> bool {
    matches!(errno, Errno::ENOSYS | Errno::EPERM)
}

/// The errno of an error of the standard library.
pub(crate) fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

/// The same for what a call of the standard library gives.
pub(crate) fn outcome_of<T>(result: io::Result<T>) -> Outcome<T> {
    result.map_err(|error| errno_of(&error))
}

fn owned(descriptor: c_long) -> Outcome<OwnedFd> {
    let descriptor = c_int::try_from(descriptor).map_err(|_| Errno::EBADF)?;
    // SAFETY: only called with what a successful call has just returned: a fresh descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
