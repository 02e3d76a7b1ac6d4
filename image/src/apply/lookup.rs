//! Finds the directory in which an entry is made, by openat2(2) with the root as its limit: a symlink of an
//! earlier entry leads to a place in the root, as it will in the running system, and never out of it.

use crate::apply::path::InnerPath;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, fstat, mkdirat};
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

const IN_ROOT: ResolveFlag = ResolveFlag::RESOLVE_IN_ROOT
    .union(ResolveFlag::RESOLVE_NO_MAGICLINKS)
    .union(ResolveFlag::RESOLVE_NO_XDEV);
const DIR: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);
/// The number of attempts: openat2(2) returns EAGAIN if something was renamed during the lookup.
const TRIES: u32 = 64;

/// A directory that was found.
#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) dir: OwnedFd,
    /// The group that files in it get; `None` for the process's own.
    pub(crate) inherited_group: Option<u32>,
}

/// The root, and the directory that was found last.
pub(crate) struct Lookup {
    root: OwnedFd,
    last: Option<(InnerPath, Rc<Parent>)>,
}

impl Lookup {
    pub(crate) fn new(root: OwnedFd) -> Lookup {
        Lookup { root, last: None }
    }

    pub(crate) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Must be called after something was removed: the last directory may have been reached through it.
    pub(crate) fn forget(&mut self) {
        self.last = None;
    }

    /// Finds a directory, and makes those that are missing, with mode 755.
    ///
    /// # Errors
    /// Errors of openat2(2) and mkdirat(2).
    pub(crate) fn parent(&mut self, path: &InnerPath) -> Result<Rc<Parent>, Errno> {
        if let Some((last, parent)) = &self.last {
            if last == path {
                return Ok(Rc::clone(parent));
            }
        }
        let dir = match open_in(&self.root, path.relative(), DIR) {
            Err(Errno::ENOENT) => self.make(path)?,
            dir => dir?,
        };
        let found = fstat(&dir)?;
        // S_ISGID.
        let inherited_group = (found.st_mode & 0o2000 != 0).then_some(found.st_gid);
        let parent = Rc::new(Parent { dir, inherited_group });
        self.last = Some((path.clone(), Rc::clone(&parent)));
        Ok(parent)
    }

    /// Finds a directory that must exist.
    ///
    /// # Errors
    /// Errors of openat2(2).
    pub(crate) fn find(&self, path: &InnerPath) -> Result<OwnedFd, Errno> {
        open_in(&self.root, path.relative(), DIR)
    }

    /// Opens a directory itself, not one that a symlink of this name leads to.
    ///
    /// # Errors
    /// Errors of openat2(2).
    pub(crate) fn open_dir(&self, path: &InnerPath) -> Result<OwnedFd, Errno> {
        open_in(&self.root, path.relative(), DIR | OFlag::O_NOFOLLOW)
    }

    fn make(&self, path: &InnerPath) -> Result<OwnedFd, Errno> {
        let mut dir = open_in(&self.root, Path::new("."), DIR)?;
        for ancestor in path.with_ancestors() {
            let ancestor = InnerPath::of(ancestor).map_err(|_| Errno::EINVAL)?;
            dir = match open_in(&self.root, ancestor.relative(), DIR) {
                Err(Errno::ENOENT) => {
                    let (_, name) = ancestor.split().ok_or(Errno::EINVAL)?;
                    make_dir(&dir, &name, 0o755)?
                }
                dir => dir?,
            };
        }
        Ok(dir)
    }
}

/// Makes a directory and opens it.
///
/// # Errors
/// Errors of mkdirat(2) and openat2(2).
pub(crate) fn make_dir(dir: impl AsFd, name: &CStr, mode: u32) -> Result<OwnedFd, Errno> {
    mkdirat(&dir, name, Mode::from_bits_truncate(mode))?;
    open_name(dir, name)
}

/// Opens a directory by its name in another one, without following a symlink.
///
/// # Errors
/// Errors of openat2(2).
pub(crate) fn open_name(dir: impl AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlag::RESOLVE_BENEATH
        .union(ResolveFlag::RESOLVE_NO_SYMLINKS)
        .union(ResolveFlag::RESOLVE_NO_XDEV);
    openat2(dir, name, OpenHow::new().flags(DIR).resolve(resolve))
}

fn open_in(root: &OwnedFd, path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    let mut opened = Err(Errno::EAGAIN);
    for _ in 0..TRIES {
        opened = openat2(root, path, OpenHow::new().flags(flags).resolve(IN_ROOT));
        if opened.as_ref().err() != Some(&Errno::EAGAIN) {
            break;
        }
    }
    opened
}
