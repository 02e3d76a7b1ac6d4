//! Devices that a command will not be able to open, although their mounts succeed.
//!
//! Errors ignored: what cannot be examined gives no warning, and the command then gets the kernel's error.

use crate::causes::{Cause, DEVICE_GROUP, DEVICE_NODEV};
use crate::plan::root::PlannedMount;
use crate::request::mount::{Bind, Content, Mount, NODEV};
use crate::sys::files::has_attribute;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{getegid, geteuid, getgroups};
use std::collections::HashSet;
use std::ffi::CString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// How many entries of a directory are looked at.
const MOST_ENTRIES: usize = 64;
/// How deep directories of devices are nested: /dev/dri/by-path.
const DEEPEST: usize = 2;
/// The group of files whose group is not mapped: proc_sys_kernel(5), overflowgid.
const NOT_MAPPED: u32 = 65534;

/// The first device among these mounts that the command cannot open, and what to do about it. A source is
/// examined once.
pub(crate) fn useless(mounts: &[PlannedMount], keeps_groups: bool) -> Option<Cause> {
    let mut examined = HashSet::new();
    let of_interest = mounts.iter().filter(|planned| planned.is_device || planned.is_dir == Some(true));
    of_interest.map(|planned| &planned.mount).find_map(|mount| {
        let Content::Bind(Bind { source, .. }) = &mount.content else { return None };
        let is_nodev = mount.attributes.set.contains(NODEV);
        match examined.insert((source, is_nodev)) {
            true if is_nodev => on_nodev(source, mount),
            true if !keeps_groups => of_group(source),
            _ => None,
        }
    })
}

/// A device on a mount that is nodev only inside.
fn on_nodev(source: &Path, mount: &Mount) -> Option<Cause> {
    let node = nodes(source, 1).into_iter().next()?;
    if statvfs(source).ok()?.flags().contains(FsFlags::ST_NODEV) {
        return None;
    }
    let (source, target) = (source.display(), mount.target.display());
    Some(Cause::new(&DEVICE_NODEV, &[("path", &node.display()), ("source", &source), ("target", &target)]))
}

/// A device that the caller can open only as a member of a supplementary group, which is dropped.
fn of_group(source: &Path) -> Option<Cause> {
    let nodes = nodes(source, DEEPEST);
    let groups = if nodes.is_empty() { Vec::new() } else { getgroups().ok()? };
    let needs_group = |found: &Metadata| {
        let mode = found.mode();
        found.uid() != geteuid().as_raw()
            && found.gid() != getegid().as_raw()
            && found.gid() != NOT_MAPPED
            && mode & 0o060 != 0
            && (mode >> 3) & 0o6 & !mode != 0
            && groups.iter().any(|group| group.as_raw() == found.gid())
    };
    let node = nodes
        .into_iter()
        .find(|node| fs::metadata(node).is_ok_and(|found| needs_group(&found)) && !has_acl(node))?;
    let gid = fs::metadata(&node).ok()?.gid();
    Some(Cause::new(&DEVICE_GROUP, &[("path", &node.display()), ("gid", &gid)]))
}

/// True if a file has an access control list: acl(5). Its group permissions then say nothing about its group.
fn has_acl(path: &Path) -> bool {
    let path = CString::new(path.as_os_str().as_bytes());
    path.is_ok_and(|path| has_attribute(&path, c"system.posix_acl_access") == Ok(true))
}

/// The device nodes at or below a path.
fn nodes(path: &Path, depth: usize) -> Vec<PathBuf> {
    let Ok(found) = fs::metadata(path) else { return Vec::new() };
    let kind = found.file_type();
    if kind.is_char_device() || kind.is_block_device() {
        return vec![path.to_owned()];
    }
    let entries = if kind.is_dir() && depth > 0 { fs::read_dir(path).ok() } else { None };
    let entries = entries.into_iter().flatten().take(MOST_ENTRIES).flatten();
    let of_interest = entries.filter(|entry| {
        entry
            .file_type()
            .is_ok_and(|kind| kind.is_char_device() || kind.is_block_device() || kind.is_dir() && depth > 1)
    });
    of_interest.flat_map(|entry| nodes(&entry.path(), depth - 1)).collect()
}
