//! Names of sandboxes. Each is a lock that only this user can take and that the kernel releases whichever way
//! the launcher ends.
//!
//! All names of a user share one empty file. A name is a lock on one byte of it, at an offset that is a hash
//! of the name. So names leave nothing behind, and reserving one takes the same time however many there are.
//! The lock belongs to the open file description (fcntl(2)), which only the launcher keeps open.
//!
//! The file is in a directory that only this user can write to. Other users cannot reach it, nor can a
//! sandbox, even one that shares the host's network. If the user binds that directory into a sandbox, the
//! sandbox can lock names.

use crate::error::{Error, OsError};
use crate::failure::reason;
use crate::images::hash::fnv_1a;
use crate::plan::progress::begin;
use crate::plan::steps::Kind;
use crate::sys;
use crate::sys::Outcome;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open, openat};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, mkdirat};
use nix::unistd::geteuid;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The directory that subroot creates in a candidate directory.
const DIRECTORY: &str = "subroot";
const FILE: &str = "names";

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// A reserved name. No other sandbox of this user can have it while this exists.
pub(crate) struct Name(#[expect(dead_code, reason = "held open")] Vec<OwnedFd>);

/// Why a candidate cannot be used.
enum Unusable {
    /// The name is already locked in it.
    Held,
    /// A system call on this path failed.
    Failed(PathBuf, Errno),
    /// The object at this path is not safe to use.
    Unsafe(PathBuf, &'static str),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Held => f.write_str("it is locked"),
            Unusable::Failed(path, errno) => write!(f, "{}: {}", path.display(), reason(*errno)),
            Unusable::Unsafe(path, why) => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl Name {
    /// Reserves a name in each usable directory. One directory is not enough: a session's directory exists
    /// only as long as the session, and programs such as cron do not set XDG_RUNTIME_DIR. An error never
    /// counts as a free name.
    ///
    /// # Errors
    /// A running sandbox has the name, or no directory can be used for the lock.
    pub(crate) fn reserve(name: &str) -> Result<Name, Error> {
        begin(Kind::ReserveName, b"");
        Name::take(name)
    }

    /// The same outside of a launch.
    pub(crate) fn take(name: &str) -> Result<Name, Error> {
        let (mut locked, mut reasons) = (Vec::new(), Vec::new());
        for candidate in candidates() {
            let reason = match candidate.lock(name) {
                Ok(file) => {
                    locked.push(file);
                    continue;
                }
                Err(Unusable::Held) => return Err(Error::NameInUse { name: name.into() }),
                // The other candidates would fail for the same reason.
                Err(Unusable::Failed(_, errno @ (Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM))) => {
                    return Err(Error::Parent {
                        doing: "reserving the name of a sandbox",
                        errno: OsError(errno),
                    });
                }
                Err(unusable) => unusable.to_string(),
            };
            // Error ignored: one usable directory is enough. If there is none, all reasons are reported.
            log::debug!("names are not locked in {reason}");
            reasons.push(reason);
        }
        if !locked.is_empty() {
            return Ok(Name(locked));
        }
        let why = if reasons.is_empty() { "HOME is not set".to_owned() } else { reasons.join("; ") };
        Err(Error::Name { name: name.into(), why })
    }
}

/// A directory in which the lock file may be.
struct Candidate {
    /// The directory that `names` are relative to.
    base: PathBuf,
    names: Vec<OsString>,
    /// True if subroot may create missing directories of `names`.
    is_created: bool,
    file: OsString,
}

/// The session's directory, then the directory of the user's sessions, then the one for state, which stays
/// when the user logs out. Hosts that share a home directory have separate sandboxes, so the file there has
/// the hostname in its name.
fn candidates() -> Vec<Candidate> {
    let session = absolute("XDG_RUNTIME_DIR");
    let sessions = PathBuf::from(format!("/run/user/{}", geteuid()));
    let mut found: Vec<Candidate> = Vec::new();
    if let Some(session) = session.filter(|session| *session != sessions) {
        found.push(Candidate::existing(&session));
    }
    found.push(Candidate::existing(&sessions));
    found.extend(state());
    found
}

/// The value of a variable that is an absolute path.
fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The directory for state that stays when the user logs out.
fn state() -> Option<Candidate> {
    let file = file_of_host();
    if let Some(state) = absolute("XDG_STATE_HOME") {
        return Some(Candidate { is_created: true, file, ..Candidate::existing(&state) });
    }
    let names = [".local", "state"].map(OsString::from).to_vec();
    absolute("HOME").map(|base| Candidate { base, names, is_created: true, file })
}

/// A directory of this host in the user's directory for state, and its path. `None` if it is missing and
/// `is_created` is false.
///
/// # Errors
/// Why it cannot be used; also if another user can write to it.
pub(crate) fn state_directory(kind: &str, is_created: bool) -> Result<Option<(OwnedFd, PathBuf)>, String> {
    let state = state().ok_or("neither XDG_STATE_HOME nor HOME is an absolute path")?;
    let state = Candidate { is_created, ..state };
    // Error ignored: hosts without a name share one directory.
    let host = sys::files::host_name_part().ok().unwrap_or_default();
    let opened = state.own_directory(is_created).and_then(|(parent, path)| {
        let found = descend(&parent, &path, OsStr::new(&format!("{kind}.{host}")), is_created)?;
        check_directory(&found.0, &found.1).map(|()| found)
    });
    match opened {
        Ok(found) => Ok(Some(found)),
        Err(Unusable::Failed(_, Errno::ENOENT)) if !is_created => Ok(None),
        Err(unusable) => Err(unusable.to_string()),
    }
}

fn file_of_host() -> OsString {
    // Error ignored: hosts without a name share one file.
    let host = sys::files::host_name_part().ok().unwrap_or_default();
    OsString::from(format!("{FILE}.{host}"))
}

impl Candidate {
    fn existing(path: &Path) -> Candidate {
        let (base, names) = match (path.parent(), path.file_name()) {
            (Some(base), Some(name)) => (base, vec![name.to_owned()]),
            _ => (path, Vec::new()),
        };
        Candidate { base: base.into(), names, is_created: false, file: FILE.into() }
    }

    /// Locks a name in the lock file, which is created if it is missing.
    fn lock(&self, name: &str) -> Result<OwnedFd, Unusable> {
        let (directory, path) = self.own_directory(true)?;
        let path = path.join(&self.file);
        // O_NONBLOCK: a FIFO or device at this path must not block the launcher.
        let flags = OFlag::O_RDWR
            | OFlag::O_CREAT
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let file = openat(&directory, self.file.as_os_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR)
            .map_err(failed(&path))?;
        check_file(&file, &path)?;
        match lock_byte(&file, offset(name)) {
            Ok(()) => Ok(file),
            Err(Errno::EAGAIN) => Err(Unusable::Held),
            Err(errno) => Err(Unusable::Failed(path, errno)),
        }
    }

    /// Opens subroot's directory in the candidate's.
    fn own_directory(&self, is_created: bool) -> Result<(OwnedFd, PathBuf), Unusable> {
        let (directory, path) = self.directory()?;
        let (directory, path) = descend(&directory, &path, OsStr::new(DIRECTORY), is_created)?;
        check_directory(&directory, &path)?;
        Ok((directory, path))
    }

    /// Opens the candidate's directory; also returns its path.
    fn directory(&self) -> Result<(OwnedFd, PathBuf), Unusable> {
        let mut path = self.base.clone();
        let mut directory = open(&path, LOOK, Mode::empty()).map_err(failed(&path))?;
        for name in &self.names {
            (directory, path) = descend(&directory, &path, name, self.is_created)?;
        }
        check_directory(&directory, &path)?;
        Ok((directory, path))
    }
}

fn failed(path: &Path) -> impl FnOnce(Errno) -> Unusable {
    move |errno| Unusable::Failed(path.to_owned(), errno)
}

/// Opens a directory by name without following symlinks. Creates it if it is missing and this user owns the
/// parent.
fn descend(
    parent: &OwnedFd,
    path: &Path,
    name: &OsStr,
    is_created: bool,
) -> Result<(OwnedFd, PathBuf), Unusable> {
    let path = path.join(name);
    let look = || openat(parent, name, LOOK | OFlag::O_NOFOLLOW, Mode::empty());
    let opened = match look() {
        // Error ignored: nothing is created in a directory that cannot be examined.
        Err(Errno::ENOENT) if is_created && fstat(parent).is_ok_and(|stat| is_own(&stat)) => {
            match mkdirat(parent, name, Mode::S_IRWXU) {
                // Another launch may have just created it.
                Ok(()) | Err(Errno::EEXIST) => look(),
                Err(errno) => Err(errno),
            }
        }
        opened => opened,
    };
    match opened {
        Ok(opened) => Ok((opened, path)),
        Err(errno) => Err(Unusable::Failed(path, errno)),
    }
}

fn is_own(stat: &FileStat) -> bool {
    stat.st_uid == geteuid().as_raw()
}

/// Refuses an object that another user owns or can write to.
fn check_owner(stat: &FileStat, path: &Path) -> Result<(), Unusable> {
    let others_write = (Mode::S_IWGRP | Mode::S_IWOTH).bits();
    match () {
        () if !is_own(stat) => Err(Unusable::Unsafe(path.into(), "another user owns it")),
        () if stat.st_mode & others_write != 0 => {
            Err(Unusable::Unsafe(path.into(), "its group or others can write to it"))
        }
        () => Ok(()),
    }
}

fn check_directory(directory: &OwnedFd, path: &Path) -> Result<(), Unusable> {
    check_owner(&fstat(directory).map_err(failed(path))?, path)
}

fn check_file(file: &OwnedFd, path: &Path) -> Result<(), Unusable> {
    let stat = fstat(file).map_err(failed(path))?;
    check_owner(&stat, path)?;
    match () {
        () if sys::files::file_kind(&stat) != SFlag::S_IFREG => {
            Err(Unusable::Unsafe(path.into(), "it is not a regular file"))
        }
        () if stat.st_nlink != 1 => Err(Unusable::Unsafe(path.into(), "it has more than one link")),
        () => Ok(()),
    }
}

/// Locks one byte for writing, until the open file description is closed: fcntl(2), F_OFD_SETLK.
fn lock_byte(file: &OwnedFd, offset: u64) -> Outcome<()> {
    let kind = |number: libc::c_int| libc::c_short::try_from(number).map_err(|_| Errno::EINVAL);
    let lock = libc::flock {
        l_type: kind(libc::F_WRLCK)?,
        l_whence: kind(libc::SEEK_SET)?,
        l_start: libc::off_t::try_from(offset).map_err(|_| Errno::EOVERFLOW)?,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).map(drop)
}

/// The offset of a name's byte: the upper 62 bits of its FNV-1a hash, because a file has at most 2^63 bytes.
/// Every version of subroot must compute the same number.
fn offset(name: &str) -> u64 {
    fnv_1a(name.as_bytes()) >> 2
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn the_offset_is_the_same_in_every_version() {
        assert_eq!(offset("foobar"), 0x8594_4171_f739_67e8 >> 2);
    }
}
