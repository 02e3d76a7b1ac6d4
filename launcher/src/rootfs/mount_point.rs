//! Finds mount points below the new root, whatever symlinks a hostile rootfs contains, and creates missing
//! ones.

use crate::failure::{Failure, Step};
use crate::request::mount::Attributes;
use crate::rootfs::attach::{Unattached, attach_with, try_to_attach};
use crate::rootfs::covering::{MissingPoint, PointKind, cover, make_point};
use crate::rootfs::created_mount_points::is_created;
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

/// The new root while it is being built.
pub(crate) struct NewRoot {
    top: OwnedFd,
    /// The filesystems in memory that this launch has made. A missing mount point in them is simply created.
    memory: Vec<dev_t>,
    /// The covering layers. What they have of their own, the rootfs lacks.
    covers: Vec<dev_t>,
    /// The directory of the last mount point, because mount points are often siblings. None after any other
    /// mount.
    last: Option<(PathBuf, OwnedFd)>,
}

impl NewRoot {
    /// Starts with the mount that has this top directory.
    pub(crate) fn new(top: OwnedFd) -> NewRoot {
        NewRoot { top, memory: Vec::new(), covers: Vec::new(), last: None }
    }

    /// Starts with a covering layer.
    pub(crate) fn of_cover(top: OwnedFd) -> NewRoot {
        let mut root = NewRoot::new(top);
        root.covers.extend(fstat(&root.top).map(|stat| stat.st_dev));
        root
    }

    /// The same, if the top directory's filesystem is removed with the sandbox.
    #[must_use]
    pub(crate) fn all_in_memory(mut self) -> NewRoot {
        self.memory.extend(fstat(&self.top).map(|stat| stat.st_dev));
        self
    }

    /// The same, if the filesystems with these devices are also removed with the sandbox.
    #[must_use]
    pub(crate) fn with_memory(mut self, devices: Vec<dev_t>) -> NewRoot {
        self.memory.extend(devices);
        self
    }

    /// The top directory.
    pub(crate) fn top(&self) -> &OwnedFd {
        &self.top
    }

    /// Records that this filesystem is removed with the sandbox.
    pub(crate) fn record_memory(&mut self, mount: &OwnedFd) {
        self.memory.extend(fstat(mount).map(|stat| stat.st_dev));
    }

    /// Opens a path in the new root as a directory or as a file, and creates it if it is missing.
    ///
    /// # Errors
    /// The path exists as the other kind, or its directory cannot be covered.
    pub(crate) fn mount_point(&mut self, path: &Path, is_dir: bool) -> Result<OwnedFd, Failure> {
        // The new mount may cover the cached directory.
        self.last = None;
        let on = |errno| Failure::new(Step::MountPoint, path.as_os_str().as_bytes(), errno);
        let kind = if is_dir { OFlag::O_DIRECTORY } else { OFlag::empty() };
        let mount_point = match open_in_root(&self.top, path, kind) {
            Err(Errno::ENOENT) => {
                self.make(path, PointKind::of(is_dir))?;
                open_in_root(&self.top, path, kind).map_err(on)?
            }
            // The path leads to a file, and not only through one.
            // Error ignored: the first error is returned.
            Err(Errno::ENOTDIR) if self.open(path).is_ok() => {
                return Err(on(Errno::ENOTDIR).with_missing(b"directory"));
            }
            opened => opened.map_err(on)?,
        };
        let is_right_kind = is_dir || file_kind(&fstat(&mount_point).map_err(on)?) != SFlag::S_IFDIR;
        if is_right_kind { Ok(mount_point) } else { Err(on(Errno::EISDIR)) }
    }

