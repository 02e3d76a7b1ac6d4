//! Performs the requested mounts, using descriptors: a source on the host, a mount point below the new root.

use crate::failure::{Failure, Step};
use crate::plan::progress::begin;
use crate::plan::root::PlannedMount;
use crate::request::mount::{Attributes, Bind, Content, Mount, MountFlags, NODEV, NOEXEC, NOSUID, READ_ONLY};
use crate::rootfs::attach::attach_with;
use crate::rootfs::covering::{MissingPoint, make_point};
use crate::rootfs::made;
use crate::rootfs::mount_point::NewRoot;
use crate::rootfs::overlay::{OverlayOption, VOLATILE, overlay};
use crate::rootfs::upper_layers::{UpperLayers, new_dir};
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, open, openat};
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmod, fchmodat, fstat, mkdirat};
use nix::sys::statvfs::{FsFlags, fstatvfs};
use nix::unistd::{Gid, Uid, fchdir, fchown};
use std::ffi::CString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

/// Performs one mount.
///
/// # Errors
/// The source, mount point or mount that failed.
pub(crate) fn mount(root: &mut NewRoot, planned: &PlannedMount, layers: &UpperLayers) -> Result<(), Failure> {
    let mount = &planned.mount;
    let target = mount.target.as_path();
    begin(planned.step(), target.as_os_str().as_bytes());
    let on = |errno| Failure::new(Step::Mount, target.as_os_str().as_bytes(), errno);
    match &mount.content {
        Content::Bind(bind) => mount_bind(root, planned, bind),
        Content::Layered(source) => {
            let lower = open_source(source)?;
            let mount_point = root.mount_point(target, true)?;
            let layered = layer(&mount_point, &[&lower], layers)
                .map_err(|errno| layer_failure(source, &lower, errno))?;
            root.record_memory(&layered);
            attach_with(&layered, &mount_point, c"", mount.attributes).map_err(on)
        }
        Content::Overlay { lower: lower_paths, upper } => {
            let lower = lower_paths.iter().map(|path| open_source(path)).collect::<Result<Vec<_>, _>>()?;
            let upper = match upper {
                Some((upper, work)) => Some((open_source(upper)?, open_source(work)?)),
                None => None,
            };
            let mount_point = root.mount_point(target, true)?;
            let made = overlay(&lower.iter().collect::<Vec<_>>(), upper.as_ref(), &[]);
            let overlay = made.map_err(|errno| overlay_failure(on(errno), (lower_paths, &lower)))?;
            attach_with(&overlay, &mount_point, c"", mount.attributes).map_err(on)
        }
        Content::Tmpfs(options) => {
            let mount_point = root.mount_point(target, true)?;
            let memory = sys::mount::new_tmpfs(options).map_err(on)?;
            root.record_memory(&memory);
            attach_with(&memory, &mount_point, c"", mount.attributes).map_err(on)
        }
        Content::File { content, mode } => {
            let file = file_in_memory(root.top(), content, *mode).map_err(on)?;
            let mount_point = root.mount_point(target, false)?;
            attach_with(&file, &mount_point, c"", mount.attributes).map_err(on)
        }
        Content::Proc => mount_new(root, mount, |attributes| sys::mount::new_mount(c"proc", &[], attributes)),
        Content::Mqueue => {
            mount_new(root, mount, |attributes| sys::mount::new_mount(c"mqueue", &[], attributes))
        }
        Content::Devpts => mount_new(root, mount, |_| sys::mount::new_devpts()),
        Content::Directory(mode) => made::make_directory(root, target, *mode, mount.attributes),
        Content::Symlink(text) => made::make_symlink(root, target, text),
    }
}

/// Mounts a new filesystem of the kernel, with the attributes that such filesystems always get.
fn mount_new(
    root: &mut NewRoot,
    mount: &Mount,
    make: impl FnOnce(u64) -> Result<OwnedFd, Errno>,
) -> Result<(), Failure> {
    let mount_point = root.mount_point(&mount.target, true)?;
    make((NOSUID | NODEV | NOEXEC).bits())
        .and_then(|made| attach_with(&made, &mount_point, c"", mount.attributes))
        .map_err(Failure::on(Step::Mount, mount.target.as_os_str().as_bytes()))
}

