//! Makes the requested directories and symbolic links in the new root, in memory: nothing is created in the
//! rootfs itself, except a mount point for the run.

use crate::failure::{Failure, Step};
use crate::plan::root::PlannedMount;
use crate::request::mount::{Attributes, Content};
use crate::rootfs::attach::attach_with;
use crate::rootfs::covering::{MissingPoint, PointKind, names_of};
use crate::rootfs::mount_point::NewRoot;
use crate::sys;
use crate::sys::files::file_kind;
use nix::errno::Errno;
use nix::fcntl::readlinkat;
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, fstat};
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// What is created on the root itself for a directory or symbolic link; none for all other mounts.
pub(crate) fn point(planned: &PlannedMount) -> Option<MissingPoint> {
    let mount = Some(&planned.mount).filter(|_| planned.on.is_none())?;
    let kind = match &mount.content {
        Content::Directory(mode) => PointKind::Dir(Mode::from_bits_truncate(*mode)),
        // The plan has refused a text with a NUL byte.
        Content::Symlink(text) => PointKind::Symlink(CString::new(text.as_os_str().as_bytes()).ok()?),
        _ => return None,
    };
    Some(MissingPoint { names: names_of(&mount.target), kind })
}

/// Makes a directory with this mode, unless the path leads to one. If it is not in memory anyway, a
/// filesystem in memory is mounted for it.
///
/// # Errors
/// The path leads to something else, or the directory cannot be made.
pub(crate) fn make_directory(
    root: &mut NewRoot,
    path: &Path,
    mode: u32,
    attributes: Attributes,
) -> Result<(), Failure> {
    let on = |errno| Failure::new(Step::MakeDirectory, path.as_os_str().as_bytes(), errno);
    if has_directory(root, path).map_err(on)? {
        return Ok(());
    }
    let made = root.mount_point(path, true)?;
    if root.is_in_memory(&made).map_err(on)? {
        let mode = Mode::from_bits_truncate(mode);
        return fchmodat(&made, ".", mode, FchmodatFlags::FollowSymlink).map_err(on);
    }
    let options = [("mode".to_owned(), Some(format!("{mode:o}")))];
    let memory = sys::mount::new_tmpfs(&options).map_err(on)?;
    root.record_memory(&memory);
    attach_with(&memory, made, c"", attributes).map_err(on)
}

/// # Errors
/// ENOTDIR if the path leads to something else; errors of openat2(2).
fn has_directory(root: &NewRoot, path: &Path) -> Result<bool, Errno> {
    match root.open(path) {
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
        Ok(found) if file_kind(&fstat(&found)?) != SFlag::S_IFDIR => Err(Errno::ENOTDIR),
        Ok(found) => root.is_stand_in(&found).map(|is_stand_in| !is_stand_in),
    }
}

/// Makes a symbolic link with this text, unless it exists.
///
/// # Errors
/// Something else is there, or the link cannot be made.
pub(crate) fn make_symlink(root: &mut NewRoot, path: &Path, text: &Path) -> Result<(), Failure> {
    let text = text.as_os_str();
    let on = |errno| Failure::new(Step::MakeSymlink, path.as_os_str().as_bytes(), errno);
    if has_symlink(root, path, text).map_err(|errno| on(errno).with_missing(text.as_bytes()))? {
        return Ok(());
    }
    let c_text = CString::new(text.as_bytes()).map_err(|_| on(Errno::EINVAL))?;
    root.make(path, PointKind::Symlink(c_text))?;
    match has_symlink(root, path, text) {
        Ok(true) => Ok(()),
        // The rootfs has changed meanwhile.
        Ok(false) => Err(on(Errno::ESTALE)),
        Err(errno) => Err(on(errno).with_missing(text.as_bytes())),
    }
}

/// # Errors
/// EEXIST for any other file; errors of openat2(2).
fn has_symlink(root: &NewRoot, path: &Path, text: &OsStr) -> Result<bool, Errno> {
    match root.open_itself(path) {
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
        Ok(found) => is_link_to(&found, text).and_then(|is_same| match is_same {
            true => Ok(true),
            false => Err(Errno::EEXIST),
        }),
    }
}

fn is_link_to(file: &OwnedFd, text: &OsStr) -> Result<bool, Errno> {
    Ok(file_kind(&fstat(file)?) == SFlag::S_IFLNK && readlinkat(file, "")? == text)
}
