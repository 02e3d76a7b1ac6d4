//! Problems with a rootfs's path, with /proc and with overlays.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

use crate::causes::{
    CLOSED_DIR, Cause, FUSE_ROOT, Kind, NETWORK_ROOT, NODEV, NOEXEC, NOSUID, OVERLAY_DEPTH, OVERLAY_KEPT,
    OVERLAY_REFUSED, OVERLAY_SUBMOUNT, PROC_COVERED, PROC_REFUSED,
};
use crate::failure::{Failure, Step, reason};
use crate::sys::lookup::open_top;
use crate::sys::mountinfo;
use nix::errno::Errno;
use nix::sys::statfs::{FsType, NFS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, SMB_SUPER_MAGIC, statfs};
use nix::sys::statvfs::{FsFlags, statvfs};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// LL_SUPER_MAGIC in lustre_user.h, GPFS, CEPH_SUPER_MAGIC and SMB2_SUPER_MAGIC in linux/magic.h, and 9p.
const NETWORK: [(FsType, &str); 5] = [
    (FsType(0x0BD0_0BD0), "Lustre"),
    (FsType(0x4750_4653), "GPFS"),
    (FsType(0x00C3_6400), "Ceph"),
    (FsType(0xFE53_4D42), "SMB"),
    (FsType(0x0102_1997), "9p"),
];

/// FUSE_SUPER_MAGIC in linux/magic.h.
const FUSE: FsType = FsType(0x6573_5546);

/// The mount point of the mount that contains a path: the longest one that is a prefix of it.
pub(crate) fn mount_point(path: &Path) -> PathBuf {
    let path = fs::canonicalize(path).ok().unwrap_or_else(|| path.to_owned());
    let mounts = mountinfo::read().ok().unwrap_or_default().into_iter().map(|mount| mount.path);
    mounts
        .filter(|mount| path.starts_with(mount))
        .max_by_key(|mount| mount.as_os_str().len())
        .unwrap_or_default()
}

/// Mount flags that restrict the rootfs.
pub(crate) fn mount(path: &Path) -> Vec<Cause> {
    let kinds = [(FsFlags::ST_NOEXEC, &NOEXEC), (FsFlags::ST_NOSUID, &NOSUID)];
    let flags = kinds.into_iter().filter_map(|(flag, kind)| flag_set(path, flag, kind));
    let fuse = is_closed_fuse(path).then(|| Cause::new(&FUSE_ROOT, &[("path", &path.display())]));
    flags.chain(network(path)).chain(fuse).chain(no_overlay(path)).collect()
}

/// A restriction that does not matter to a sandbox: nodev.
pub(crate) fn devices(path: &Path) -> Option<Cause> {
    flag_set(path, FsFlags::ST_NODEV, &NODEV)
}

fn flag_set(path: &Path, flag: FsFlags, kind: &'static Kind) -> Option<Cause> {
    statvfs(path).ok().filter(|mount| mount.flags().contains(flag))?;
    Some(Cause::new(kind, &[("path", &path.display()), ("mount", &mount_point(path).display())]))
}

fn network(path: &Path) -> Option<Cause> {
    let kind = network_kind(statfs(path).ok()?.filesystem_type())?;
    Some(Cause::new(&NETWORK_ROOT, &[("path", &path.display()), ("kind", &kind)]))
}

fn network_kind(found: FsType) -> Option<&'static str> {
    match found {
        NFS_SUPER_MAGIC => Some("NFS"),
        SMB_SUPER_MAGIC => Some("SMB"),
        other => NETWORK.into_iter().find(|(known, _)| other == *known).map(|(_, name)| name),
    }
}

/// True for a directory on a FUSE filesystem that only the user who mounted it can use: fuse(8), allow_other.
pub(crate) fn is_closed_fuse(path: &Path) -> bool {
    let is_fuse = statfs(path).is_ok_and(|found| found.filesystem_type() == FUSE);
    let mount_point = mount_point(path);
    let mounts = mountinfo::read().ok().unwrap_or_default();
    // The last mount at a mount point is the one on top.
    let mount = mounts.iter().rev().find(|mount| mount.path == mount_point).filter(|_| is_fuse);
    let allows_others = |options: &[u8]| options.split(|byte| *byte == b',').any(|one| one == b"allow_other");
    mount.is_some_and(|mount| !allows_others(&mount.super_options))
}

