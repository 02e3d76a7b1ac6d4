//! Why the kernel refused a step of the child.

use crate::causes::{
    BELOW_FILE, BIND_SUBMOUNT, Cause, FALSE_MOUNT_POINT, LOCKED_FLAG, NO_NULL, OVER_DIR, OVER_FILE,
    OVERLAY_AROUND,
};
use crate::diagnose::probes::{apparmor, keys, rootfs};
use crate::failure::{Failure, Step};
use nix::errno::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The cause of a failed step, if its errno is not specific enough.
pub(crate) fn refused(failure: &Failure) -> Option<Cause> {
    let capability =
        || takes_capability(failure.step) && matches!(failure.errno, Errno::EPERM | Errno::EACCES);
    // If the namespace has no capabilities, nothing else needs to be checked.
    let restricted = || capability().then(apparmor::restricted).flatten();
    let enforced = || capability().then(apparmor::enforced).flatten();
    restricted().or_else(|| mounting(failure)).or_else(|| by_itself(failure)).or_else(enforced)
}

/// The cause that the child has found.
fn mounting(failure: &Failure) -> Option<Cause> {
    let path = Path::new(failure.object()).display();
    let found = OsStr::from_bytes(failure.missing());
    let at = |kind| Some(Cause::new(kind, &[("path", &path)]));
    match (failure.step, failure.errno, failure.missing()) {
        (Step::MountPoint, Errno::ENOTDIR, b"directory") => at(&OVER_FILE),
        (Step::MountPoint, _, b"essential") => at(&FALSE_MOUNT_POINT),
        (Step::MountPoint, Errno::ENOTDIR, _) => at(&BELOW_FILE),
        (Step::MountPoint, Errno::EISDIR, _) => at(&OVER_DIR),
        (Step::Mount, Errno::ENOENT, b"/dev/null") => at(&NO_NULL),
        (_, _, b"") => None,
        (Step::LayerRoot | Step::LayerKept | Step::LayerBind, Errno::EINVAL, _) => {
            Some(rootfs::overlay_submount(failure, Path::new(found)))
        }
        (Step::Bind, Errno::EINVAL, _) => {
            let mount = Path::new(found).display();
            Some(Cause::new(&BIND_SUBMOUNT, &[("path", &path), ("mount", &mount)]))
        }
        (Step::Bind, Errno::EPERM, flag) => {
            let option = flag.strip_prefix(b"no").unwrap_or(b"rw");
            let values: [(_, &dyn std::fmt::Display); 3] = [
                ("path", &path),
                ("flag", &Path::new(found).display()),
                ("option", &Path::new(OsStr::from_bytes(option)).display()),
            ];
            Some(Cause::new(&LOCKED_FLAG, &values))
        }
        _ => None,
    }
}

fn by_itself(failure: &Failure) -> Option<Cause> {
    match (failure.step, failure.errno) {
        (Step::OpenRoot, Errno::EACCES) => rootfs::closed_dir(failure.object().as_ref()),
        (Step::Mount, Errno::EPERM) if failure.object() == "/proc" => Some(rootfs::proc_refused()),
        (
            Step::LayerRoot | Step::LayerKept | Step::LayerBind | Step::LayerHost,
            Errno::EPERM | Errno::ENODEV,
        ) => Some(rootfs::overlay_refused(failure.errno)),
        (Step::LayerRoot | Step::LayerKept, Errno::EINVAL) => rootfs::overlay_depth(failure),
        (Step::LayerKept, Errno::ELOOP) => Some(Cause::new(&OVERLAY_AROUND, &[])),
        (Step::Keyring, Errno::EDQUOT) => keys::quota(),
        _ => None,
    }
}

/// The steps that need a capability in the new user namespace, which AppArmor may deny.
fn takes_capability(step: Step) -> bool {
    matches!(
        step,
        Step::BecomeRoot
            | Step::Hostname
            | Step::Loopback
            | Step::Clocks
            | Step::BindRoot
            | Step::LayerOnDisk
            | Step::LayerRoot
            | Step::LayerKept
            | Step::LayerBind
            | Step::LayerHost
            | Step::MakeReadOnly
            | Step::Mount
            | Step::Pivot
            | Step::Detach
            | Step::Join
    )
}
