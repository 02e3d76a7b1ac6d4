//! Why the kernel refused a step of the child.

use crate::causes::Cause;
use crate::diagnose::probes::{apparmor, keys, rootfs};
use crate::failure::{Failure, Step};
use nix::errno::Errno;

/// The cause of a failed step, if its errno is not specific enough.
pub(crate) fn refused(failure: &Failure) -> Option<Cause> {
    let capability =
        || takes_capability(failure.step) && matches!(failure.errno, Errno::EPERM | Errno::EACCES);
    // If the namespace has no capabilities, nothing else needs to be checked.
    let restricted = || capability().then(apparmor::restricted).flatten();
    let enforced = || capability().then(apparmor::enforced).flatten();
    restricted().or_else(|| by_itself(failure)).or_else(enforced)
}

fn by_itself(failure: &Failure) -> Option<Cause> {
    match (failure.step, failure.errno) {
        (Step::OpenRoot, Errno::EACCES) => rootfs::closed_dir(failure.object().as_ref()),
        (Step::Mount, Errno::EPERM) if failure.object() == "/proc" => Some(rootfs::proc_refused()),
        (Step::LayerRoot | Step::LayerHost, Errno::EPERM | Errno::ENODEV | Errno::EINVAL) => {
            Some(rootfs::overlay_refused(failure.errno))
        }
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
            | Step::LayerHost
            | Step::MakeReadOnly
            | Step::Mount
            | Step::Pivot
            | Step::Detach
            | Step::Join
    )
}