fn mount_bind(root: &mut NewRoot, planned: &PlannedMount, bind: &Bind) -> Result<(), Failure> {
    let (target, attributes) = (planned.mount.target.as_path(), planned.mount.attributes);
    let path = bind.source.as_os_str().as_bytes();
    let on = |errno| Failure::new(Step::Bind, path, errno);
    let c_path = CString::new(path).map_err(|_| on(Errno::EINVAL))?;
    let tree = match bind.recursive {
        true => sys::mount::clone_tree(AT_FDCWD, &c_path),
        false => sys::mount::clone_mount(AT_FDCWD, &c_path),
    };
    let tree = tree.map_err(|errno| bind_failure(bind, errno))?;
    refuse_locked_flags(&tree, attributes.unset).map_err(|(flag, errno)| on(errno).with_missing(flag))?;
    // If the source was replaced after this check, the kernel refuses the mount: it mounts directories only
    // on directories.
    let is_dir = match planned.is_dir {
        Some(is_dir) => is_dir,
        None => sys::files::file_kind(&fstat(&tree).map_err(on)?) == SFlag::S_IFDIR,
    };
    if bind.id_mapped {
        let own = open("/proc/self/ns/user", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
        own.and_then(|own| sys::mount_api::map_ids(&tree, own))
            .map_err(Failure::on(Step::MapOwners, path))?;
    }
    if is_dir {
        return root.attach_dir(&tree, target, attributes);
    }
    let mount_point = root.mount_point(target, false)?;
    attach_with(&tree, &mount_point, c"", attributes)
        .map_err(Failure::on(Step::Mount, target.as_os_str().as_bytes()))
}

/// The flags with their names and those of their opposites.
const FLAGS: [(MountFlags, FsFlags, &[u8]); 4] = [
    (READ_ONLY, FsFlags::ST_RDONLY, b"ro"),
    (NOSUID, FsFlags::ST_NOSUID, b"nosuid"),
    (NODEV, FsFlags::ST_NODEV, b"nodev"),
    (NOEXEC, FsFlags::ST_NOEXEC, b"noexec"),
];

/// Refuses a source with a flag that must not be set. The host's mounts keep their flags in a user namespace
/// (mount_namespaces(7)).
fn refuse_locked_flags(tree: &OwnedFd, unset: MountFlags) -> Result<(), (&'static [u8], Errno)> {
    if unset == MountFlags::default() {
        return Ok(());
    }
    let flags = fstatvfs(tree).map_err(|errno| (&b""[..], errno))?.flags();
    match FLAGS.iter().find(|(flag, set, _)| unset.contains(*flag) && flags.contains(*set)) {
        Some((_, _, name)) => Err((name, Errno::EPERM)),
        None => Ok(()),
    }
}

/// Adds a mount below the directory, with which the kernel refuses an overlay or a bind of the directory
/// alone: a copy without that mount could reveal what it covers.
pub(crate) fn with_mount_below(failure: Failure, dir: impl AsFd) -> Failure {
    // If the mounts cannot be read, the message has only the kernel's reason.
    match sys::mountinfo::mount_below(dir) {
        Ok(Some(mount)) if failure.errno == Errno::EINVAL => {
            failure.with_missing(mount.as_os_str().as_bytes())
        }
        _ => failure,
    }
}

fn layer_failure(source: &Path, dir: &OwnedFd, errno: Errno) -> Failure {
    with_mount_below(Failure::new(Step::LayerBind, source.as_os_str().as_bytes(), errno), dir)
}

/// The failure of an overlay. If one of its directories has mounts below it, it names that directory.
fn overlay_failure(failure: Failure, (paths, lower): (&[PathBuf], &[OwnedFd])) -> Failure {
    let mut failures = paths.iter().zip(lower).map(|(path, dir)| layer_failure(path, dir, failure.errno));
    failures.find(|failure| !failure.missing().is_empty()).unwrap_or(failure)
}

fn bind_failure(bind: &Bind, errno: Errno) -> Failure {
    let failure = Failure::new(Step::Bind, bind.source.as_os_str().as_bytes(), errno);
    match open_source(&bind.source) {
        Ok(dir) if !bind.recursive => with_mount_below(failure, dir),
        _ => failure,
    }
}

fn open_source(path: &Path) -> Result<OwnedFd, Failure> {
    open(path, LOOK, Mode::empty()).map_err(Failure::on(Step::Bind, path.as_os_str().as_bytes()))
}

/// Directories, the highest first, with an overlay that takes all changes, which are discarded at the end.
///
/// # Errors
/// Errors of the mounts.
pub(crate) fn layer(
    mount_point: &OwnedFd,
    lower: &[&OwnedFd],
    layers: &UpperLayers,
) -> Result<OwnedFd, Errno> {
    match layers {
        UpperLayers::Memory => in_memory(mount_point, |memory| layer_in(memory, lower, &[])),
        UpperLayers::Disk(dir) => layer_in(&new_dir(dir)?, lower, &[VOLATILE]),
    }
}

fn layer_in(dir: &OwnedFd, lower: &[&OwnedFd], options: &[OverlayOption<'_>]) -> Result<OwnedFd, Errno> {
    let make = |name: &str| {
        mkdirat(dir, name, Mode::from_bits_truncate(0o755))?;
        openat(dir, name, LOOK, Mode::empty())
    };
    let upper = (make("upper")?, make("work")?);
    // The top directory of an overlay is that of the upper layer, with its mode.
    let highest = lower.first().ok_or(Errno::EINVAL)?;
    let mode = Mode::from_bits_truncate(fstat(highest)?.st_mode & 0o7777);
    fchmodat(dir, "upper", mode, FchmodatFlags::FollowSymlink)?;
    overlay(lower, Some(&upper), options)
}

/// Directories, the highest first, with their changes in other host directories, and with mount points in
/// memory below them. Without an upper directory they cannot be changed.
///
/// # Errors
/// Errors of the mounts.
pub(crate) fn keep(
    mount_point: &OwnedFd,
    lower: &[&OwnedFd],
    upper: Option<&(OwnedFd, OwnedFd)>,
    points: &[MissingPoint],
) -> Result<OwnedFd, Errno> {
    in_memory(mount_point, |memory| {
        points.iter().try_for_each(|point| make_point(memory, point)).map_err(|failure| failure.errno)?;
        let lowest = openat(memory, ".", LOOK, Mode::empty())?;
        overlay(&[lower, &[&lowest]].concat(), upper, &[])
    })
}

/// A detached mount of a new file with this content and mode. It belongs to root, if ID 0 is mapped. `dir` is
/// any directory of the new root.
///
/// # Errors
/// Errors of the mounts, and ENOSPC if there is no memory for the content.
pub(crate) fn file_in_memory(dir: &OwnedFd, content: &[u8], mode: u32) -> Result<OwnedFd, Errno> {
    in_memory(dir, |memory| {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let file = openat(memory, "file", flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        match fchown(&file, Some(Uid::from_raw(0)), Some(Gid::from_raw(0))) {
            // The ID is not mapped.
            Err(Errno::EINVAL) => {}
            owned => owned?,
        }
        let mut file = File::from(file);
        sys::outcome_of(file.write_all(content))?;
        fchmod(&file, Mode::from_bits_truncate(mode))?;
        sys::mount::clone_tree(memory, c"file")
    })
}

/// Makes a mount from a filesystem in memory, which then only that mount holds. The filesystem is attached at
/// `mount_point` for a moment: overlayfs does not accept directories of a detached mount, and open_tree(2)
/// does not copy one.
fn in_memory(
    mount_point: &OwnedFd,
    make: impl FnOnce(&OwnedFd) -> Result<OwnedFd, Errno>,
) -> Result<OwnedFd, Errno> {
    let memory = sys::mount::new_mount(c"tmpfs", &[(c"mode", Some(c"0755"))], NODEV.bits())?;
    sys::mount::attach(&memory, mount_point, c"")?;
    let made = make(&memory);
    fchdir(&memory)?;
    umount2(".", MntFlags::MNT_DETACH)?;
    made
}

/// Covers a file or directory in the new root with an empty one. A missing path is skipped.
///
/// # Errors
/// The path cannot be looked up, or the mount failed.
pub(crate) fn mask(root: &NewRoot, path: &Path) -> Result<(), Failure> {
    let on = |errno| Failure::new(Step::Mount, path.as_os_str().as_bytes(), errno);
    let Some(mount_point) = unless_missing(root.open(path)).map_err(on)? else { return Ok(()) };
    let kind = sys::files::file_kind(&fstat(&mount_point).map_err(on)?);
    let on = |errno| {
        let failure = on(errno);
        if errno == Errno::ENOENT { failure.with_missing(b"/dev/null") } else { failure }
    };
    let cover = match kind {
        SFlag::S_IFDIR => {
            sys::mount::new_mount(c"tmpfs", &[(c"mode", Some(c"0555"))], (READ_ONLY | NODEV).bits())
        }
        _ => sys::mount::clone_tree(AT_FDCWD, c"/dev/null"),
    };
    sys::mount::attach(cover.map_err(on)?, &mount_point, c"").map_err(on)
}

/// Makes a file or directory in the new root read-only. A missing path is skipped.
///
/// # Errors
/// The path cannot be looked up, or the mount failed.
pub(crate) fn make_read_only(root: &NewRoot, path: &Path) -> Result<(), Failure> {
    let on = |errno| Failure::new(Step::Mount, path.as_os_str().as_bytes(), errno);
    let Some(mount_point) = unless_missing(root.open(path)).map_err(on)? else { return Ok(()) };
    let tree = sys::mount::clone_tree(&mount_point, c"").map_err(on)?;
    attach_with(&tree, &mount_point, c"", Attributes::new(READ_ONLY)).map_err(on)
}

fn unless_missing(opened: Result<OwnedFd, Errno>) -> Result<Option<OwnedFd>, Errno> {
    match opened {
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        opened => opened.map(Some),
    }
}
