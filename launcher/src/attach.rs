//! Attaches mounts with their attributes, also where the kernel has no mount_setattr(2): before Linux 5.12.
//!
//! The old way changes mounts that are attached already, one by one and by their paths. Nobody is inside yet who could see
//! them in between.

use crate::kernel;
use crate::mount::{Attributes, READ_ONLY};
use crate::mountinfo::{self, MountLine};
use crate::old_mounts;
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use std::ffi::CStr;
use std::fs;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

const NONE: Option<&str> = None;

/// Attaches a detached tree at `name` below `place`, or at `place` itself where `name` is empty.
///
/// # Errors
/// Those of mount_setattr(2) and move_mount(2).
pub(crate) fn attach_with(
    tree: &OwnedFd,
    place: impl AsFd,
    name: &CStr,
    attributes: Attributes,
) -> Result<(), Errno> {
    match kernel::set_tree_attributes(tree, attributes.set, attributes.propagation) {
        Err(errno) if kernel::is_unknown(errno) => {
            kernel::attach(tree, place, name)?;
            remount(tree, Reach::Tree, attributes)
        }
        set => set.and_then(|()| kernel::attach(tree, place, name)),
    }
}

/// How far a change reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To one mount.
    Mount,
    /// To all that is mounted in it, too.
    Tree,
}

/// Makes an attached mount read-only.
///
/// # Errors
/// Those of mount_setattr(2).
pub(crate) fn make_read_only(top: &OwnedFd, reach: Reach) -> Result<(), Errno> {
    let made = match reach {
        Reach::Mount => kernel::set_attributes(top, READ_ONLY),
        Reach::Tree => kernel::set_tree_attributes(top, READ_ONLY, 0),
    };
    match made {
        Err(errno) if kernel::is_unknown(errno) => {
            remount(top, reach, Attributes { set: READ_ONLY, propagation: 0 })
        }
        made => made,
    }
}

fn remount(top: &OwnedFd, reach: Reach, attributes: Attributes) -> Result<(), Errno> {
    let count = if reach == Reach::Mount { 1 } else { usize::MAX };
    for line in tree(top)?.into_iter().take(count) {
        // What is set already stays: some of it may be locked, and a remount without it is refused (mount_namespaces(7)).
        let flags =
            flags_of(&line) | old_mounts::flags(attributes.set) | MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
        mount(NONE, &line.path, NONE, flags, NONE)?;
        if attributes.propagation != 0 {
            let propagation = MsFlags::from_bits_retain(attributes.propagation);
            mount(NONE, &line.path, NONE, propagation, NONE)?;
        }
    }
    Ok(())
}

/// The mount that a descriptor is on, and all that are mounted below it.
fn tree(top: &OwnedFd) -> Result<Vec<MountLine>, Errno> {
    let described = fs::read_to_string(format!("/proc/self/fdinfo/{}", top.as_raw_fd())).unwrap_or_default();
    let id = described.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse::<u64>().ok());
    let mut ids = vec![id.ok_or(Errno::EBADF)?];
    let mut found = Vec::new();
    // A mount is listed after the one that it is on.
    for line in mountinfo::read() {
        if ids.contains(&line.id) || ids.contains(&line.parent) {
            ids.push(line.id);
            found.push(line);
        }
    }
    Ok(found)
}

fn flags_of(line: &MountLine) -> MsFlags {
    let flag = |option: &[u8]| match option {
        b"ro" => MsFlags::MS_RDONLY,
        b"nosuid" => MsFlags::MS_NOSUID,
        b"nodev" => MsFlags::MS_NODEV,
        b"noexec" => MsFlags::MS_NOEXEC,
        b"noatime" => MsFlags::MS_NOATIME,
        b"nodiratime" => MsFlags::MS_NODIRATIME,
        b"relatime" => MsFlags::MS_RELATIME,
        _ => MsFlags::empty(),
    };
    line.options.split(|byte| *byte == b',').map(flag).fold(MsFlags::empty(), |flags, flag| flags | flag)
}
