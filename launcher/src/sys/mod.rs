//! The kernel's interface: system calls and files of /proc as safe functions. Unsafe code is only here and in
//! child/shim.rs.
#![allow(unsafe_code)]

/// Makes one system call. Arguments are integers, or pointers to memory that the caller keeps alive.
macro_rules! syscall {
    ($number:expr $(, $argument:expr)*) => {
        // SAFETY: every pointer argument comes from a reference that outlives the call, and refers to at
        // least as much memory as the call reads or writes.
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

/// The result of a system call.
pub(crate) type Outcome<T> = Result<T, Errno>;

/// True for errors with which an older kernel, or a filter that does not know it, refuses a newer system
/// call. If the refusal was genuine, the older call is refused too. openat2(2) does not return EPERM for
/// lookups and reads.
pub(crate) fn is_unknown(errno: Errno) -> bool {
    matches!(errno, Errno::ENOSYS | Errno::EPERM)
}

/// The errno of a standard library error.
pub(crate) fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

/// Converts a result of the standard library.
pub(crate) fn outcome_of<T>(result: io::Result<T>) -> Outcome<T> {
    result.map_err(|error| errno_of(&error))
}

fn owned(descriptor: c_long) -> Outcome<OwnedFd> {
    let descriptor = c_int::try_from(descriptor).map_err(|_| Errno::EBADF)?;
    // SAFETY: only called with the result of a successful call that returned a new descriptor, or with an
    // inherited one: it has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