/// The first directory in the path that others cannot search, so that only its owner's ID can.
pub(crate) fn closed_dir(path: &Path) -> Option<Cause> {
    let dirs: Vec<&Path> = path.ancestors().filter(|dir| dir.is_absolute()).collect();
    let closed = dirs.into_iter().rev().find_map(|dir| {
        let mode = fs::metadata(dir).ok()?.mode();
        (mode & 0o001 == 0).then_some((dir, mode & 0o7777))
    });
    let (dir, mode) = closed?;
    let mode = format!("{mode:04o}");
    Some(Cause::new(&CLOSED_DIR, &[("path", &dir.display()), ("mode", &mode)]))
}

/// Why no new /proc can be mounted: mount_too_revealing() in fs/namespace.c.
pub(crate) fn proc_refused() -> Cause {
    // The second is a directory that serves only as a mount point, so a mount on it covers nothing.
    let harmless = ["/proc", "/proc/sys/fs/binfmt_misc"].map(Path::new);
    let mut paths = mountinfo::read().ok().unwrap_or_default().into_iter().map(|mount| mount.path);
    match paths.find(|path| path.starts_with("/proc") && !harmless.contains(&path.as_path())) {
        Some(path) => Cause::new(&PROC_COVERED, &[("path", &path.display())]),
        None => Cause::new(&PROC_REFUSED, &[]),
    }
}

/// The rule by which the kernel refuses an overlay over a directory with a mount below it.
pub(crate) fn overlay_submount(failure: &Failure, mount: &Path) -> Cause {
    match (failure.step, failure.rootfs()) {
        (Step::LayerRoot | Step::LayerKept, Some(rootfs)) => {
            submount(rootfs.path, mount, without_overlay(rootfs.path))
        }
        (Step::LayerRoot | Step::LayerKept, None) => {
            submount(Path::new("ROOTFS"), mount, "run without --overlay")
        }
        _ => submount(
            Path::new(failure.object()),
            mount,
            "bind it without a layer: leave O out; ro protects it",
        ),
    }
}

/// The same for a rootfs that doctor examines.
fn no_overlay(path: &Path) -> Option<Cause> {
    let mount = mountinfo::mount_below(open_top(path).ok()?).ok()??;
    Some(submount(path, &mount, without_overlay(path)))
}

fn without_overlay(path: &Path) -> &'static str {
    match fs::canonicalize(path).is_ok_and(|path| path == Path::new("/")) {
        true => "run without ROOTFS, which puts layers over the host's own system",
        false => "run without --overlay",
    }
}

fn submount(path: &Path, mount: &Path, fix: &str) -> Cause {
    Cause::new(&OVERLAY_SUBMOUNT, &[("path", &path.display()), ("mount", &mount.display()), ("fix", &fix)])
}

/// The filesystem of a path, or of the first directory above it that exists.
fn filesystem(path: &Path) -> Option<FsType> {
    path.ancestors().find_map(|dir| statfs(dir).ok()).map(|found| found.filesystem_type())
}

/// The directory of `--overlay` cannot hold the changes. A new directory in `dir` can.
pub(crate) fn overlay_kept(path: &Path, dir: Option<&str>) -> Cause {
    let filesystem = match filesystem(path) {
        Some(OVERLAYFS_SUPER_MAGIC) => "an overlay",
        Some(FUSE) => "a FUSE filesystem",
        other => other.and_then(network_kind).unwrap_or("a filesystem"),
    };
    let fix = match dir {
        Some(dir) => format!("keep the changes elsewhere: --overlay=$(mktemp -d {dir}/XXXXXX)"),
        None => "name a directory on a local disk, such as a volume of the container around".into(),
    };
    let values: [(_, &dyn std::fmt::Display); 3] =
        [("path", &path.display()), ("filesystem", &filesystem), ("fix", &fix)];
    Cause::new(&OVERLAY_KEPT, &values)
}

/// FILESYSTEM_MAX_STACK_DEPTH in linux/fs.h. Changes cannot be on an overlay at all.
pub(crate) fn overlay_depth(failure: &Failure) -> Option<Cause> {
    let rootfs = failure.rootfs()?.path;
    let is_overlay = |path| filesystem(path) == Some(OVERLAYFS_SUPER_MAGIC);
    let is_depth = is_overlay(rootfs) && !is_overlay(failure.object().as_ref());
    is_depth.then(|| Cause::new(&OVERLAY_DEPTH, &[("path", &rootfs.display())]))
}

/// Why no overlay can be mounted.
pub(crate) fn overlay_refused(errno: Errno) -> Cause {
    let why = match fs::read_to_string("/proc/filesystems") {
        Ok(known) if !known.contains("\toverlay\n") => "it has no overlayfs".into(),
        _ => reason(errno),
    };
    Cause::new(&OVERLAY_REFUSED, &[("why", &why)])
}
