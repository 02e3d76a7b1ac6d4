//! The directory that an import makes. The tree is unpacked in a directory beside it, which is renamed when it is
//! complete, so that at any instant the name is either missing or that of a complete tree.

use crate::error::{Error, errno_text, reason};
use crate::output;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat, lstat};
use nix::unistd::mkdir;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// A directory that does not exist, or is empty.
pub(crate) struct Target {
    path: PathBuf,
    /// The directory that contains it.
    above: PathBuf,
    /// What the names of the temporary directories begin with.
    prefix: OsString,
}

/// The temporary directory.
pub(crate) struct Unfinished {
    pub(crate) path: PathBuf,
    /// Its device and inode.
    pub(crate) identity: (u64, u64),
    /// While it is locked, no other import takes it for a leftover.
    _locked: Flock<OwnedFd>,
}

impl Target {
    /// Checks the name.
    ///
    /// # Errors
    /// It is taken, or cannot be that of a new directory.
    pub(crate) fn new(path: &Path) -> Result<Target, Error> {
        let failed = |why: &str| Error::Target { doing: "making", path: path.into(), why: why.into() };
        let name = path
            .file_name()
            .ok_or_else(|| failed("name a directory that can be replaced, not /, . or .."))?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let above = fs::canonicalize(above).map_err(|error| failed(&reason(&error)))?;
        let path = above.join(name);
        match lstat(&path) {
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(failed(&errno_text(errno))),
            Ok(found) if found.st_mode & SFlag::S_IFMT.bits() != SFlag::S_IFDIR.bits() => {
                return Err(failed("it exists, and is not a directory"));
            }
            Ok(_) if !is_empty(&path).map_err(|error| failed(&reason(&error)))? => {
                return Err(failed("it exists, and is not empty"));
            }
            Ok(_) => {}
        }
        let prefix = [OsStr::new("."), name, OsStr::new(".subroot-import-")].concat_os();
        Ok(Target { path, above, prefix })
    }

    /// The directory that contains it.
    pub(crate) fn above(&self) -> &Path {
        &self.above
    }

    /// Removes the temporary directories of imports that were killed. Returns a line for each that remains.
    pub(crate) fn remove_leftovers(&self) -> Vec<String> {
        let names = fs::read_dir(&self.above).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let is_leftover = |name: &OsString| name.as_bytes().starts_with(self.prefix.as_bytes());
        let removed = names.filter(is_leftover).map(|name| subroot::trees::remove(self.above.join(name)));
        removed.filter_map(Result::err).map(|error| error.to_string()).collect()
    }

    /// Makes and locks the temporary directory.
    ///
    /// # Errors
    /// Errors of mkdir(2), open(2) and flock(2).
    pub(crate) fn begin(&self) -> Result<Unfinished, Error> {
        Unfinished::begin_in(&self.above, &self.prefix)
    }

    /// Gives the complete tree its name, if that is still free. An empty directory of this name is replaced.
    ///
    /// # Errors
    /// Errors of rename(2).
    pub(crate) fn finish(&self, unfinished: &Unfinished) -> Result<(), Error> {
        fs::rename(&unfinished.path, &self.path).map_err(|error| Error::Target {
            doing: "making",
            path: self.path.clone(),
            why: reason(&error),
        })
    }
}

impl Unfinished {
    /// Makes and locks a directory with a name of its own.
    ///
    /// # Errors
    /// Errors of mkdir(2), open(2) and flock(2).
    pub(crate) fn begin_in(above: &Path, prefix: &OsStr) -> Result<Unfinished, Error> {
        for number in 0_u32.. {
            let suffix = OsString::from(format!("{}-{number}", std::process::id()));
            let path = above.join([prefix, &suffix].concat_os());
            match begin(&path) {
                // Another import has taken it for a leftover, before it was locked.
                Err(Errno::EEXIST | Errno::ENOENT | Errno::EWOULDBLOCK) => {}
                Err(errno) => return Err(Error::Store { doing: "making", path, errno }),
                Ok((locked, identity)) => return Ok(Unfinished { path, identity, _locked: locked }),
            }
        }
        Err(Error::Store { doing: "making", path: above.into(), errno: Errno::EEXIST })
    }

    /// Removes it after an error, which is the one to report.
    pub(crate) fn discard_after_error(self) {
        if let Err(error) = self.discard() {
            output::line(&error.to_string());
        }
    }

    /// Removes it, after a failure.
    ///
    /// # Errors
    /// Why it remains.
    pub(crate) fn discard(self) -> Result<(), subroot::Error> {
        let Unfinished { path, _locked: locked, .. } = self;
        drop(locked);
        subroot::trees::remove(path)
    }
}

fn begin(path: &Path) -> Result<(Flock<OwnedFd>, (u64, u64)), Errno> {
    mkdir(path, Mode::S_IRWXU)?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let dir = open(path, flags, Mode::empty())?;
    let locked = Flock::lock(dir, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)?;
    let (named, opened) = (lstat(path)?, fstat(&*locked)?);
    let identity = (opened.st_dev, opened.st_ino);
    if (named.st_dev, named.st_ino) == identity { Ok((locked, identity)) } else { Err(Errno::ENOENT) }
}

fn is_empty(path: &Path) -> std::io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        // It is replaced only if rename(2) finds it empty.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(true),
        Err(error) => Err(error),
    }
}

/// Joins names without a separator.
trait Concat {
    fn concat_os(self) -> OsString;
}

impl<const N: usize> Concat for [&OsStr; N] {
    fn concat_os(self) -> OsString {
        self.into_iter().collect()
    }
}
