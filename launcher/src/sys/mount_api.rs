//! The mount API of Linux 5.2: open_tree(2), move_mount(2), fsopen(2); and mount_setattr(2) of Linux 5.12.

use crate::sys::Outcome;
use crate::sys::owned;
use nix::errno::Errno;
use nix::libc::{self, c_char, c_uint};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// AT_RECURSIVE in linux/fcntl.h.
const AT_RECURSIVE: c_uint = 0x8000;

/// open_tree(2) with OPEN_TREE_CLONE: a detached copy of the mount at `path`, with all mounts below it if
/// `recursive` is true.
///
/// # Errors
/// Errors of open_tree(2); ENOSYS before Linux 5.2.
pub(crate) fn open_tree(dir: impl AsFd, path: &CStr, recursive: bool) -> Outcome<OwnedFd> {
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_EMPTY_PATH.unsigned_abs();
    let flags = if recursive { flags | AT_RECURSIVE } else { flags };
    syscall!(libc::SYS_open_tree, dir.as_fd().as_raw_fd(), path.as_ptr(), flags).and_then(owned)
}

/// move_mount(2): attaches a detached mount at `name` below `dir`, or at `dir` itself if `name` is empty.
///
/// # Errors
/// Errors of move_mount(2); ENOSYS before Linux 5.2.
pub(crate) fn move_mount(mount: impl AsFd, dir: impl AsFd, name: &CStr) -> Outcome<()> {
    let flags = libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH;
    let (from, to) = (mount.as_fd().as_raw_fd(), dir.as_fd().as_raw_fd());
    syscall!(libc::SYS_move_mount, from, c"".as_ptr(), to, name.as_ptr(), flags).map(drop)
}

/// mount_setattr(2) on a whole tree: sets attributes (MOUNT_ATTR_…) and, unless it is 0, the propagation
/// (MS_PRIVATE…). Changes either the whole tree or nothing.
///
/// # Errors
/// Errors of mount_setattr(2).
pub(crate) fn set_tree_attributes(tree: impl AsFd, set: u64, propagation: u64) -> Outcome<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation, userns_fd: 0 };
    mount_setattr(tree.as_fd(), AT_RECURSIVE, &attributes)
}

/// mount_setattr(2) on one mount, without those below it.
///
/// # Errors
/// Errors of mount_setattr(2).
pub(crate) fn set_attributes(mount: impl AsFd, set: u64) -> Outcome<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    mount_setattr(mount.as_fd(), 0, &attributes)
}

/// mount_setattr(2) with MOUNT_ATTR_IDMAP: maps the file owners of a detached tree by the maps of a user
/// namespace.
///
/// # Errors
/// EPERM if the filesystem belongs to a user namespace in which the caller has no CAP_SYS_ADMIN.
pub(crate) fn map_ids(tree: impl AsFd, namespace: impl AsFd) -> Outcome<()> {
    let userns_fd = u64::from(namespace.as_fd().as_raw_fd().unsigned_abs());
    let attributes =
        libc::mount_attr { attr_set: libc::MOUNT_ATTR_IDMAP, attr_clr: 0, propagation: 0, userns_fd };
    mount_setattr(tree.as_fd(), AT_RECURSIVE, &attributes)
}

fn mount_setattr(mount: BorrowedFd<'_>, flags: c_uint, attributes: &libc::mount_attr) -> Outcome<()> {
    let flags = flags | libc::AT_EMPTY_PATH.unsigned_abs();
    let (mount, size) = (mount.as_raw_fd(), size_of::<libc::mount_attr>());
    syscall!(libc::SYS_mount_setattr, mount, c"".as_ptr(), flags, &raw const *attributes, size).map(drop)
}

/// fsopen(2): the configuration of a new filesystem of this kind.
///
/// # Errors
/// Errors of fsopen(2); ENOSYS before Linux 5.2.
pub(crate) fn open_file_system(kind: &CStr) -> Outcome<OwnedFd> {
    const FSOPEN_CLOEXEC: c_uint = 1;
    syscall!(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC).and_then(owned)
}

/// fsconfig(2) and fsmount(2): a new, detached mount of this filesystem, with its options (a flag has no
/// value) and mount attributes (MOUNT_ATTR_…).
///
/// # Errors
/// EPERM if this user namespace may not mount the filesystem; errors of the options.
pub(crate) fn mount_file_system(
    context: &OwnedFd,
    kind: &CStr,
    options: &[(&CStr, Option<&CStr>)],
    attributes: u64,
) -> Outcome<OwnedFd> {
    const FSCONFIG_SET_FLAG: c_uint = 0;
    const FSCONFIG_SET_STRING: c_uint = 1;
    const FSCONFIG_CMD_CREATE: c_uint = 6;
    const FSMOUNT_CLOEXEC: c_uint = 1;
    let number = context.as_raw_fd();
    let none = std::ptr::null::<c_char>();
    for (key, value) in std::iter::once(&(c"source", Some(kind))).chain(options) {
        let command = if value.is_some() { FSCONFIG_SET_STRING } else { FSCONFIG_SET_FLAG };
        let value = value.map_or(none, CStr::as_ptr);
        syscall!(libc::SYS_fsconfig, number, command, key.as_ptr(), value, 0)?;
    }
    syscall!(libc::SYS_fsconfig, number, FSCONFIG_CMD_CREATE, none, none, 0)?;
    syscall!(libc::SYS_fsmount, number, FSMOUNT_CLOEXEC, attributes).and_then(owned)
}
