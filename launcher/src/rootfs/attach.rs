//! Attaches mounts with their attributes, even on kernels without mount_setattr(2) (before Linux 5.12).
//!
//! The older method changes the mounts after they are attached, one by one, through a descriptor opened on
//! each: a path could lead elsewhere by then. No process is in the new root yet that could see the
//! intermediate state. A mount that cannot be changed is detached again.

use crate::failure::{Failure, Step};
use crate::request::mount::{Attributes, READ_ONLY};
use crate::sys;
use crate::sys::legacy_mount::{self, descriptor};
use crate::sys::lookup::open_in_root;
use crate::sys::mountinfo::{self, MountLine};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use std::ffi::CStr;
use std::fs;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;

const NONE: Option<&CStr> = None;

/// Why a tree was not attached.
pub(crate) enum Unattached {
    /// It cannot be attached at that mount point. It is still detached; only its attributes may have changed.
    Refused(Errno),
    /// Its attributes cannot be set.
    Unprotected(Errno),
}

impl Unattached {
    /// The kernel's reason.
    pub(crate) fn errno(self) -> Errno {
        match self {
            Unattached::Refused(errno) | Unattached::Unprotected(errno) => errno,
        }
    }
}

/// Attaches a detached tree at `name` below `mount_point`, or at `mount_point` itself if `name` is empty.
///
/// # Errors
/// Errors of mount_setattr(2) and move_mount(2).
pub(crate) fn attach_with(
    tree: &OwnedFd,
    mount_point: impl AsFd,
    name: &CStr,
    attributes: Attributes,
) -> Result<(), Errno> {
    try_to_attach(tree, mount_point, name, attributes).map_err(Unattached::errno)
}

/// The same, for a mount point that may be unsuitable: distinguishes the two kinds of errors.
///
/// # Errors
/// Errors of mount_setattr(2) as [`Unattached::Unprotected`], errors of move_mount(2) as
/// [`Unattached::Refused`].
pub(crate) fn try_to_attach(
    tree: &OwnedFd,
    mount_point: impl AsFd,
    name: &CStr,
    attributes: Attributes,
) -> Result<(), Unattached> {
    let attach = || sys::mount::attach(tree, mount_point, name).map_err(Unattached::Refused);
    match sys::mount_api::set_tree_attributes(tree, attributes.set.bits(), attributes.propagation.bits()) {
        Err(errno) if sys::is_unknown(errno) => {
            attach()?;
            remount(tree, Reach::Tree, attributes.set.bits(), attributes.propagation.bits())
                .inspect_err(|_| detach(tree))
                .map_err(Unattached::Unprotected)
        }
        Err(errno) => Err(Unattached::Unprotected(errno)),
        Ok(()) => attach(),
    }
}

/// Which mounts a change affects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only this mount.
    Mount,
    /// This mount and everything mounted below it.
    Tree,
}

/// Makes an attached mount read-only.
///
/// # Errors
/// Errors of mount_setattr(2).
pub(crate) fn make_read_only(top: &OwnedFd, reach: Reach) -> Result<(), Errno> {
    let made = match reach {
        Reach::Mount => sys::mount_api::set_attributes(top, READ_ONLY.bits()),
        Reach::Tree => sys::mount_api::set_tree_attributes(top, READ_ONLY.bits(), 0),
    };
    match made {
        Err(errno) if sys::is_unknown(errno) => remount(top, reach, READ_ONLY.bits(), 0),
        made => made,
    }
}

/// Detaches a tree that was just attached. If that fails, ends this process: a tree without its protection
/// must not stay, even if a caller ignores the error.
fn detach(tree: &OwnedFd) {
    if let Err(errno) = umount2(descriptor(tree).as_c_str(), MntFlags::MNT_DETACH) {
        Failure::new(Step::Unmount, b"", errno).end();
    }
}

