//! A directory of the store, opened. Files in it are found by their names alone, and no symlink is followed.

use crate::error::Error;
use nix::dir::Dir as Entries;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const OPEN_DIR: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
/// A FIFO must not make it wait.
const OPEN_FILE: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_NOFOLLOW).union(OFlag::O_NONBLOCK).union(OFlag::O_CLOEXEC);

/// A directory and its path, which is used in messages and by processes that start in it.
pub(crate) struct Dir {
    pub(crate) fd: OwnedFd,
    pub(crate) path: PathBuf,
}

impl Dir {
    /// A directory below this one.
    ///
    /// # Errors
    /// It does not exist, or is not a directory.
    pub(crate) fn sub(&self, name: impl AsRef<OsStr>) -> Result<Dir, Error> {
        let name = name.as_ref();
        let fd = openat(&self.fd, name, OPEN_DIR, Mode::empty()).map_err(self.failed("opening", name))?;
        Ok(Dir { fd, path: self.path.join(name) })
    }

    /// The same; `None` if it does not exist.
    ///
    /// # Errors
    /// It is not a directory.
    pub(crate) fn sub_if_any(&self, name: impl AsRef<OsStr>) -> Result<Option<Dir>, Error> {
        match self.sub(name) {
            Err(Error::Store { errno: Errno::ENOENT, .. }) => Ok(None),
            found => found.map(Some),
        }
    }

    /// True if there is a directory of this name, which may belong to another ID.
    ///
    /// # Errors
    /// Errors of fstatat(2).
    pub(crate) fn has_dir(&self, name: &str) -> Result<bool, Error> {
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => Ok(false),
            found => {
                let mode = found.map_err(self.failed("examining", name))?.st_mode;
                Ok(mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits())
            }
        }
    }

    /// A directory below this one; it is created if it does not exist.
    ///
    /// # Errors
    /// It cannot be created, or is not a directory.
    pub(crate) fn make(&self, name: impl AsRef<OsStr>) -> Result<Dir, Error> {
        let name = name.as_ref();
        match mkdirat(&self.fd, name, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => self.sub(name),
            Err(errno) => Err(self.failed("making", name)(errno)),
        }
    }

    /// Opens a regular file; `None` if it does not exist.
    ///
    /// # Errors
    /// It is not a regular file, or cannot be opened.
    pub(crate) fn open(&self, name: impl AsRef<OsStr>) -> Result<Option<File>, Error> {
        let name = name.as_ref();
        let file = match openat(&self.fd, name, OPEN_FILE, Mode::empty()) {
            Err(Errno::ENOENT) => return Ok(None),
            opened => opened.map_err(self.failed("opening", name))?,
        };
        let mode = fstat(&file).map_err(self.failed("examining", name))?.st_mode;
        if mode & SFlag::S_IFMT.bits() != SFlag::S_IFREG.bits() {
            return Err(self.damaged(name, "it is not a regular file"));
        }
        Ok(Some(File::from(file)))
    }

    /// The content of a regular file; `None` if it does not exist.
    ///
    /// # Errors
    /// It is not a regular file, is larger than `most`, or cannot be read.
    pub(crate) fn read(&self, name: impl AsRef<OsStr>, most: u64) -> Result<Option<Vec<u8>>, Error> {
        let name = name.as_ref();
        let Some(file) = self.open(name)? else { return Ok(None) };
        let mut content = Vec::new();
        let read = file.take(most.saturating_add(1)).read_to_end(&mut content);
        read.map_err(|error| self.failed_io("reading", name)(error))?;
        if content.len() as u64 > most {
            return Err(self.damaged(name, &format!("it is larger than {most} bytes")));
        }
        Ok(Some(content))
    }

    /// The names of the entries.
    ///
    /// # Errors
    /// Errors of getdents(2).
    pub(crate) fn names(&self) -> Result<Vec<OsString>, Error> {
        let failed = |errno| self.failed("reading", "")(errno);
        let mut entries = Entries::openat(&self.fd, ".", OPEN_DIR, Mode::empty()).map_err(failed)?;
        let names = entries.iter().map(|entry| entry.map(|entry| entry.file_name().to_owned()));
        let is_entry = |name: &OsString| name != "." && name != "..";
        let names = names.map(|name| name.map(|name| OsStr::from_bytes(name.to_bytes()).to_owned()));
        let names: Vec<OsString> = names.collect::<Result<_, _>>().map_err(failed)?;
        Ok(names.into_iter().filter(is_entry).collect())
    }

    /// Puts a file here, or replaces it, at one instant: it is written in `tmp` and on disk before it is renamed.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn replace(&self, tmp: &Dir, name: impl AsRef<OsStr>, content: &[u8]) -> Result<(), Error> {
        let (mut file, fresh) = tmp.new_file()?;
        let written = file.write_all(content).map_err(self.failed_io("writing", name.as_ref()));
        let placed = written.and_then(|()| self.place(tmp, &fresh, &file, name.as_ref()));
        placed.inspect_err(|_| tmp.forget(&fresh))
    }

    /// Gives a complete file of `tmp` its name here, and writes both to the disk.
    ///
    /// # Errors
    /// Errors of fsync(2) and renameat(2).
    pub(crate) fn place(&self, tmp: &Dir, fresh: &OsStr, file: &File, name: &OsStr) -> Result<(), Error> {
        fsync(file).map_err(self.failed("writing", name))?;
        renameat(&tmp.fd, fresh, &self.fd, name).map_err(self.failed("writing", name))?;
        fsync(&self.fd).map_err(self.failed("writing", name))
    }

    /// A new file with a name that no other process uses.
    ///
    /// # Errors
    /// Errors of openat(2).
    pub(crate) fn new_file(&self) -> Result<(File, OsString), Error> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = OsString::from(format!("file-{}-{number}", std::process::id()));
            match openat(&self.fd, name.as_os_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR) {
                // A killed process had this PID.
                Err(Errno::EEXIST) => {}
                opened => return Ok((opened.map_err(self.failed("making", &name))?.into(), name)),
            }
        }
    }

    /// Removes a file. It is not an error if there is none.
    ///
    /// # Errors
    /// Errors of unlinkat(2).
    pub(crate) fn remove(&self, name: impl AsRef<OsStr>) -> Result<(), Error> {
        let name = name.as_ref();
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(self.failed("removing", name)(errno)),
        }
    }

    /// Removes a temporary file after an error, which is the one to report.
    pub(crate) fn forget(&self, name: &OsStr) {
        // Error ignored: the next garbage collection removes it.
        let _ = self.remove(name);
    }

    /// For `map_err`: a step that the kernel refused.
    pub(crate) fn failed(&self, doing: &'static str, name: impl AsRef<OsStr>) -> impl FnOnce(Errno) -> Error {
        let path = self.at(name.as_ref());
        move |errno| Error::Store { doing, path, errno }
    }

    /// The same for an error of std.
    pub(crate) fn failed_io(
        &self,
        doing: &'static str,
        name: impl AsRef<OsStr>,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = self.at(name.as_ref());
        move |error| match error.raw_os_error() {
            Some(number) => Error::Store { doing, path, errno: Errno::from_raw(number) },
            None => Error::Target { doing, path, why: error.to_string() },
        }
    }

    /// A file that is not what it should be.
    pub(crate) fn damaged(&self, name: impl AsRef<OsStr>, why: &str) -> Error {
        Error::Target { doing: "reading", path: self.at(name.as_ref()), why: why.to_owned() }
    }

    fn at(&self, name: &OsStr) -> PathBuf {
        if name.is_empty() { self.path.clone() } else { self.path.join(Path::new(name)) }
    }
}
