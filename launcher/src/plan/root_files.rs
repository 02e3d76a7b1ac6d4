//! Reads files of the new root from outside, before the launch. With `--overlay=DIR`, the changes kept in DIR
//! come before the rootfs.

use crate::error::Error;
use crate::failure::reason;
use crate::plan::root::is_created_file;
use crate::request::mount::{Content, Mount};
use crate::request::root::{Overlay, Root};
use crate::request::sandbox::Sandbox;
use crate::sys;
use crate::sys::files::{file_kind, has_attribute};
use crate::sys::legacy_mount::descriptor;
use crate::sys::lookup::{READ_FILE, open_file_in_root, open_in_root, open_top};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Larger than any file that is read here, in bytes. A sparse file can be of any size.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The files of the new root.
pub(crate) struct RootFiles<'m> {
    /// The upper layer first.
    layers: Vec<OwnedFd>,
    /// The requested mounts.
    mounts: &'m [Mount],
}

/// What is at a path in the root.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// Nothing, or a symlink to nothing.
    Missing,
    /// A regular file.
    File(T),
    /// Anything else, such as a directory or a pipe.
    Other,
}

impl<'m> RootFiles<'m> {
    /// Opens the directories that become the root.
    ///
    /// # Errors
    /// Errors of open(2).
    pub(crate) fn open(sandbox: &Sandbox, mounts: &'m [Mount]) -> Result<RootFiles<'m>, Errno> {
        let mut layers = Vec::new();
        if let Some(Overlay::Kept(dir)) = &sandbox.overlay {
            match open_top(&dir.join("upper")) {
                // The first launch creates it.
                Err(Errno::ENOENT) => {}
                upper => layers.push(upper?),
            }
        }
        match &sandbox.root {
            Root::Dir(dir) => layers.push(open_top(dir)?),
            Root::Image(image) => {
                for layer in &image.layers {
                    layers.push(open_top(&layer.path)?);
                }
            }
            Root::Host | Root::Unchanged => layers.push(open_top(Path::new("/"))?),
            Root::Empty => {}
        }
        Ok(RootFiles { layers, mounts })
    }

    /// True if a requested mount is at this path or above it. The file is then what the caller wants.
    pub(crate) fn is_requested(&self, path: &str) -> bool {
        self.mount_over(path).is_some()
    }

    fn mount_over(&self, path: &str) -> Option<&Mount> {
        // A directory that is only made has nothing in it, or is the root's own.
        let is_mounted = |mount: &&Mount| !matches!(mount.content, Content::Directory(_));
        let mounted = self.mounts.iter().filter(is_mounted);
        let covering = mounted.filter(|mount| Path::new(path).starts_with(&mount.target));
        covering.max_by_key(|mount| mount.target.as_os_str().len())
    }

    /// Reads a file, also one of the host that is bound there.
    ///
    /// # Errors
    /// ELOOP for a magic link, EFBIG for a file that is too large, and errors of openat2(2) and read(2).
    pub(crate) fn read(&self, path: &str) -> Result<Found<Vec<u8>>, Errno> {
        let found = match self.mount_over(path).map(|mount| (&mount.content, &mount.target)) {
            None => self.find_readable(path),
            Some((Content::Bind(bind), target)) => open_bound(&bind.source, path, target).and_then(examined),
            Some((Content::File { content, .. }, _)) => return Ok(Found::File(content.clone())),
            Some(_) => Ok(Found::Missing),
        };
        match found? {
            Found::File((file, stat)) => read_whole(file, &stat).map(Found::File),
            Found::Missing => Ok(Found::Missing),
            Found::Other => Ok(Found::Other),
        }
    }

    /// The size of a file, which need not be readable.
    ///
    /// # Errors
    /// Errors of openat2(2).
    pub(crate) fn size(&self, path: &str) -> Result<Found<u64>, Errno> {
        Ok(match self.find(path, |layer| open_in_root(layer, Path::new(path), OFlag::empty()))? {
            Found::File((_, stat)) => Found::File(stat.st_size.unsigned_abs()),
            Found::Missing => Found::Missing,
            Found::Other => Found::Other,
        })
    }

    /// Finds a file to read. A mount point that another run has created, or left when it was killed, is nothing
    /// of the root's. It denies access to its owner.
    fn find_readable(&self, path: &str) -> Result<Found<(OwnedFd, FileStat)>, Errno> {
        match self.find(path, |layer| open_file_in_root(layer, Path::new(path))) {
            Err(Errno::EACCES) if self.is_created(path)? => Ok(Found::Missing),
            found => found,
        }
    }

    fn is_created(&self, path: &str) -> Result<bool, Errno> {
        Ok(match self.find(path, |layer| open_in_root(layer, Path::new(path), OFlag::empty()))? {
            Found::File((_, stat)) => is_created_file(&stat),
            Found::Missing | Found::Other => false,
        })
    }

    fn find(
        &self,
        path: &str,
        open: impl Fn(&OwnedFd) -> Result<OwnedFd, Errno>,
    ) -> Result<Found<(OwnedFd, FileStat)>, Errno> {
        let is_layered = self.layers.len() > 1;
        for layer in &self.layers {
            let file = match open(layer) {
                Err(Errno::ENOENT) if is_layered && hides_lower(layer, path)? => return Ok(Found::Missing),
                Err(Errno::ENOENT) => continue,
                // A removed file: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
                Err(Errno::ENXIO) if is_layered => return Ok(Found::Missing),
                // ENXIO is for a socket, or a device without a driver.
                Err(Errno::ENXIO | Errno::ENOTDIR) => return Ok(Found::Other),
                file => file?,
            };
            return examined(file);
        }
        Ok(Found::Missing)
    }
}

/// True if the directory of a path is in this layer and hides those of the lower layers.
fn hides_lower(layer: &OwnedFd, path: &str) -> Result<bool, Errno> {
    let dir = Path::new(path).parent().unwrap_or(Path::new("/"));
    match open_in_root(layer, dir, OFlag::O_DIRECTORY) {
        Ok(dir) => has_attribute(&descriptor(&dir), c"user.overlay.opaque"),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn examined(file: OwnedFd) -> Result<Found<(OwnedFd, FileStat)>, Errno> {
    let stat = fstat(&file)?;
    Ok(match file_kind(&stat) {
        SFlag::S_IFREG => Found::File((file, stat)),
        SFlag::S_IFCHR if stat.st_rdev == 0 => Found::Missing,
        _ => Found::Other,
    })
}

/// Opens a file that is bound at `path`, or below a bound directory.
fn open_bound(source: &Path, path: &str, target: &Path) -> Result<OwnedFd, Errno> {
    let below = Path::new(path).strip_prefix(target).ok().unwrap_or(Path::new(""));
    if below.as_os_str().is_empty() {
        return open(source, READ_FILE, Mode::empty());
    }
    open_file_in_root(&open_top(source)?, below)
}

/// True for an error that the content of a root can cause: it denies access, leads nowhere, or is too large.
/// Such a file stays unchanged, with a warning; any other error refuses the launch.
pub(crate) fn is_of_content(errno: Errno) -> bool {
    matches!(errno, Errno::EACCES | Errno::ELOOP | Errno::EFBIG | Errno::ENAMETOOLONG)
}

/// The error for a file that cannot be read for another reason.
pub(crate) fn unreadable(path: &str, errno: Errno) -> Error {
    Error::Unreadable { file: path.into(), why: reason(errno) }
}

/// Reads a file to its end. A file that does not grow needs one read(2).
fn read_whole(file: OwnedFd, stat: &FileStat) -> Result<Vec<u8>, Errno> {
    let size = stat.st_size.unsigned_abs();
    if size > LARGEST {
        return Err(Errno::EFBIG);
    }
    let mut text = Vec::with_capacity(usize::try_from(size).map_err(|_| Errno::EFBIG)?);
    sys::outcome_of(File::from(file).take(size).read_to_end(&mut text))?;
    Ok(text)
}
