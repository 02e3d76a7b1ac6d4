//! The directories of detached sandboxes, one for each, with its record and its log. They are in the user's
//! directory for state, which other users and sandboxes cannot write to.

use crate::error::{Error, OsError};
use crate::parent::detached::record::Record;
use crate::parent::registry::state_directory;
use crate::sys::files::file_kind;
use crate::sys::{self, Outcome};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, mkdirat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The kind of directory, whose name ends with the host's.
const KIND: &str = "detached";
const RECORD: &str = "record";
/// The output, and the output before that.
pub(crate) const LOGS: [&str; 2] = ["log", "log.1"];

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// The directory of all of them.
pub(crate) struct Store {
    dir: OwnedFd,
    path: PathBuf,
}

/// The directory of one.
pub(crate) struct JobDir {
    pub(crate) dir: OwnedFd,
    pub(crate) path: PathBuf,
}

impl Store {
    /// Opens it; `None` if there is none.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn open() -> Result<Option<Store>, Error> {
        let found = state_directory(KIND, false).map_err(|why| Error::NoState { why })?;
        Ok(found.map(|(dir, path)| Store { dir, path }))
    }

    /// Opens it, and creates it if it is missing.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn create() -> Result<Store, Error> {
        match state_directory(KIND, true) {
            Ok(Some((dir, path))) => Ok(Store { dir, path }),
            Ok(None) => Err(Error::NoState { why: Errno::ENOENT.desc().into() }),
            Err(why) => Err(Error::NoState { why }),
        }
    }

    /// The names of all detached sandboxes that run or are kept, sorted.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        Ok(self.entries()?.into_iter().filter(|name| !name.starts_with('.')).collect())
    }

    /// The names that begin with a dot, which no sandbox has.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(crate) fn hidden_names(&self) -> Result<Vec<String>, Error> {
        let is_hidden = |name: &String| name.starts_with('.') && name != "." && name != "..";
        Ok(self.entries()?.into_iter().filter(is_hidden).collect())
    }

    fn entries(&self) -> Result<Vec<String>, Error> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let failed = |errno| unreadable(&self.path, errno);
        let mut dir = Dir::openat(&self.dir, ".", flags, Mode::empty()).map_err(failed)?;
        let entries = dir.iter().collect::<Outcome<Vec<_>>>().map_err(failed)?;
        // Error ignored: no sandbox has a name that is not UTF-8.
        let names = entries.iter().filter_map(|entry| entry.file_name().to_str().ok());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }

    /// The directory of the sandbox with this name, which is a valid name; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn job(&self, name: &str) -> Result<Option<JobDir>, Error> {
        let path = self.path.join(name);
        match openat(&self.dir, name, LOOK, Mode::empty()) {
            Ok(dir) => Ok(Some(JobDir { dir, path })),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(unreadable(&path, errno)),
        }
    }

    /// Creates the directory of a sandbox.
    ///
    /// # Errors
    /// EEXIST, EROFS and other errors of mkdir(2).
    pub(crate) fn make(&self, name: &str) -> Result<JobDir, Error> {
        let path = self.path.join(name);
        let failed = |errno| making(&path, errno);
        mkdirat(&self.dir, name, Mode::S_IRWXU).map_err(failed)?;
        let dir = openat(&self.dir, name, LOOK, Mode::empty()).map_err(failed)?;
        Ok(JobDir { dir, path })
    }

    /// Renames the directory of a sandbox.
    ///
    /// # Errors
    /// Errors of rename(2).
    pub(crate) fn rename(&self, from: &str, to: &str) -> Outcome<()> {
        renameat(&self.dir, from, &self.dir, to)
    }

    /// Removes a sandbox's record and log.
    ///
    /// # Errors
    /// Errors of unlink(2) and rmdir(2).
    pub(crate) fn remove(&self, name: &str, job: &JobDir) -> Outcome<()> {
        for file in LOGS.into_iter().chain([RECORD]) {
            match unlinkat(&job.dir, file, UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                removed => removed?,
            }
        }
        match unlinkat(&self.dir, name, UnlinkatFlags::RemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            removed => removed,
        }
    }
}

impl JobDir {
    /// Opens the directory of a running sandbox by its path.
    ///
    /// # Errors
    /// ENOENT if the sandbox has just ended and was removed.
    pub(crate) fn open(path: &Path) -> Outcome<JobDir> {
        Ok(JobDir { dir: open(path, LOOK, Mode::empty())?, path: path.to_owned() })
    }

    /// Creates the record.
    ///
    /// # Errors
    /// ENOSPC and other errors of open(2).
    pub(crate) fn make_record(&self) -> Result<File, Error> {
        make_file(&self.dir, RECORD).map_err(|errno| making(&self.path.join(RECORD), errno))
    }

    /// Opens the record.
    ///
    /// # Errors
    /// ENOENT if it was removed, and other errors of open(2).
    pub(crate) fn record(&self) -> Outcome<File> {
        open_file(&self.dir, RECORD)
    }

    /// Reads the record.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(crate) fn read(&self) -> Result<Record, Error> {
        let record = self.record().and_then(|file| Record::read(&file));
        record.map_err(|errno| unreadable(&self.path.join(RECORD), errno))
    }

    /// The time since the record was last written.
    ///
    /// # Errors
    /// The record cannot be examined.
    pub(crate) fn age(&self) -> Outcome<Duration> {
        let file = self.record()?;
        let written = sys::outcome_of(file.metadata().and_then(|found| found.modified()))?;
        // Error ignored: a time in the future has no age.
        Ok(SystemTime::now().duration_since(written).ok().unwrap_or_default())
    }
}

/// Creates a file that only this user can read and write.
///
/// # Errors
/// Errors of open(2).
pub(crate) fn make_file(dir: impl AsFd, name: &str) -> Outcome<File> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(dir, name, flags | OFlag::O_APPEND, Mode::S_IRUSR | Mode::S_IWUSR).map(File::from)
}

/// Opens a regular file of this user for reading.
///
/// # Errors
/// ENOENT if it is missing, and EBADMSG for anything else than a regular file of this user.
pub(crate) fn open_file(dir: impl AsFd, name: &str) -> Outcome<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = openat(dir, name, flags, Mode::empty())?;
    if is_own_file(&fstat(&file)?) { Ok(file.into()) } else { Err(Errno::EBADMSG) }
}

fn is_own_file(stat: &FileStat) -> bool {
    file_kind(stat) == SFlag::S_IFREG && stat.st_uid == geteuid().as_raw()
}

pub(crate) fn making(path: &Path, errno: Errno) -> Error {
    Error::State { path: path.to_owned(), errno: OsError(errno) }
}

pub(crate) fn unreadable(path: &Path, errno: Errno) -> Error {
    Error::Unreadable { file: path.to_owned(), why: OsError(errno).to_string() }
}
