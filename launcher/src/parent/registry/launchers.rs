//! Finds launchers in /proc. Cheap checks come first, and the number of steps for each process is limited
//! whatever it has open.

use crate::parent::registry::known::{DESCRIPTORS, Known, MAX_ENTRY, PREFIX, user_namespace};
use crate::sys::Outcome;
use crate::sys::outcome_of;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat};
use nix::sys::stat::{Mode, fstat, fstatat};
use nix::unistd::geteuid;
use std::ffi::OsStr;
use std::fs::{File, read_dir};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// /proc, and the user namespace whose launchers are trusted.
pub(super) struct Processes {
    proc: OwnedFd,
    own_namespace: u64,
}

/// A launcher of this user, and the fields in the name of its entry's file.
pub(super) struct Launcher {
    pub(super) launcher: i32,
    /// The PID of the sandbox's first process.
    pub(super) pid: i32,
    /// Empty for a sandbox without a name.
    pub(super) name: String,
    entry: File,
}

/// All PIDs in /proc.
///
/// # Errors
/// Errors of opendir(3), and for each PID those of readdir(3).
pub(crate) fn pids() -> Outcome<impl Iterator<Item = Outcome<i32>>> {
    let pid = |entry: io::Result<std::fs::DirEntry>| match outcome_of(entry) {
        Ok(entry) => entry.file_name().to_str().and_then(|name| name.parse().ok()).map(Ok),
        Err(errno) => Some(Err(errno)),
    };
    Ok(outcome_of(read_dir("/proc"))?.filter_map(pid))
}

/// Turns errors that mean "not visible" into `None`. The process has ended, is hidden (hidepid, proc(5)), or
/// belongs to another user or is not dumpable and so cannot be examined (ptrace(2)). A sandbox's init is not
/// dumpable; a launcher is.
///
/// # Errors
/// Errors that say nothing about the process, such as EMFILE.
pub(crate) fn unless_hidden<T>(looked: Outcome<T>) -> Outcome<Option<T>> {
    match looked {
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EACCES | Errno::EPERM) => Ok(None),
        looked => looked.map(Some),
    }
}

impl Processes {
    /// Opens /proc.
    pub(super) fn open() -> Outcome<Processes> {
        let proc = open("/proc", LOOK, Mode::empty())?;
        let own = openat(&proc, "self", LOOK, Mode::empty())?;
        Ok(Processes { own_namespace: user_namespace(&own)?, proc })
    }

    /// The launcher with this PID; `None` for any other process and for one that has ended.
    ///
    /// All checks that matter use the opened directory, so that two processes that have the PID in succession
    /// cannot be confused. A process in a sandbox is skipped before anything that it can change is examined.
    ///
    /// # Errors
    /// Errors of openat(2), such as EMFILE.
    pub(super) fn launcher(&self, pid: i32) -> Outcome<Option<Launcher>> {
        unless_hidden(self.examine(pid)).map(Option::flatten)
    }

    fn examine(&self, pid: i32) -> Outcome<Option<Launcher>> {
        // One call rules out most processes. For the others it is repeated on the opened directory.
        let namespace = fstatat(&self.proc, format!("{pid}/ns/user").as_str(), AtFlags::empty())?;
        if namespace.st_ino != self.own_namespace {
            return Ok(None);
        }
        let process = openat(&self.proc, pid.to_string().as_str(), LOOK, Mode::empty())?;
        let is_own = |uid| uid == geteuid().as_raw();
        if !is_own(fstat(&process)?.st_uid) || user_namespace(&process)? != self.own_namespace {
            return Ok(None);
        }
        // Without an entry, this ends with ENOENT at the first descriptor that is not open.
        for descriptor in DESCRIPTORS {
            let path = format!("fd/{descriptor}");
            let Some((of, name)) = described(&readlinkat(&process, path.as_str())?) else { continue };
            let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
            let entry = openat(&process, path.as_str(), flags, Mode::empty())?;
            // The process's owner proves nothing: a setuid program has its owner's effective user ID, but the
            // descriptors of the user who started it. The file belongs to the user who created it.
            let is_believed = is_own(fstat(&entry)?.st_uid);
            return Ok(is_believed.then(|| Launcher { launcher: pid, pid: of, name, entry: entry.into() }));
        }
        Ok(None)
    }
}

impl Launcher {
    /// Reads the entry.
    ///
    /// # Errors
    /// ESRCH for a copy in a process that is not the launcher, EFBIG above the size limit, EBADMSG for
    /// content that this version does not write.
    pub(super) fn read(self) -> Outcome<Known> {
        let mut text = Vec::new();
        let limit = u64::try_from(MAX_ENTRY).ok().unwrap_or(u64::MAX);
        outcome_of((&self.entry).take(limit + 1).read_to_end(&mut text))?;
        if text.len() > MAX_ENTRY {
            return Err(Errno::EFBIG);
        }
        let known: Known = serde_json::from_slice(&text).map_err(|_| Errno::EBADMSG)?;
        let name = known.name.as_deref().unwrap_or_default();
        match () {
            () if known.launcher != self.launcher => Err(Errno::ESRCH),
            () if known.pid != self.pid || name != self.name => Err(Errno::EBADMSG),
            () => Ok(known),
        }
    }
}

/// The PID and the name from the link of an entry's descriptor, which proc_pid_fd(5) shows as `/memfd:NAME
/// (deleted)`.
fn described(link: &OsStr) -> Option<(i32, String)> {
    let text = link.to_str()?.strip_prefix("/memfd:")?.strip_suffix(" (deleted)")?;
    let (pid, name) = text.strip_prefix(PREFIX)?.split_once(':')?;
    Some((pid.parse().ok()?, name.to_owned()))
}