/// Does the same as mount_setattr(2) on older kernels. A value of 0 leaves attributes or propagation
/// unchanged.
fn remount(top: &OwnedFd, reach: Reach, set: u64, propagation: u64) -> Result<(), Errno> {
    let count = if reach == Reach::Mount { 1 } else { usize::MAX };
    let lines = tree(top)?;
    // The first mount is open already, so it does not matter whether another one covers it.
    let covered = |(at, line): &(usize, &MountLine)| *at > 0 && is_covered(line, &lines);
    for (_, line) in lines.iter().enumerate().take(count).filter(|line| !covered(line)) {
        let mount_point = open_mount(top, line, &lines)?;
        let mount_point = descriptor(&mount_point);
        if set != 0 {
            // Flags that are already set are kept: some may be locked, and a remount without a locked flag is
            // refused (mount_namespaces(7)).
            let flags = flags_of(line) | legacy_mount::flags(set) | MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
            mount(NONE, mount_point.as_c_str(), NONE, flags, NONE)?;
        }
        if propagation != 0 {
            let propagation = MsFlags::from_bits_retain(propagation);
            mount(NONE, mount_point.as_c_str(), NONE, propagation, NONE)?;
        }
    }
    Ok(())
}

/// The mount that a descriptor is on, and all mounts below it. Never empty.
fn tree(top: &OwnedFd) -> Result<Vec<MountLine>, Errno> {
    let mut ids = vec![mount_id(top)?];
    let mut found = Vec::new();
    // The kernel lists a mount after the one that it is mounted on.
    for line in mountinfo::read()? {
        if ids.contains(&line.id) || ids.contains(&line.parent) {
            ids.push(line.id);
            found.push(line);
        }
    }
    if found.is_empty() { Err(Errno::EBADF) } else { Ok(found) }
}

/// Opens a mount of a tree.
fn open_mount(top: &OwnedFd, line: &MountLine, lines: &[MountLine]) -> Result<OwnedFd, Errno> {
    let above = lines.first().map_or(Path::new("/"), |first| &first.path);
    let below = line.path.strip_prefix(above).map_err(|_| Errno::EBADMSG)?;
    let opened = match below.as_os_str().is_empty() {
        true => sys::outcome_of(top.try_clone())?,
        false => open_in_root(top, below, OFlag::empty())?,
    };
    if mount_id(&opened)? == line.id { Ok(opened) } else { Err(Errno::EBUSY) }
}

/// True if another mount of the tree covers this one, at its mount point or above it. A covered mount cannot
/// be reached, and no process in the sandbox can uncover it: mounts copied from the host's mount namespace
/// are locked together (mount_namespaces(7)).
fn is_covered(line: &MountLine, lines: &[MountLine]) -> bool {
    let mut candidate = vec![line.id, line.parent];
    for above in lines.iter().rev() {
        if candidate.last() == Some(&above.id) {
            candidate.push(above.parent);
        }
    }
    lines.iter().any(|other| !candidate.contains(&other.id) && line.path.starts_with(&other.path))
}

/// The ID of the mount that a descriptor is on: proc_pid_fdinfo(5).
fn mount_id(file: &OwnedFd) -> Result<u64, Errno> {
    let described = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()));
    let described = sys::outcome_of(described)?;
    let id = described.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
    id.ok_or(Errno::EBADMSG)
}

/// MS_NOSYMFOLLOW in linux/mount.h, since Linux 5.10.
const NOSYMFOLLOW: nix::libc::c_ulong = 256;

/// The flags that are already set on a mount.
fn flags_of(line: &MountLine) -> MsFlags {
    let flag = |option: &[u8]| match option {
        b"ro" => MsFlags::MS_RDONLY,
        b"nosuid" => MsFlags::MS_NOSUID,
        b"nodev" => MsFlags::MS_NODEV,
        b"noexec" => MsFlags::MS_NOEXEC,
        b"noatime" => MsFlags::MS_NOATIME,
        b"nodiratime" => MsFlags::MS_NODIRATIME,
        b"relatime" => MsFlags::MS_RELATIME,
        b"nosymfollow" => MsFlags::from_bits_retain(NOSYMFOLLOW),
        _ => MsFlags::empty(),
    };
    let options = || line.options.split(|byte| *byte == b',');
    // A mount with strict atime shows no option for it, and a remount without the flag would change it to
    // relatime.
    let has_times = options().any(|option| matches!(option, b"noatime" | b"relatime"));
    let times = if has_times { MsFlags::empty() } else { MsFlags::MS_STRICTATIME };
    options().map(flag).fold(times, |flags, flag| flags | flag)
}
