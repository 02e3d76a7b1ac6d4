//! Looks up a path in the layers of a root as overlayfs merges them:
//! Documentation/filesystems/overlayfs.rst.

use crate::sys::files::{file_kind, has_attribute};
use crate::sys::legacy_mount::descriptor;
use crate::sys::lookup::{LOOK, MAX_LINKS, follow, open_beneath, parts};
use nix::errno::Errno;
use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::{FileStat, SFlag, fstat};
use std::collections::VecDeque;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The attribute of a directory that hides those of the lower layers.
pub(crate) const OPAQUE: &CStr = c"user.overlay.opaque";

enum Entry {
    /// A directory: that of each layer, the upper one first.
    Directory(Vec<OwnedFd>),
    /// Anything else.
    Other(OwnedFd, FileStat),
}

/// The metadata of what is not a directory. Symlinks do not lead out of the root.
///
/// # Errors
/// EISDIR for a directory, and the errors of path_resolution(7).
pub(crate) fn look(layers: &[OwnedFd], path: &Path) -> Result<FileStat, Errno> {
    let mut dirs: Vec<Vec<OwnedFd>> = Vec::new();
    let mut names: VecDeque<OsString> = parts(path.as_os_str()).collect();
    let mut links = 0;
    while let Some(name) = names.pop_front() {
        if name == ".." {
            dirs.pop();
            continue;
        }
        match entry(dirs.last().map_or(layers, Vec::as_slice), &name)? {
            Entry::Directory(found) => dirs.push(found),
            Entry::Other(link, stat) if file_kind(&stat) == SFlag::S_IFLNK && links < MAX_LINKS => {
                links += 1;
                follow(&readlinkat(&link, "")?, &mut dirs, &mut names);
            }
            Entry::Other(_, stat) if file_kind(&stat) == SFlag::S_IFLNK => return Err(Errno::ELOOP),
            Entry::Other(_, stat) if names.is_empty() => return Ok(stat),
            Entry::Other(..) => return Err(Errno::ENOTDIR),
        }
    }
    Err(Errno::EISDIR)
}

/// What has this name in a directory, which is merged of these.
fn entry(dirs: &[OwnedFd], name: &OsStr) -> Result<Entry, Errno> {
    let name = CString::new(name.as_bytes()).map_err(|_| Errno::EINVAL)?;
    let mut merged = Vec::new();
    for dir in dirs {
        let found = match open_beneath(dir, &name, LOOK | OFlag::O_NOFOLLOW) {
            Err(Errno::ENOENT) => continue,
            found => found?,
        };
        let stat = fstat(&found)?;
        if file_kind(&stat) != SFlag::S_IFDIR {
            if merged.is_empty() && !is_whiteout(&stat) {
                return Ok(Entry::Other(found, stat));
            }
            break;
        }
        let is_opaque = has_attribute(&descriptor(&found), OPAQUE)?;
        merged.push(found);
        if is_opaque {
            break;
        }
    }
    if merged.is_empty() { Err(Errno::ENOENT) } else { Ok(Entry::Directory(merged)) }
}

/// True for a file that stands for a deleted one.
pub(crate) fn is_whiteout(stat: &FileStat) -> bool {
    file_kind(stat) == SFlag::S_IFCHR && stat.st_rdev == 0
}
