//! Removes what an entry replaces or a whiteout deletes, whatever it is.

use crate::apply::lookup::open_name;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

/// Removes a name from a directory, with everything below it. Returns false if it did not exist.
///
/// # Errors
/// Errors of unlinkat(2), and of emptying a directory.
pub(crate) fn remove(dir: &OwnedFd, name: &CStr) -> Result<bool, Errno> {
    match unlinkat(dir, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) => Ok(true),
        Err(Errno::ENOENT) => Ok(false),
        Err(Errno::EISDIR) => remove_dir(dir, name).map(|()| true),
        Err(errno) => Err(errno),
    }
}

fn remove_dir(dir: &OwnedFd, name: &CStr) -> Result<(), Errno> {
    let below = open_name(dir, name)?;
    subroot::trees::empty(&below)
        .map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    unlinkat(dir, name, UnlinkatFlags::RemoveDir)
}

/// The names in a directory.
///
/// # Errors
/// Errors of getdents(2).
pub(crate) fn names(dir: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let again = openat(dir, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let mut entries = Dir::from_fd(again)?;
    let mut names =
        entries.iter().map(|entry| Ok(entry?.file_name().to_owned())).collect::<Result<Vec<_>, Errno>>()?;
    names.retain(|name| name.as_c_str() != c"." && name.as_c_str() != c"..");
    Ok(names)
}

/// True if this name is a whiteout of overlayfs: a character device 0:0.
pub(crate) fn is_whiteout(dir: &OwnedFd, name: &CStr) -> Result<bool, Errno> {
    let found = fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    Ok(found.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFCHR.bits() && found.st_rdev == 0)
}
