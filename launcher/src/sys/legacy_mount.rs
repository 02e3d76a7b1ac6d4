//! The old mount API, mount(2), for kernels and container filters that do not support open_tree(2),
//! move_mount(2) and fsopen(2).
//!
//! Mounts that the new API keeps detached are kept in a staging area: a filesystem in memory, mounted over an
//! unused directory and removed with the old root.

use crate::sys;
use crate::sys::Outcome;
use crate::sys::files::make_file;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat, mkdirat};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

/// Directories for the staging area. They serve only as mount points, so covering one does not make the
/// kernel refuse a new proc or sysfs (mnt_already_visible() in fs/namespace.c).
const AREAS: [&CStr; 5] = [
    c"/proc/sys/fs/binfmt_misc",
    c"/sys/kernel/debug",
    c"/sys/kernel/security",
    c"/sys/kernel/config",
    c"/sys/fs/cgroup",
];
/// A file that identifies the staging area.
const MARK: &CStr = c".staging";

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);
const NONE: Option<&CStr> = None;

/// A copy of the mount at a path, with or without the mounts below it: mount(2), MS_BIND.
///
/// # Errors
/// Errors of mount(2).
pub(crate) fn copy(dir: impl AsFd, path: &CStr, recursive: bool) -> Outcome<OwnedFd> {
    let opened = if path.is_empty() { None } else { Some(openat(&dir, path, LOOK, Mode::empty())?) };
    let source = opened.as_ref().map_or_else(|| dir.as_fd(), |opened| opened.as_fd());
    let is_dir = sys::files::file_kind(&fstat(source)?) == SFlag::S_IFDIR;
    let flags = if recursive { MsFlags::MS_BIND | MsFlags::MS_REC } else { MsFlags::MS_BIND };
    stage(is_dir, |mount_point| mount(Some(descriptor(source).as_c_str()), mount_point, NONE, flags, NONE))
}

/// A new mount of a filesystem.
///
/// # Errors
/// Errors of mount(2).
pub(crate) fn new_mount(
    kind: &CStr,
    options: &[(&CStr, Option<&CStr>)],
    attributes: u64,
) -> Outcome<OwnedFd> {
    let text = |(key, value): &(&CStr, Option<&CStr>)| match value {
        Some(value) => [key.to_bytes(), value.to_bytes()].join(&b'='),
        None => key.to_bytes().to_vec(),
    };
    let options_text = options.iter().map(text).collect::<Vec<_>>().join(&b',');
    let options_text = CString::new(options_text).map_err(|_| Errno::EINVAL)?;
    stage(true, |mount_point| {
        mount(Some(kind), mount_point, Some(kind), flags(attributes), Some(options_text.as_c_str()))
    })
}

/// Moves a staged mount to its mount point, like move_mount(2) without following a symlink: mount(2),
/// MS_MOVE.
///
/// # Errors
/// Errors of mount(2).
pub(crate) fn attach(staged: impl AsFd, dir: impl AsFd, name: &CStr) -> Outcome<()> {
    let mount_point = if name.is_empty() {
        None
    } else {
        Some(openat(&dir, name, LOOK | OFlag::O_NOFOLLOW, Mode::empty())?)
    };
    let mount_point = mount_point.as_ref().map_or_else(|| dir.as_fd(), |mount_point| mount_point.as_fd());
    let mount_point = descriptor(mount_point);
    mount(Some(descriptor(staged.as_fd()).as_c_str()), mount_point.as_c_str(), NONE, MsFlags::MS_MOVE, NONE)
}

/// The flags of mount(2) for mount attributes: MS_… for MOUNT_ATTR_….
pub(crate) fn flags(attributes: u64) -> MsFlags {
    let pairs = [
        (libc::MOUNT_ATTR_RDONLY, MsFlags::MS_RDONLY),
        (libc::MOUNT_ATTR_NOSUID, MsFlags::MS_NOSUID),
        (libc::MOUNT_ATTR_NODEV, MsFlags::MS_NODEV),
        (libc::MOUNT_ATTR_NOEXEC, MsFlags::MS_NOEXEC),
    ];
    let set = pairs.into_iter().filter(|(attribute, _)| attributes & attribute != 0);
    set.fold(MsFlags::empty(), |flags, (_, flag)| flags | flag)
}

/// The path in /proc of an open file.
pub(crate) fn descriptor(file: impl AsFd) -> CString {
    CString::new(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd())).ok().unwrap_or_default()
}

/// Creates a mount point in the staging area, mounts something on it, and opens the top directory of the
/// mount.
fn stage(is_dir: bool, make: impl FnOnce(&CStr) -> Outcome<()>) -> Outcome<OwnedFd> {
    let area = area()?;
    for number in 0_u32.. {
        let name = CString::new(number.to_string()).map_err(|_| Errno::EINVAL)?;
        let made = match is_dir {
            true => mkdirat(&area, name.as_c_str(), Mode::S_IRWXU),
            false => make_file(&area, &name),
        };
        match made {
            Err(Errno::EEXIST) => continue,
            made => made?,
        }
        let mount_point = openat(&area, name.as_c_str(), LOOK, Mode::empty())?;
        make(&descriptor(mount_point.as_fd()))?;
        return openat(&area, name.as_c_str(), LOOK, Mode::empty());
    }
    Err(Errno::ENOSPC)
}

/// Opens the staging area, and creates it on first use.
fn area() -> Outcome<OwnedFd> {
    let mut last = Errno::ENOSYS;
    for mount_point in AREAS {
        match area_at(mount_point) {
            Err(errno) => last = errno,
            made => return made,
        }
    }
    Err(last)
}

fn area_at(mount_point: &CStr) -> Outcome<OwnedFd> {
    let area = open(mount_point, LOOK, Mode::empty())?;
    match fstatat(&area, MARK, AtFlags::empty()) {
        Err(Errno::ENOENT) => {}
        found => return found.map(|_| area),
    }
    mount(Some(c"tmpfs"), mount_point, Some(c"tmpfs"), MsFlags::MS_NODEV, NONE)?;
    let area = open(mount_point, LOOK, Mode::empty())?;
    make_file(&area, MARK)?;
    Ok(area)
}
