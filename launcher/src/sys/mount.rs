//! Mounting, with the mount API of Linux 5.2, or with mount(2) if the kernel or a filter does not support
//! that.

use crate::sys::legacy_mount;
use crate::sys::mount_api;
use crate::sys::{Outcome, is_unknown};
use nix::errno::Errno;
use nix::libc;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

/// The interface that this process can use, printed with `-vv`.
pub(crate) fn interface() -> &'static str {
    match mount_api::open_file_system(c"tmpfs") {
        Err(errno) if is_unknown(errno) => "mount(2)",
        _ => "fsopen(2), open_tree(2) and move_mount(2)",
    }
}

/// A detached copy of the mount tree at `path` below `dir`, with all mounts below it.
///
/// # Errors
/// ENOENT and other errors of the path; EINVAL for a mount of another mount namespace.
pub(crate) fn clone_tree(dir: impl AsFd, path: &CStr) -> Outcome<OwnedFd> {
    copy(dir, path, true)
}

/// A detached copy of the mount at `path`, without the mounts below it.
///
/// # Errors
/// As for [`clone_tree`], and EINVAL if the copy would reveal what is covered by mounts locked in this user
/// namespace.
pub(crate) fn clone_mount(dir: impl AsFd, path: &CStr) -> Outcome<OwnedFd> {
    copy(dir, path, false)
}

fn copy(dir: impl AsFd, path: &CStr, recursive: bool) -> Outcome<OwnedFd> {
    match mount_api::open_tree(&dir, path, recursive) {
        Err(errno) if is_unknown(errno) => legacy_mount::copy(dir, path, recursive),
        opened => opened,
    }
}

/// Attaches a detached mount at `name` below `dir`, or at `dir` itself if `name` is empty.
///
/// # Errors
/// Errors of move_mount(2).
pub(crate) fn attach(mount: impl AsFd, dir: impl AsFd, name: &CStr) -> Outcome<()> {
    match mount_api::move_mount(&mount, &dir, name) {
        Err(Errno::ENOSYS) => legacy_mount::attach(mount, dir, name),
        // If the refusal was genuine, mount(2) fails on the detached mount with a different error, so return
        // the first one.
        Err(errno) if is_unknown(errno) => legacy_mount::attach(mount, dir, name).map_err(|_| errno),
        moved => moved,
    }
}

/// A new, detached mount of a filesystem, with its options (a flag has no value) and mount attributes
/// (MOUNT_ATTR_…).
///
/// # Errors
/// EPERM if this user namespace may not mount the filesystem; errors of the options.
pub(crate) fn new_mount(
    kind: &CStr,
    options: &[(&CStr, Option<&CStr>)],
    attributes: u64,
) -> Outcome<OwnedFd> {
    match mount_api::open_file_system(kind) {
        Err(errno) if is_unknown(errno) => legacy_mount::new_mount(kind, options, attributes),
        opened => mount_api::mount_file_system(&opened?, kind, options, attributes),
    }
}

/// A filesystem in memory, with mode 1777 unless the options set one: tmpfs(5).
///
/// # Errors
/// EINVAL for an option that the kernel does not support.
pub(crate) fn new_tmpfs(options: &[(String, Option<String>)]) -> Outcome<OwnedFd> {
    let c_string = |text: &str| CString::new(text).map_err(|_| Errno::EINVAL);
    let mut owned = Vec::new();
    if !options.iter().any(|(key, _)| key == "mode") {
        owned.push((c"mode".to_owned(), Some(c"1777".to_owned())));
    }
    for (key, value) in options {
        owned.push((c_string(key)?, value.as_deref().map(c_string).transpose()?));
    }
    let options: Vec<_> = owned.iter().map(|(key, value)| (key.as_c_str(), value.as_deref())).collect();
    new_mount(c"tmpfs", &options, 0)
}

/// A new devpts. Its terminals belong to the group `tty` (5 in Debian, Fedora and others), if that ID is
/// mapped.
///
/// # Errors
/// Errors of the mount.
pub(crate) fn new_devpts() -> Outcome<OwnedFd> {
    let options = [(c"ptmxmode", Some(c"0666")), (c"mode", Some(c"0620")), (c"gid", Some(c"5"))];
    let attributes = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
    match new_mount(c"devpts", &options, attributes) {
        Err(Errno::EINVAL) => new_mount(c"devpts", &options[..2], attributes),
        mount => mount,
    }
}
