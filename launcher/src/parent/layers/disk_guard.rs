//! The process that removes the layers on disk of a launch whose launcher was killed, as `subroot kill` does. It looks nothing up inside.

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

/// How often, and how long apart, it is tried while the sandbox of a killed launcher comes to its end.
const TRIES: (u32, Duration) = (100, Duration::from_millis(10));

/// The guard of one launch; both hold the lock of the directory.
pub(crate) struct DiskGuard {
    layers: DiskLayers,
    process: OwnedFd,
    /// A byte says that the sandbox has ended; its end, that the launcher has.
    lifeline: OwnedFd,
}

impl DiskGuard {
    /// Makes layers on disk if the launch discards changes and memory cannot hold them, has the launch use them, and guards them.
    ///
    /// # Errors
    /// A user without a directory for them, and those of [`DiskGuard::start`].
    pub(crate) fn start_if_needed(plan: &mut Plan) -> Result<Option<DiskGuard>, Error> {
        let Some(root) = plan.root.as_mut().filter(|root| root.layered().next().is_some()) else {
            return Ok(None);
        };
        if memory_serves()? {
            return Ok(None);
        }
        let layers = DiskLayers::make(&plan.ids.candidates)?;
        let disk = layers.store_inside(root).and_then(|inside| layers.disk_dir(inside));
        root.disk = Some(disk.inspect_err(|_| layers.remove_or_say(&plan.ids.candidates))?);
        DiskGuard::start(layers, &plan.ids.candidates).map(Some)
    }

    /// Starts it.
    ///
    /// # Errors
    /// Those of pipe(2), fork(2) and pidfd_open(2).
    fn start(layers: DiskLayers, candidates: &[Candidate]) -> Result<DiskGuard, Error> {
        let failed = |errno| Error::Parent {
            doing: "creating the guard of the changes on disk",
            errno: OsError(errno),
        };
        let (told, lifeline) = pipe().inspect_err(|_| layers.remove_or_say(candidates))?;
        let forked =
            sys::process::fork().inspect_err(|_| layers.remove_or_say(candidates)).map_err(failed)?;
        let Some(pid) = forked else { guard(&layers, &told, candidates) };
        let process = sys::process::pidfd_open(pid.unsigned_abs()).map_err(failed)?;
        Ok(DiskGuard { layers, process, lifeline })
    }

    /// Has it remove the directory, and does so itself if that fails.
    pub(crate) fn finish(self, candidates: &[Candidate]) {
        // Error ignored: a guard that is gone has not ended well, which is looked at next.
        let _ended = write(&self.lifeline, &[0]);
        // Error ignored: a guard that cannot be waited for counts as one that did not end well.
        if sys::process::wait_for(&self.process) != Ok(Ended::Exited(0)) {
            self.layers.remove_or_say(candidates);
        }
    }
}

/// Holds none of the launcher's streams and descriptors, so that no reader of them waits for it.
fn guard(layers: &DiskLayers, told: &OwnedFd, candidates: &[Candidate]) -> ! {
    // A signal to the launcher's process group does not reach it then.
    // Error ignored: only the leader of a group cannot, which a new process is not.
    let _session = setsid();
    // Error ignored: a reader of the launcher's streams then waits for this process, too.
    if let Ok(null) = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()) {
        for number in 0..=2 {
            // Error ignored: the same.
            let _open = sys::descriptors::duplicate_to(&null, number);
        }
    }
    let kept: Vec<_> = layers.descriptors().into_iter().chain([told]).collect();
    // Error ignored: the launcher then removes it. With the other end of its own pipe open, this process would never hear of its end.
    if sys::descriptors::close_from_but(3, &kept).is_err() {
        sys::process::exit(1);
    }
    let (tries, pause) = if has_ended(told) { (1, Duration::ZERO) } else { TRIES };
    for _ in 0..tries {
        // Error ignored: tried again, and else said by the launcher.
        if layers.remove(candidates).is_ok() {
            sys::process::exit(0);
        }
        sleep(pause);
    }
    sys::process::exit(1)
}

/// Waits for the end of the sandbox (true) or of the launcher.
fn has_ended(told: &OwnedFd) -> bool {
    loop {
        match read(told, &mut [0]) {
            Err(Errno::EINTR) => {}
            // Error ignored: the launcher may be gone, which only makes the tries more.
            ended => return ended == Ok(1),
        }
    }
}
