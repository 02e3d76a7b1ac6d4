//! Finds out why no overlay can discard its changes, and which directory on disk could hold them.

use crate::causes::{Cause, OVERLAY_DIR, OVERLAY_NO_PLACE};
use crate::diagnose::probes::rootfs::{overlay_kept, overlay_refused};
use crate::parent::layers::disk_layers::{DIRECTORY, DiskLayers};
use crate::parent::trial::{self, Stopped};
use crate::plan::id_plan::{Candidate, IdPlan};
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
/// Directories that every user can write to. Those that survive a reboot come first.
const PLACES: [&str; 2] = ["/var/tmp", "/tmp"];

/// Removes a directory through an overlay in memory.
///
/// # Errors
/// The kernel refused a step.
pub(crate) fn in_memory(candidates: &[Candidate]) -> Result<(), Stopped> {
    trial::perform(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, candidates, || try_out(&new_memory()?)).map(drop)
}

/// Mounts an overlay over a directory in memory. A host's or container's directory may have mounts below it,
/// over which no overlay can be made.
fn mount_only(candidates: &[Candidate]) -> Result<(), Stopped> {
    let mount = || {
        let memory = new_memory()?;
        mkdirat(&memory, "lower", Mode::S_IRWXU)?;
        let lower = openat(&memory, "lower", LOOK, Mode::empty())?;
        mounts::layer(&memory, &[&lower], &UpperLayers::Memory).map(drop)
    };
    trial::perform(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, candidates, mount).map(drop)
}

fn new_memory() -> Outcome<OwnedFd> {
    let memory = sys::mount::new_mount(c"tmpfs", &[], 0)?;
    sys::mount::attach(&memory, open("/tmp", LOOK, Mode::empty())?, c"")?;
    Ok(memory)
}

/// Why no directory on disk can hold an overlay's changes that memory cannot hold.
pub(crate) fn disk_refused() -> Cause {
    let candidates = candidates();
    match mount_only(&candidates) {
        Err(Stopped::Step(errno @ (Errno::EPERM | Errno::ENODEV))) => overlay_refused(errno),
        _ => match dir(&candidates) {
            Some(dir) => Cause::new(&OVERLAY_DIR, &[("dir", &dir)]),
            None => Cause::new(&OVERLAY_NO_PLACE, &[]),
        },
    }
}

/// Why `--overlay=DIR` does not work in a directory, if overlays work at all.
pub(crate) fn not_kept(path: &Path) -> Option<Cause> {
    let candidates = candidates();
    // Error ignored: then the directory is not the reason, and the message has only the kernel's.
    matches!(mount_only(&candidates), Ok(())).then(|| overlay_kept(path, dir(&candidates)))
}

fn candidates() -> Vec<Candidate> {
    // Error ignored: the line about maps reports it.
    IdPlan::new(&IdWishes::default(), None).map(|plan| plan.candidates).ok().unwrap_or_default()
}

/// A directory in which an overlay works.
fn dir(candidates: &[Candidate]) -> Option<&'static str> {
    PLACES.into_iter().find(|dir| is_usable(Path::new(dir), candidates))
}

/// Tests the suggested fix: a new directory in `dir` as the cache.
fn is_usable(dir: &Path, candidates: &[Candidate]) -> bool {
    // Error ignored: another directory is tried.
    let Ok(cache) = mkdtemp(&dir.join("XXXXXX")) else { return false };
    let tried = DiskLayers::make_in(&cache).map(|layers| {
        let tried = layers.try_out(candidates);
        layers.remove_or_warn(candidates);
        tried
    });
    // Error ignored: it contains only what could not be removed, which has been reported.
    let _removed = std::fs::remove_dir(cache.join(DIRECTORY)).and_then(|()| std::fs::remove_dir(&cache));
    // Error ignored: another directory is tried.
    matches!(tried, Ok(Ok(())))
}
