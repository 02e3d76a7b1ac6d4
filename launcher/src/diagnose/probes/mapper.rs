//! Why a mapper does not get its privilege.
//!
//! Errors ignored: what cannot be looked at gives no cause, and only the words of a failure depend on that.

use crate::diagnose::causes::{
    BOUNDING_SET, Cause, MAPPER_FORBIDDEN, MAPPER_MISSING, MAPPER_NOSUID, MAPPER_UNPRIVILEGED, NO_NEW_PRIVS,
};
use crate::diagnose::probes::own_status;
use crate::sys;
use nix::sys::prctl::get_no_new_privs;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// CAP_SETGID and CAP_SETUID, by their numbers.
const NEEDED: [(&str, u32); 2] = [("CAP_SETUID", 7), ("CAP_SETGID", 6)];

/// What keeps this mapper from writing maps, the first thing that does.
pub(crate) fn lacks(path: &Path) -> Option<Cause> {
    let shown = path.display();
    let Ok(file) = fs::metadata(path) else {
        return Some(Cause::new(&MAPPER_MISSING, &[("path", &shown)]));
    };
    if access(path, AccessFlags::X_OK).is_err() {
        return Some(Cause::new(&MAPPER_FORBIDDEN, &[("path", &shown)]));
    }
    let is_setuid = file.mode() & 0o4000 != 0 && file.uid() == 0;
    if !is_setuid && !sys::files::has_file_capabilities(path) {
        return Some(Cause::new(&MAPPER_UNPRIVILEGED, &[("path", &shown)]));
    }
    if statvfs(path).is_ok_and(|mount| mount.flags().contains(FsFlags::ST_NOSUID)) {
        let mount = super::rootfs::mount_point(path);
        return Some(Cause::new(&MAPPER_NOSUID, &[("path", &shown), ("mount", &mount.display())]));
    }
    process()
}

/// What keeps every program that this process starts from its privilege.
fn process() -> Option<Cause> {
    if get_no_new_privs() == Ok(true) {
        return Some(Cause::new(&NO_NEW_PRIVS, &[]));
    }
    let bounding = u64::from_str_radix(&own_status("CapBnd")?, 16).ok()?;
    let (missing, _) = NEEDED.into_iter().find(|(_, bit)| bounding & (1 << bit) == 0)?;
    Some(Cause::new(&BOUNDING_SET, &[("capability", &missing)]))
}
