//! Why no overlay can discard its changes, and where on disk it could hold them.

use crate::diagnose::causes::{Cause, OVERLAY_KEPT, OVERLAY_NO_PLACE, OVERLAY_PLACE};
use crate::diagnose::probes::rootfs::overlay_refused;
use crate::parent::disk_layers::{DIRECTORY, DiskLayers};
use crate::parent::trial::{self, Stopped};
use crate::plan::id_plan::{IdPlan, Way};
use crate::request::ids::IdWishes;
use crate::rootfs::mounts;
use crate::rootfs::upper_layers::{UpperLayers, try_out};
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::libc;
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::mkdtemp;
use std::os::fd::OwnedFd;
use std::path::Path;

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);
/// Directories that every user can write to, those that outlast a boot first.
const PLACES: [&str; 2] = ["/var/tmp", "/tmp"];

/// Removes a directory through an overlay in memory.
///
/// # Errors
/// What the kernel refused.
pub(crate) fn in_memory(ways: &[Way]) -> Result<(), Stopped> {
    trial::perform(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, ways, || try_out(&new_memory()?)).map(drop)
}

/// Over a directory in memory: below those of a host or a container something may be mounted, which no overlay can be made over.
fn mount_only(ways: &[Way]) -> Result<(), Stopped> {
    let mount = || {
        let memory = new_memory()?;
        mkdirat(&memory, "lower", Mode::S_IRWXU)?;
        let lower = openat(&memory, "lower", LOOK, Mode::empty())?;
        mounts::layer(&memory, lower, &UpperLayers::Memory).map(drop)
    };
    trial::perform(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, ways, mount).map(drop)
}

fn new_memory() -> Outcome<OwnedFd> {
    let memory = sys::mount::new_mount(c"tmpfs", &[], 0)?;
    sys::mount::attach(&memory, open("/tmp", LOOK, Mode::empty())?, c"")?;
    Ok(memory)
}

/// Why no directory on disk holds the changes of an overlay which memory cannot hold.
pub(crate) fn disk_refused() -> Cause {
    let ways = ways();
    match mount_only(&ways) {
        Err(Stopped::Step(errno @ (Errno::EPERM | Errno::ENODEV))) => overlay_refused(errno),
        _ => match place(&ways) {
            Some(place) => Cause::new(&OVERLAY_PLACE, &[("place", &place)]),
            None => Cause::new(&OVERLAY_NO_PLACE, &[]),
        },
    }
}

/// Where `--overlay=DIR` could keep its changes.
pub(crate) fn kept_elsewhere() -> Option<Cause> {
    place(&ways()).map(|place| Cause::new(&OVERLAY_KEPT, &[("place", &place)]))
}

fn ways() -> Vec<Way> {
    // Error ignored: the line about maps tells it.
    IdPlan::new(&IdWishes::default()).map(|plan| plan.ways).ok().unwrap_or_default()
}

/// A directory in which an overlay works.
fn place(ways: &[Way]) -> Option<&'static str> {
    PLACES.into_iter().find(|place| serves(Path::new(place), ways))
}

/// Tries out what the fix does: a new directory there as the cache.
fn serves(place: &Path, ways: &[Way]) -> bool {
    // Error ignored: another place is tried.
    let Ok(cache) = mkdtemp(&place.join("XXXXXX")) else { return false };
    let tried = DiskLayers::make_in(&cache).map(|layers| {
        let tried = layers.try_out(ways);
        layers.remove_or_say(ways);
        tried
    });
    // Error ignored: it has no more in it than what could not be removed, which has been said.
    let _removed = std::fs::remove_dir(cache.join(DIRECTORY)).and_then(|()| std::fs::remove_dir(&cache));
    // Error ignored: another place is tried.
    matches!(tried, Ok(Ok(())))
}
