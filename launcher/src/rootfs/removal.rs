//! Empties a directory whose content may be hostile: uses descriptors, follows no symlinks, and does not
//! enter mounts.

use crate::sys::Outcome;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::CString;
use std::os::fd::OwnedFd;

pub(crate) const READ: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
/// Resolve one name in the directory itself. A mount there belongs to another process (EXDEV).
pub(crate) const WITHIN: ResolveFlag =
    ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_SYMLINKS).union(ResolveFlag::RESOLVE_NO_XDEV);

/// Removes everything in a directory. To empty a subdirectory, its own subdirectories are first moved to the
/// top, so that deep nesting takes no more descriptors or memory.
///
/// # Errors
/// Errors of openat2(2), getdents(2), renameat(2) and unlinkat(2), such as EXDEV for a directory with a mount
/// on it.
pub(crate) fn empty(top: &OwnedFd) -> Outcome<()> {
    let mut moved = 0;
    loop {
        let dirs = unlink_files(top)?;
        if dirs.is_empty() {
            return Ok(());
        }
        for name in dirs {
            let dir = openat2(top, name.as_c_str(), OpenHow::new().flags(READ).resolve(WITHIN))?;
            for inner in unlink_files(&dir)? {
                move_up(&dir, &inner, top, &mut moved)?;
            }
            unlinkat(top, name.as_c_str(), UnlinkatFlags::RemoveDir)?;
        }
    }
}

/// Removes everything except directories, and returns the names of those.
fn unlink_files(dir: &OwnedFd) -> Outcome<Vec<CString>> {
    let mut dirs = Vec::new();
    let mut entries = Dir::from_fd(openat(dir, ".", READ, Mode::empty())?)?;
    for entry in entries.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        match unlinkat(dir, name, UnlinkatFlags::NoRemoveDir) {
            Err(Errno::EISDIR) => dirs.push(name.to_owned()),
            unlinked => unlinked?,
        }
    }
    Ok(dirs)
}

/// Moves a directory to the top, under the first number that is unused or names an empty directory, which it
/// replaces.
fn move_up(dir: &OwnedFd, name: &CString, top: &OwnedFd, moved: &mut u64) -> Outcome<()> {
    loop {
        *moved += 1;
        match renameat(dir, name.as_c_str(), top, moved.to_string().as_str()) {
            Err(Errno::EEXIST | Errno::ENOTEMPTY | Errno::ENOTDIR) => {}
            moved => return moved,
        }
    }
}
