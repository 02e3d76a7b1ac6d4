//! The files of a layout: in a directory, or in an archive. Only regular files are read, and no symlink leads out.

use crate::error::Error;
use crate::source::members::Members;
use crate::source::section::Section;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

/// Where the files are.
#[derive(Debug)]
pub(crate) enum Files {
    /// The directory.
    Dir(OwnedFd),
    Archive(Members),
    /// A registry, of which only the documents are files.
    Remote(Box<dyn Remote>),
}

/// Documents that are elsewhere.
pub(crate) trait Remote: std::fmt::Debug + Send + Sync {
    /// The content of the document of this name and size. At most one byte more is read.
    ///
    /// # Errors
    /// There is none, or it is too large.
    fn document(&self, name: &str, size: u64) -> Result<Vec<u8>, Error>;
}

impl Files {
    /// The files in a directory, which may be reached through symlinks.
    ///
    /// # Errors
    /// Errors of open(2).
    pub(crate) fn in_dir(path: &Path) -> Result<Files, Error> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let dir = open(path, flags, Mode::empty());
        dir.map(Files::Dir).map_err(|errno| Error::Open { path: path.into(), error: errno.into() })
    }

    /// The file of this name; `None` if there is none.
    ///
    /// # Errors
    /// It is not a regular file, or cannot be opened.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Section>, Error> {
        match self {
            Files::Dir(dir) => match open_regular(dir, name) {
                Err(Errno::ENOENT) => Ok(None),
                found => found.map(Some).map_err(|errno| Error::image(name, reason(errno))),
            },
            Files::Archive(members) => members.find(name),
            Files::Remote(_) => Err(Error::image(name, "it is in a registry")),
        }
    }

    /// The file of this name.
    ///
    /// # Errors
    /// Errors of [`Files::find`]; there is none.
    pub(crate) fn open(&self, name: &str) -> Result<Section, Error> {
        self.find(name)?.ok_or_else(|| Error::image(name, "it is missing"))
    }

    /// The content of a file of at most `most` bytes.
    ///
    /// # Errors
    /// Errors of [`Files::open`]; it is too large.
    pub(crate) fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, Error> {
        let section = self.open(name)?;
        section.bytes(most).map_err(|error| Error::image(name, crate::error::reason(&error)))
    }
}

/// A fifo must not make the open wait, and a symlink could lead to any file that the caller can read.
fn open_regular(dir: &OwnedFd, name: &str) -> Result<Section, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let limits = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
    let file = File::from(openat2(dir, name, OpenHow::new().flags(flags).resolve(limits))?);
    let found = file.metadata().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
    if !found.is_file() {
        return Err(Errno::ENOTSUP);
    }
    Ok(Section::new(Arc::new(file), 0, found.len()))
}

/// The words of an error of [`open_regular`].
fn reason(errno: Errno) -> String {
    match errno {
        Errno::ELOOP => "it is a symlink, or reached through one".into(),
        Errno::ENOTSUP => "it is not a regular file".into(),
        errno => crate::error::errno_text(errno),
    }
}
