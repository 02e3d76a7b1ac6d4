//! Where something is mounted: found below the new root, whatever symlinks a hostile rootfs has, and made where it is missing.

use crate::failure::{Failure, Step};
use crate::request::mount::Attributes;
use crate::rootfs::attach::{Unattached, attach_with, try_to_attach};
use crate::rootfs::covering::{MissingPoint, cover, make_point};
use crate::sys::files::file_kind;
use crate::sys::lookup::{Walk, open_in_root, walk};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::dev_t;
use nix::sys::stat::{SFlag, fstat};
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The new root while it is furnished.
pub(crate) struct NewRoot {
    top: OwnedFd,
    /// The file systems in memory that this launch has made, in which a missing mount point is simply made.
    memory: Vec<dev_t>,
    /// The directory in which the last mount point was, as mount points often lie side by side; none once something else was mounted.
    last: Option<(PathBuf, OwnedFd)>,
}

impl NewRoot {
    /// Furnishes the mount whose top directory this is.
    pub(crate) fn new(top: OwnedFd) -> NewRoot {
        NewRoot { top, memory: Vec::new(), last: None }
    }

    /// The same, with everything on its file system going with the sandbox.
    #[must_use]
    pub(crate) fn all_in_memory(mut self) -> NewRoot {
        self.memory.extend(fstat(&self.top).map(|stat| stat.st_dev));
        self
    }

    /// The top directory.
    pub(crate) fn top(&self) -> &OwnedFd {
        &self.top
    }

    /// Remembers that everything on this file system goes with the sandbox.
    pub(crate) fn record_memory(&mut self, mount: &OwnedFd) {
        self.memory.extend(fstat(mount).map(|stat| stat.st_dev));
    }

    /// Opens a path inside, as a directory or as a file; makes it where it is missing.
    ///
    /// # Errors
    /// Something of the other kind there, and a directory that cannot be covered.
    pub(crate) fn mount_point(&mut self, path: &Path, is_dir: bool) -> Result<OwnedFd, Failure> {
        // What is mounted there may cover it.
        self.last = None;
        let on = |errno| Failure::new(Step::MountPoint, path.as_os_str().as_bytes(), errno);
        let kind = if is_dir { OFlag::O_DIRECTORY } else { OFlag::empty() };
        let mount_point = match open_in_root(&self.top, path, kind) {
            Err(Errno::ENOENT) => {
                self.make(path, is_dir)?;
                open_in_root(&self.top, path, kind).map_err(on)?
            }
            opened => opened.map_err(on)?,
        };
        let is_file = is_dir || file_kind(&fstat(&mount_point).map_err(on)?) != SFlag::S_IFDIR;
        if is_file { Ok(mount_point) } else { Err(on(Errno::EISDIR)) }
    }

    /// Attaches the tree of a directory at a path inside; makes the path where it is missing.
    ///
    /// # Errors
    /// Those of [`NewRoot::place`], mount_setattr(2) and move_mount(2).
    pub(crate) fn attach_dir(
        &mut self,
        tree: &OwnedFd,
        path: &Path,
        attributes: Attributes,
    ) -> Result<(), Failure> {
        // move_mount(2) follows no symlink in this name, so that it leads nowhere but into that directory, and takes a directory alone.
        let name = path.file_name().map(OsStr::as_bytes).and_then(|name| CString::new(name).ok());
        let beside = self.dir_of(path).zip(name);
        let on = Failure::on(Step::Mount, path.as_os_str().as_bytes());
        match beside.map(|(dir, name)| try_to_attach(tree, dir, &name, attributes)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(Unattached::Unprotected(errno))) => return Err(on(errno)),
            // It may be a symlink, or missing.
            None | Some(Err(Unattached::Refused(_))) => {}
        }
        let mount_point = self.mount_point(path, true)?;
        attach_with(tree, mount_point, c"", attributes).map_err(on)
    }

    fn dir_of(&mut self, path: &Path) -> Option<&OwnedFd> {
        let dir = path.parent().filter(|dir| dir.parent().is_some())?;
        if self.last.as_ref().is_none_or(|(known, _)| known != dir) {
            // Error ignored: the whole path is then looked up, which says why.
            let opened = open_in_root(&self.top, dir, OFlag::O_DIRECTORY).ok()?;
            self.last = Some((dir.to_owned(), opened));
        }
        self.last.as_ref().map(|(_, opened)| opened)
    }

    /// Opens what is there.
    ///
    /// # Errors
    /// Those of openat2(2).
    pub(crate) fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        open_in_root(&self.top, path, OFlag::empty())
    }

    fn make(&mut self, path: &Path, is_dir: bool) -> Result<(), Failure> {
        let on = |errno| Failure::new(Step::MountPoint, path.as_os_str().as_bytes(), errno);
        let Walk::Missing(parent, names) = walk(&self.top, path, |_, _| false).map_err(on)? else {
            return Err(on(Errno::ENOENT));
        };
        let point = MissingPoint { names, is_dir };
        let dir = parent.as_ref().unwrap_or(&self.top);
        if self.memory.contains(&fstat(dir).map_err(on)?.st_dev) {
            return make_point(dir, &point);
        }
        let covered = cover(dir, &[point])?;
        if parent.is_none() {
            self.top = covered;
        }
        Ok(())
    }
}
