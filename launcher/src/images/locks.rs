//! Locks in the store: flock(2). The kernel removes them when the process ends.

use crate::error::OsError;
use crate::sys;
use nix::errno::Errno;
use std::io;
use std::os::fd::AsFd;

/// Whether other processes may hold the same lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// They may, if they also only share it.
    Shared,
    /// They may not.
    Exclusive,
}

impl Lock {
    /// Takes the lock without waiting. False if another process holds it.
    ///
    /// # Errors
    /// Errors of flock(2), for example of a filesystem without locks.
    pub fn try_take(self, file: impl AsFd) -> io::Result<bool> {
        match sys::files::try_lock(file, self == Lock::Exclusive) {
            Err(Errno::EWOULDBLOCK) => Ok(false),
            taken => taken.map(|()| true).map_err(|errno| OsError(errno).into()),
        }
    }

    /// Takes the lock, and waits until no other process holds it.
    ///
    /// # Errors
    /// EINTR after a signal with a handler, and other errors of flock(2).
    pub fn take(self, file: impl AsFd) -> io::Result<()> {
        sys::files::lock(file, self == Lock::Exclusive).map_err(|errno| OsError(errno).into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Lock;
    use std::fs::File;

    #[test]
    fn an_exclusive_lock_excludes_shared_ones() {
        let open = || File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
        let (one, two, three) = (open(), open(), open());
        assert!(Lock::Shared.try_take(&one).unwrap());
        assert!(Lock::Shared.try_take(&two).unwrap());
        assert!(!Lock::Exclusive.try_take(&three).unwrap());
        drop((one, two));
        Lock::Exclusive.take(&three).unwrap();
        assert!(!Lock::Shared.try_take(open()).unwrap());
    }
}
