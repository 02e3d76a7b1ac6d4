//! The locks of the store: flock(2) on files in `locks/`, so that they end with the processes that hold them.

use crate::error::Error;
use crate::output;
use crate::signals::Signals;
use crate::store::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat};
use nix::sys::stat::Mode;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;

/// Held shared while a process makes something in the store, and exclusively while another collects garbage.
const STORE: &str = "store";
/// Held while the names change.
const INDEX: &str = "index";
/// How often a lock is tried again, in milliseconds.
const INTERVAL: u16 = 20;

/// A lock that is held.
pub(crate) struct Lock {
    _file: Flock<File>,
}

/// The lock of a process that may remove what no image needs.
pub(crate) struct Exclusive {
    _lock: Lock,
}

/// The directory `locks/`.
pub(crate) struct Locks {
    dir: Dir,
}

impl Locks {
    pub(crate) fn new(dir: Dir) -> Locks {
        Locks { dir }
    }

    /// Keeps garbage collections away.
    ///
    /// # Errors
    /// The lock cannot be taken, or a signal came meanwhile.
    pub(crate) fn shared(&self, signals: &Signals) -> Result<Lock, Error> {
        self.wait(STORE, FlockArg::LockSharedNonblock, signals, |pid| {
            format!("waiting until unneeded layers are removed{pid}")
        })
    }

    /// Keeps everything else away; `None` if something is being made in the store.
    ///
    /// # Errors
    /// The lock cannot be taken.
    pub(crate) fn try_alone(&self) -> Result<Option<Exclusive>, Error> {
        let lock = self.try_lock(STORE, FlockArg::LockExclusiveNonblock)?;
        Ok(lock.ok().map(|lock| Exclusive { _lock: lock }))
    }

    /// The lock of the names. It is held for a moment only.
    ///
    /// # Errors
    /// The lock cannot be taken.
    pub(crate) fn index(&self) -> Result<Lock, Error> {
        let file = self.open(INDEX)?;
        match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(file) => Ok(Lock { _file: file }),
            Err((_, errno)) => Err(self.dir.failed("locking", INDEX)(errno)),
        }
    }

    /// The lock of a blob or layer that is being made. Waits for another process that makes the same.
    ///
    /// # Errors
    /// The lock cannot be taken, or a signal came meanwhile.
    pub(crate) fn making(&self, name: &str, signals: &Signals) -> Result<Lock, Error> {
        self.wait(name, FlockArg::LockExclusiveNonblock, signals, |pid| {
            format!("waiting for another process that unpacks the same layer{pid}")
        })
    }

    /// Removes the files of locks that nothing holds.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub(crate) fn remove_unused(&self, _alone: &Exclusive) -> Result<(), Error> {
        let names = self.dir.names()?;
        let is_temporary = |name: &&std::ffi::OsString| **name != STORE && **name != INDEX;
        names.iter().filter(is_temporary).try_for_each(|name| self.dir.remove(name))
    }

    fn wait(
        &self,
        name: &str,
        kind: FlockArg,
        signals: &Signals,
        text: impl FnOnce(String) -> String,
    ) -> Result<Lock, Error> {
        let mut text = Some(text);
        loop {
            match self.try_lock(name, kind)? {
                Ok(lock) => return Ok(lock),
                Err(holder) => {
                    if let Some(text) = text.take() {
                        output::note(&text(holder));
                    }
                    signals.pause(INTERVAL)?;
                }
            }
        }
    }

    /// Tries once. Returns the words about the process that holds it if there is one.
    fn try_lock(&self, name: &str, kind: FlockArg) -> Result<Result<Lock, String>, Error> {
        match Flock::lock(self.open(name)?, kind) {
            Ok(file) => {
                if kind != FlockArg::LockSharedNonblock {
                    sign(&file);
                }
                Ok(Ok(Lock { _file: file }))
            }
            Err((file, Errno::EWOULDBLOCK)) => Ok(Err(holder(&file))),
            Err((_, errno)) => Err(self.dir.failed("locking", name)(errno)),
        }
    }

    fn open(&self, name: &str) -> Result<File, Error> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let opened: Result<OwnedFd, _> = openat(&self.dir.fd, name, flags, Mode::S_IRUSR | Mode::S_IWUSR);
        opened.map(File::from).map_err(self.dir.failed("opening", name))
    }
}

/// Writes this process's PID into the file, for those that wait.
fn sign(mut file: &File) {
    // Error ignored: the PID is only shown, and a full disk must not keep garbage from being removed.
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
}

fn holder(file: &File) -> String {
    let mut text = [0; 10];
    // Error ignored: the PID is only shown.
    let length = file.read_at(&mut text, 0).ok().unwrap_or(0);
    let pid = text.get(..length).and_then(|text| std::str::from_utf8(text).ok()?.parse::<u32>().ok());
    pid.map(|pid| format!(" (PID {pid})")).unwrap_or_default()
}
