//! The guard process: removes a launch's layers on disk if its launcher is killed, as by `subroot kill`. It
//! looks up no paths in the sandbox.

use crate::error::{Error, OsError};
use crate::parent::channel::pipe;
use crate::parent::layers::disk_layers::{DiskLayers, memory_serves};
use crate::plan::Plan;
use crate::plan::id_plan::Candidate;
use crate::sys;
use crate::sys::process::Ended;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{read, setsid, write};
use std::os::fd::OwnedFd;
use std::thread::sleep;
use std::time::Duration;

/// The number of attempts, and the pause between them, while the sandbox of a killed launcher ends.
const TRIES: (u32, Duration) = (100, Duration::from_millis(10));

/// The guard of one launch. The guard process and the launcher both hold the lock of the directory.
pub(crate) struct DiskGuard {
    layers: DiskLayers,
    process: OwnedFd,
    /// The launcher writes a byte when the sandbox has ended. End of file means that the launcher itself has
    /// ended.
    lifeline: OwnedFd,
}

impl DiskGuard {
    /// Creates layers on disk for the launch and their guard, if the launch discards its changes and memory
    /// cannot hold them.
    ///
    /// # Errors
    /// No directory for the layers, or an error of [`DiskGuard::start`].
    pub(crate) fn start_if_needed(plan: &mut Plan) -> Result<Option<DiskGuard>, Error> {
        let Some(root) = plan.root.as_mut().filter(|root| root.layered().next().is_some()) else {
            return Ok(None);
        };
        if memory_serves()? {
            return Ok(None);
        }
        let layers = DiskLayers::make(&plan.ids.candidates)?;
        let disk = layers.store_inside(root).and_then(|inside| layers.disk_dir(inside));
        root.disk = Some(disk.inspect_err(|_| layers.remove_or_warn(&plan.ids.candidates))?);
        DiskGuard::start(layers, &plan.ids.candidates).map(Some)
    }

    /// Starts the guard.
    ///
    /// # Errors
    /// An error of pipe(2), fork(2) or pidfd_open(2).
    fn start(layers: DiskLayers, candidates: &[Candidate]) -> Result<DiskGuard, Error> {
        let failed = |errno| Error::Parent {
            doing: "creating the guard of the changes on disk",
            errno: OsError(errno),
        };
        let (told, lifeline) = pipe().inspect_err(|_| layers.remove_or_warn(candidates))?;
        let forked =
            sys::process::fork().inspect_err(|_| layers.remove_or_warn(candidates)).map_err(failed)?;
        let Some(pid) = forked else { guard(&layers, &told, candidates) };
        let process = sys::process::pidfd_open(pid.unsigned_abs()).map_err(failed)?;
        Ok(DiskGuard { layers, process, lifeline })
    }

    /// Makes the guard remove the directory. If the guard fails, removes it here.
    pub(crate) fn finish(self, candidates: &[Candidate]) {
        // Error ignored: if the guard has ended, the check of its exit status below fails.
        let _ended = write(&self.lifeline, &[0]);
        // Error ignored: a guard that cannot be waited for counts as failed.
        if sys::process::wait_for(&self.process) != Ok(Ended::Exited(0)) {
            self.layers.remove_or_warn(candidates);
        }
    }
}

/// Runs the guard. It closes the launcher's streams and descriptors, so that readers of them do not wait for
/// the guard.
fn guard(layers: &DiskLayers, told: &OwnedFd, candidates: &[Candidate]) -> ! {
    // A signal to the launcher's process group must not reach the guard.
    // Error ignored: setsid fails only for a process group leader, which a new process is not.
    let _session = setsid();
    // Error ignored: readers of the launcher's streams then also wait for this process.
    if let Ok(null) = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()) {
        for number in 0..=2 {
            // Error ignored: the same.
            let _open = sys::descriptors::duplicate_to(&null, number);
        }
    }
    let kept: Vec<_> = layers.descriptors().into_iter().chain([told]).collect();
    // Error ignored: the launcher then removes the directory. This process must end, because with a copy of
    // the pipe's other end it would never notice the launcher's end.
    if sys::descriptors::close_from_but(3, &kept).is_err() {
        sys::process::exit(1);
    }
    let (tries, pause) = if has_ended(told) { (1, Duration::ZERO) } else { TRIES };
    for _ in 0..tries {
        // Error ignored: it is tried again. If it never succeeds, the launcher warns.
        if layers.remove(candidates).is_ok() {
            sys::process::exit(0);
        }
        sleep(pause);
    }
    sys::process::exit(1)
}

/// Waits until the sandbox (true) or the launcher (false) has ended.
fn has_ended(told: &OwnedFd) -> bool {
    loop {
        match read(told, &mut [0]) {
            Err(Errno::EINTR) => {}
            // Error ignored: it counts as the end of the launcher, which only means more attempts.
            ended => return ended == Ok(1),
        }
    }
}