    /// Attaches the tree of a directory at a path in the new root, and creates the path if it is missing.
    ///
    /// # Errors
    /// Errors of [`NewRoot::mount_point`], mount_setattr(2) and move_mount(2).
    pub(crate) fn attach_dir(
        &mut self,
        tree: &OwnedFd,
        path: &Path,
        attributes: Attributes,
    ) -> Result<(), Failure> {
        // move_mount(2) does not follow a symlink in this name and only mounts directories on directories, so
        // the name cannot lead anywhere else.
        let name = path.file_name().map(OsStr::as_bytes).and_then(|name| CString::new(name).ok());
        let cached = self.dir_of(path).zip(name);
        let on = Failure::on(Step::Mount, path.as_os_str().as_bytes());
        match cached.map(|(dir, name)| try_to_attach(tree, dir, &name, attributes)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(Unattached::Unprotected(errno))) => return Err(on(errno)),
            // The name may be a symlink, or missing.
            None | Some(Err(Unattached::Refused(_))) => {}
        }
        let mount_point = self.mount_point(path, true)?;
        attach_with(tree, mount_point, c"", attributes).map_err(on)
    }

    fn dir_of(&mut self, path: &Path) -> Option<&OwnedFd> {
        let dir = path.parent().filter(|dir| dir.parent().is_some())?;
        if self.last.as_ref().is_none_or(|(known, _)| known != dir) {
            // Error ignored: the whole path is then looked up, which reports the error.
            let opened = open_in_root(&self.top, dir, OFlag::O_DIRECTORY).ok()?;
            self.last = Some((dir.to_owned(), opened));
        }
        self.last.as_ref().map(|(_, opened)| opened)
    }

    /// True if an existing file is in a filesystem in memory that this launch has made.
    ///
    /// # Errors
    /// Errors of fstat(2).
    pub(crate) fn is_in_memory(&self, file: &OwnedFd) -> Result<bool, Errno> {
        Ok(self.memory.contains(&fstat(file)?.st_dev))
    }

    /// True if a directory was only created as a mount point for this run, or for another one.
    ///
    /// # Errors
    /// Errors of fstat(2).
    pub(crate) fn is_stand_in(&self, dir: &OwnedFd) -> Result<bool, Errno> {
        Ok(is_created(dir)? || self.covers.contains(&fstat(dir)?.st_dev))
    }

    /// Opens an existing path in the new root. A symlink at its end is opened itself.
    ///
    /// # Errors
    /// Errors of openat2(2).
    pub(crate) fn open_itself(&self, path: &Path) -> Result<OwnedFd, Errno> {
        open_in_root(&self.top, path, OFlag::O_NOFOLLOW)
    }

    /// Opens an existing path in the new root.
    ///
    /// # Errors
    /// Errors of openat2(2).
    pub(crate) fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        open_in_root(&self.top, path, OFlag::empty())
    }

    /// Creates a missing path, in memory: the directory that lacks it is covered if need be.
    ///
    /// # Errors
    /// The directory that cannot be covered, or the name that cannot be created.
    pub(crate) fn make(&mut self, path: &Path, kind: PointKind) -> Result<(), Failure> {
        // A covering layer may cover the cached directory.
        self.last = None;
        let on = |errno| Failure::new(Step::MountPoint, path.as_os_str().as_bytes(), errno);
        let Walk::Missing(parent, names) = walk(&self.top, path, |_, _, _| false).map_err(on)? else {
            return Err(on(Errno::ENOENT));
        };
        let point = MissingPoint { names, kind };
        let dir = parent.as_ref().unwrap_or(&self.top);
        if self.memory.contains(&fstat(dir).map_err(on)?.st_dev) {
            match make_point(dir, &point).map_err(|failure| at(path, failure)) {
                // The root is read-only, or the directory below an overlay belongs to an ID that is not mapped.
                Err(failure) if [Errno::EROFS, Errno::EACCES, Errno::EPERM].contains(&failure.errno) => {}
                made => return made,
            }
        }
        let covered = cover(dir, &[point]).map_err(|failure| at(path, failure))?;
        self.covers.push(fstat(&covered).map_err(on)?.st_dev);
        if parent.is_none() {
            self.top = covered;
        }
        Ok(())
    }
}

/// A failure with a mount point whose names were relative to a directory of the root.
fn at(path: &Path, failure: Failure) -> Failure {
    match failure.step {
        Step::MountPoint => Failure::new(Step::MountPoint, path.as_os_str().as_bytes(), failure.errno),
        _ => failure,
    }
}
