//! Builds the new root over its base, pivots into it, and detaches the old root. Needs no privilege on the
//! host.

use crate::failure::{self, Failure, Step, reason};
use crate::plan::progress::begin;
use crate::plan::root::{BOUND_DEV, Base, PROC, RootPlan, SYS, Sys};
use crate::plan::steps::Kind;
use crate::request::mount::{Attributes, MountFlags};
use crate::request::root::{Dev, Overlay, Proc};
use crate::rootfs::attach::{Reach, attach_with, make_read_only};
use crate::rootfs::covering::{MissingPoint, PointKind, cover, names_of};
use crate::rootfs::dev;
use crate::rootfs::host_root;
use crate::rootfs::made;
use crate::rootfs::mount_point::NewRoot;
use crate::rootfs::mounts;
use crate::rootfs::upper_layers::{UpperLayers, check_attributes};
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open, openat};
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, fstat, fstatat, mkdirat};
use nix::unistd::{chdir, fchdir, pivot_root};
use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// Makes this the root of the process, which has all capabilities in its own user and mount namespaces.
/// Returns warnings.
///
/// proc must be mounted before the old root is detached: the kernel lets a user namespace mount a new proc
/// only while the mount namespace still contains one without anything covered (mount_too_revealing() in
/// fs/namespace.c).
///
/// `lower` are the layers of an image. `covered` is masked in addition to the paths that the plan masks.
///
/// # Errors
/// The step that failed.
pub(crate) fn enter(
    plan: &RootPlan,
    (lower, layers): (Vec<OwnedFd>, UpperLayers),
    covered: &[PathBuf],
) -> Result<Vec<String>, Failure> {
    let path = plan.disk.as_ref().map(|disk| &disk.path);
    layers.try_out().map_err(Failure::on(Step::LayerOnDisk, path.map_or(b"", |path| path.to_bytes())))?;
    let on_disk = path.map(|path| {
        format!("changes go to {} until the sandbox ends, {MEMORY_LOST}", path.to_string_lossy())
    });
    failure::detail(|| format!("mounts are made by {}", sys::mount::interface()));
    let mut root = make_base(plan, lower, &layers)?;
    if plan.read_only && !plan.is_read_only_last() {
        protect(&root, Reach::Tree)?;
    }
    let proc_lost = mount_proc(&mut root, plan.proc)?;
    mount_devices(&mut root, plan.dev)?;
    let sys_lost = mount_sys(&mut root, plan.sys)?;
    plan.mounts.iter().try_for_each(|planned| mounts::mount(&mut root, planned, &layers))?;
    drop(layers);
    if plan.is_read_only_last() {
        protect(&root, Reach::Mount)?;
    }
    each_of(Kind::Mask, &plan.masked, |path| mounts::mask(&root, path))?;
    covered.iter().try_for_each(|path| mounts::mask(&root, path))?;
    each_of(Kind::MakeReadOnly, &plan.read_only_paths, |path| mounts::make_read_only(&root, path))?;
    pivot(root.top())?;
    Ok([on_disk, proc_lost, sys_lost].into_iter().flatten().collect())
}

fn make_base(plan: &RootPlan, lower: Vec<OwnedFd>, layers: &UpperLayers) -> Result<NewRoot, Failure> {
    begin(if let Base::Empty = plan.base { Kind::MakeEmptyRoot } else { Kind::MakeRoot }, b"");
    match &plan.base {
        Base::Dir(path) => assemble(plan, path, layers),
        Base::Layers(_) => assemble_image(plan, &lower.iter().collect::<Vec<_>>(), layers),
        Base::Host(host) => host_root::attach(host, layers),
        Base::Empty => {
            let memory = host_root::attach_memory().map_err(Failure::on(Step::Mount, b"/"))?;
            Ok(NewRoot::new(memory).all_in_memory())
        }
    }
}

fn protect(root: &NewRoot, reach: Reach) -> Result<(), Failure> {
    begin(Kind::MakeRootReadOnly, b"");
    make_read_only(root.top(), reach).map_err(Failure::on(Step::MakeReadOnly, b""))
}

