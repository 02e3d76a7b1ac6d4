//! Reads files of the new root from outside, before the launch. With `--overlay=DIR`, the changes kept in DIR
//! come before the rootfs.

mod merged;

use crate::error::Error;
use crate::failure::reason;
use crate::plan::root::is_created_file;
use crate::plan::root_files::merged::{OPAQUE, is_whiteout};
use crate::request::mount::{Content, Mount};
use crate::request::root::{Overlay, Root};
use crate::request::sandbox::Sandbox;
use crate::sys;
use crate::sys::files::{file_kind, has_attribute};
use crate::sys::legacy_mount::descriptor;
use crate::sys::lookup::{
    LOOK, READ_FILE, Walk, look_in, open_as_root, open_in_root, open_top, open_without_symlink, walk,
};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use std::cell::Cell;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Larger than any file that is read here, in bytes. A sparse file can be of any size.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The directories that have the kernel's own files inside. Some of those block, and others lead out of the root.
const OF_KERNEL: [&str; 3] = ["proc", "sys", "dev"];

/// The files of the new root.
pub(crate) struct RootFiles<'m> {
    /// The upper layer first.
    layers: Vec<OwnedFd>,
    /// The requested mounts.
    mounts: &'m [Mount],
}

/// Why [`Found::Other`] is not used.
pub(crate) const NO_FILE: &str = "is not a regular file";

/// What is at a path in the root.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// Nothing, or a symlink to nothing.
    Missing,
    /// A regular file.
    File(T),
    /// Anything else, such as a directory, a pipe, a loop of symlinks, or a symlink to a file of the kernel.
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
    /// EFBIG for a file that is too large, and errors of openat2(2) and read(2).
    pub(crate) fn read(&self, path: &str) -> Result<Found<Vec<u8>>, Errno> {
        let found = match self.mount_over(path).map(|mount| (&mount.content, &mount.target)) {
            None => self.find_readable(path),
            Some((Content::Bind(bind), target)) => {
                found(open_bound(&bind.source, path, target)).map(|found| found.unwrap_or(Found::Missing))
            }
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
        Ok(match self.find(path, LOOK)? {
            Found::File((_, stat)) => Found::File(stat.st_size.unsigned_abs()),
            Found::Missing => Found::Missing,
            Found::Other => Found::Other,
        })
    }

    /// True if the root has this file, which need not be readable.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        let found = match self.layers.as_slice() {
            [layer] => open_in_root(layer, Path::new(path), OFlag::empty()).and_then(fstat),
            layers => merged::look(layers, Path::new(path)),
        };
        // Error ignored: a file that cannot be looked up counts as missing.
        found.is_ok_and(|stat| file_kind(&stat) == SFlag::S_IFREG)
    }

    /// Finds a file to read. A mount point that another run has created, or left when it was killed, is nothing
    /// of the root's. It denies access to its owner.
    fn find_readable(&self, path: &str) -> Result<Found<(OwnedFd, FileStat)>, Errno> {
        match self.find(path, READ_FILE) {
            Err(Errno::EACCES) => match self.find(path, LOOK)? {
                Found::File((_, stat)) if !is_created_file(&stat) => Err(Errno::EACCES),
                Found::File(_) | Found::Missing => Ok(Found::Missing),
                Found::Other => Ok(Found::Other),
            },
            found => found,
        }
    }

    /// Opens a path in the first layer that has it.
    fn find(&self, path: &str, flags: OFlag) -> Result<Found<(OwnedFd, FileStat)>, Errno> {
        let is_layered = self.layers.len() > 1;
        for layer in &self.layers {
            let opened = match open_without_symlink(layer, Path::new(path), flags) {
                Err(Errno::ELOOP) if leads_to_kernel(layer, Path::new(path))? => return Ok(Found::Other),
                Err(Errno::ELOOP) => open_as_root(layer, Path::new(path), flags),
                opened => opened,
            };
            // A removed file: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
            // Error ignored: it counts as missing.
            if is_layered && opened.as_ref().err() == Some(&Errno::ENXIO) {
                return Ok(Found::Missing);
            }
            match found(opened)? {
                Some(found) => return Ok(found),
                None if is_layered && hides_lower(layer, path)? => return Ok(Found::Missing),
                None => {}
            }
        }
        Ok(Found::Missing)
    }
}

/// What an attempt to open a path has found; `None` if nothing is there.
fn found(opened: Result<OwnedFd, Errno>) -> Result<Option<Found<(OwnedFd, FileStat)>>, Errno> {
    match opened {
        Err(Errno::ENOENT) => Ok(None),
        // ENXIO is for a socket, or a device without a driver.
        Err(Errno::ENXIO | Errno::ENOTDIR | Errno::ELOOP) => Ok(Some(Found::Other)),
        opened => examined(opened?).map(Some),
    }
}

/// True if a symlink leads the path into a directory that has the kernel's files inside.
fn leads_to_kernel(layer: &OwnedFd, path: &Path) -> Result<bool, Errno> {
    // Error ignored: what cannot be examined here cannot be walked either.
    let of_kernel = OF_KERNEL.map(|name| look_in(layer, Path::new(name)).ok());
    let is_same = |one: &FileStat, two: &FileStat| (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino);
    let was_there = Cell::new(false);
    let walked = walk(layer, path, |_, stat, _| {
        was_there.set(was_there.get() || of_kernel.iter().flatten().any(|known| is_same(known, stat)));
        false
    });
    match walked {
        Ok(Walk::Missing(None, names)) => {
            Ok(was_there.get()
                || OF_KERNEL.iter().any(|name| names.first().is_some_and(|first| first == name)))
        }
        Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EACCES) => Ok(was_there.get()),
        Err(errno) => Err(errno),
    }
}

/// True if the directory of a path is in this layer and hides those of the lower layers.
fn hides_lower(layer: &OwnedFd, path: &str) -> Result<bool, Errno> {
    let dir = Path::new(path).parent().unwrap_or(Path::new("/"));
    match open_in_root(layer, dir, OFlag::O_DIRECTORY) {
        Ok(dir) => has_attribute(&descriptor(&dir), OPAQUE),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn examined(file: OwnedFd) -> Result<Found<(OwnedFd, FileStat)>, Errno> {
    let stat = fstat(&file)?;
    Ok(match file_kind(&stat) {
        SFlag::S_IFREG => Found::File((file, stat)),
        SFlag::S_IFCHR if is_whiteout(&stat) => Found::Missing,
        _ => Found::Other,
    })
}

/// Opens a file that is bound at `path`, or below a bound directory.
fn open_bound(source: &Path, path: &str, target: &Path) -> Result<OwnedFd, Errno> {
    let below = Path::new(path).strip_prefix(target).ok().unwrap_or(Path::new(""));
    if below.as_os_str().is_empty() {
        return open(source, READ_FILE, Mode::empty());
    }
    open_as_root(&open_top(source)?, below, READ_FILE)
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