fn each_of(
    kind: Kind,
    paths: &[PathBuf],
    perform: impl Fn(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    paths.iter().try_for_each(|path| {
        begin(kind, path.as_os_str().as_bytes());
        perform(path)
    })
}

const MEMORY_LOST: &str = "as memory cannot hold those of an overlay before Linux 6.6";

/// Mounts the base over itself, as exactly one mount. [`pivot`] relies on this: the mount that it then finds
/// on top of the new root is the old root.
fn assemble(plan: &RootPlan, path: &CStr, layers: &UpperLayers) -> Result<NewRoot, Failure> {
    let on = |step| Failure::on(step, path.to_bytes());
    let mount_point = open(path, LOOK, Mode::empty()).map_err(on(Step::OpenRoot))?;
    refuse_false_mount_points(plan, &mount_point)?;
    let missing = missing_in(plan, &mount_point)?;
    match &plan.overlay {
        Some(overlay) => layered(plan, overlay, (&[&mount_point], layers)),
        None if missing.is_empty() => {
            bind_over_itself(&mount_point).map(NewRoot::new).map_err(on(Step::BindRoot))
        }
        None => cover(&mount_point, &missing).map(NewRoot::of_cover),
    }
}

/// Mounts the layers of an image over the highest one. Without an overlay, the root cannot be changed.
fn assemble_image(plan: &RootPlan, lower: &[&OwnedFd], layers: &UpperLayers) -> Result<NewRoot, Failure> {
    let root = match &plan.overlay {
        Some(overlay) => layered(plan, overlay, (lower, layers))?,
        None => attach_layers(lower, on_root, |highest| mounts::keep(highest, lower, None, &points(plan)))
            .map(NewRoot::new)?,
    };
    refuse_false_mount_points(plan, root.top())?;
    Ok(root)
}

fn layered(
    plan: &RootPlan,
    overlay: &Overlay,
    (lower, layers): (&[&OwnedFd], &UpperLayers),
) -> Result<NewRoot, Failure> {
    match overlay {
        Overlay::Memory => attach_layers(lower, on_root, |highest| mounts::layer(highest, lower, layers))
            .map(|root| NewRoot::new(root).all_in_memory()),
        Overlay::Kept(dir) => keep(plan, lower, dir).map(NewRoot::new),
    }
}

fn on_root(errno: Errno) -> Failure {
    Failure::new(Step::LayerRoot, b"", errno)
}

/// Makes an overlay and attaches it over the highest of its lower directories. `on` is the failure.
fn attach_layers(
    lower: &[&OwnedFd],
    on: impl Fn(Errno) -> Failure + Copy,
    make: impl FnOnce(&OwnedFd) -> Result<OwnedFd, Errno>,
) -> Result<OwnedFd, Failure> {
    let highest = lower.first().ok_or(Errno::EINVAL).map_err(on)?;
    let layered = make(highest).map_err(|errno| mounts::with_mount_below(on(errno), highest))?;
    sys::mount::attach(&layered, highest, c"").map_err(on)?;
    Ok(layered)
}

/// The new mount is made private, so that no mount events from the host reach it: mount_namespaces(7).
fn bind_over_itself(mount_point: &OwnedFd) -> Result<OwnedFd, Errno> {
    let tree = sys::mount::clone_tree(mount_point, c"")?;
    attach_with(&tree, mount_point, c"", Attributes::default())?;
    Ok(tree)
}

fn keep(plan: &RootPlan, lower: &[&OwnedFd], dir: &Path) -> Result<OwnedFd, Failure> {
    let object = dir.as_os_str().as_bytes();
    let on = |errno| Failure::new(Step::LayerKept, object, errno);
    let kept = open(dir, LOOK, Mode::empty()).map_err(on)?;
    // The top directory of an overlay is that of the upper layer, with its mode.
    let highest = lower.first().ok_or(Errno::EINVAL).map_err(on)?;
    let mode = fstat(highest).map_err(on)?.st_mode & 0o7777;
    let made = |name, mode| kept_dir(&kept, name, Mode::from_bits_truncate(mode)).map_err(on);
    let upper = (made(c"upper", mode)?, made(c"work", 0o700)?);
    check_attributes(&upper.1).map_err(on)?;
    attach_layers(lower, on, |highest| mounts::keep(highest, lower, Some(&upper), &points(plan)))
}

/// The mount points on the root, and what is made there. What is made comes first, so that a directory has its
/// own mode.
fn points(plan: &RootPlan) -> Vec<MissingPoint> {
    let made = plan.mounts.iter().filter_map(made::point);
    made.chain(plan.points_on_root().map(point)).collect()
}

/// Opens an existing directory, or creates one with this mode, whatever the umask.
fn kept_dir(kept: &OwnedFd, name: &CStr, mode: Mode) -> Result<OwnedFd, Errno> {
    let open = || openat(kept, name, LOOK | OFlag::O_NOFOLLOW, Mode::empty());
    match mkdirat(kept, name, mode) {
        Ok(()) => {
            let made = open()?;
            fchmodat(&made, ".", mode, FchmodatFlags::FollowSymlink)?;
            Ok(made)
        }
        Err(Errno::EEXIST) => open(),
        Err(errno) => Err(errno),
    }
}

fn point((path, is_dir): (&Path, bool)) -> MissingPoint {
    MissingPoint { names: names_of(path), kind: PointKind::of(is_dir) }
}

/// Refuses a root in which one of these names exists but is not a directory: a hostile rootfs could use it to
/// redirect a mount.
fn refuse_false_mount_points(plan: &RootPlan, mount_point: &OwnedFd) -> Result<(), Failure> {
    for name in plan.essential_mounts().filter_map(|path| path.strip_prefix('/')) {
        let errno = match fstatat(mount_point, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(found) if sys::files::file_kind(&found) == SFlag::S_IFDIR => continue,
            Err(Errno::ENOENT) => continue,
            Ok(_) => Errno::ENOTDIR,
            Err(errno) => errno,
        };
        let path = format!("/{name}");
        return Err(Failure::new(Step::MountPoint, path.as_bytes(), errno).with_missing(b"essential"));
    }
    Ok(())
}

/// The mount points of which even the first name is missing. One covering layer over the root can provide all
/// of them.
///
/// # Errors
/// A name that cannot be examined.
fn missing_in(plan: &RootPlan, mount_point: &OwnedFd) -> Result<Vec<MissingPoint>, Failure> {
    let mut known: HashMap<&OsStr, bool> = HashMap::new();
    let mut missing = Vec::new();
    for (path, is_dir) in plan.points_on_root() {
        let first = path.iter().nth(1).unwrap_or_default();
        let is_missing = match known.get(first) {
            Some(is_missing) => *is_missing,
            None => {
                is_missing(mount_point, first).map_err(Failure::on(Step::MountPoint, first.as_bytes()))?
            }
        };
        known.insert(first, is_missing);
        missing.extend(is_missing.then(|| point((path, is_dir))));
    }
    Ok(missing)
}

fn is_missing(mount_point: &OwnedFd, name: &OsStr) -> Result<bool, Errno> {
    match fstatat(mount_point, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => Ok(true),
        found => found.map(|_| false),
    }
}

/// Mounts /proc. Returns a warning if it is not a new one.
fn mount_proc(root: &mut NewRoot, proc: Proc) -> Result<Option<String>, Failure> {
    if proc == Proc::None {
        return Ok(None);
    }
    begin(Kind::Mount, b"/proc");
    let on = |errno| Failure::new(Step::Mount, b"/proc", errno);
    if proc != Proc::Bind {
        match sys::mount::new_mount(c"proc", &[], PROC.bits()) {
            Err(Errno::EPERM) if proc == Proc::Auto => {}
            made => {
                let mount_point = root.mount_point(Path::new("/proc"), true)?;
                return sys::mount::attach(made.map_err(on)?, mount_point, c"").map_err(on).map(|()| None);
            }
        }
    }
    bind_system(root, c"/proc", PROC).map_err(on)?;
    Ok((proc != Proc::Bind).then(|| PROC_LOST.to_owned()))
}

const PROC_LOST: &str = "the kernel refuses a new /proc here, so the existing one is used, and shows the processes outside (part of \
    /proc is covered, as in most containers, or subroot does not own the pid namespace)";

fn mount_devices(root: &mut NewRoot, dev: Dev) -> Result<(), Failure> {
    if dev != Dev::None {
        begin(Kind::Mount, b"/dev");
    }
    match dev {
        Dev::New => {
            dev::mount(&root.mount_point(Path::new("/dev"), true)?).map(|dev| root.record_memory(&dev))
        }
        Dev::Bind => bind_system(root, c"/dev", BOUND_DEV).map_err(Failure::on(Step::Mount, b"/dev")),
        Dev::None => Ok(()),
    }
}

/// Mounts /sys. Only the owner of the network namespace can mount a new sysfs; otherwise the host's is bound.
/// If the kernel refuses that too, returns a warning, and the sandbox has no /sys.
fn mount_sys(root: &mut NewRoot, sys: Sys) -> Result<Option<String>, Failure> {
    if sys == Sys::None {
        return Ok(None);
    }
    begin(Kind::Mount, b"/sys");
    let own = match sys {
        Sys::New => sys::mount::new_mount(c"sysfs", &[], SYS.bits()),
        Sys::Bind | Sys::None => Err(Errno::EPERM),
    };
    let mounted = match own {
        Ok(own) => sys::mount::attach(own, root.mount_point(Path::new("/sys"), true)?, c""),
        // Error ignored: the existing one is used instead.
        Err(_) => bind_system(root, c"/sys", SYS),
    };
    Ok(match mounted {
        // The host has no /sys.
        Ok(()) | Err(Errno::ENOENT) => None,
        Err(errno) => Some(format!("the sandbox has no /sys: mounting it: {}", reason(errno))),
    })
}

fn bind_system(root: &mut NewRoot, path: &CStr, attributes: MountFlags) -> Result<(), Errno> {
    let tree = sys::mount::clone_tree(AT_FDCWD, path)?;
    let path = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    let mount_point = root.mount_point(path, true).map_err(|failure| failure.errno)?;
    attach_with(&tree, mount_point, c"", Attributes::new(attributes))
}

/// Changes the root. `pivot_root(".", ".")` puts the old root on top of the new one, where it is then
/// detached: pivot_root(2).
pub(crate) fn pivot(root: &OwnedFd) -> Result<(), Failure> {
    fchdir(root).map_err(Failure::on(Step::Pivot, b""))?;
    begin(Kind::PivotRoot, b"");
    pivot_root(".", ".").map_err(Failure::on(Step::Pivot, b""))?;
    begin(Kind::DetachOldRoot, b"");
    umount2(".", MntFlags::MNT_DETACH).map_err(Failure::on(Step::Detach, b""))?;
    chdir("/").map_err(Failure::on(Step::Detach, b""))
}
