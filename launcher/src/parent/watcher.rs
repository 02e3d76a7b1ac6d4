//! Ends a sandbox whose launcher has died, and removes its mount points then: where the init inside cannot, because the command is
//! PID 1, because there is no pid namespace, or because mount points have to be removed from outside.
//!
//! It is a process of the host's, which never looks anything up inside. It hangs on the lifeline, as the command could undo the
//! death signal of prctl(2).

use crate::rootfs::created_mount_points::MountPoints;
use crate::sys;
use crate::sys::process::Side;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, OwnedFd};

/// How long the end of a killed sandbox is waited for, in milliseconds, before its mount points are removed.
const PATIENCE: u16 = 1_000;

/// Starts the watcher; it ends with the process that it watches, or with the lifeline's other end.
///
/// # Errors
/// Those of clone(2).
pub(crate) fn start(
    process: &OwnedFd,
    lifeline: &OwnedFd,
    mount_points: &MountPoints,
) -> Result<OwnedFd, Errno> {
    match sys::process::clone_process(0)? {
        Side::Parent(_, watcher) => Ok(watcher),
        Side::Child => watch(process, lifeline, mount_points),
    }
}

fn watch(process: &OwnedFd, lifeline: &OwnedFd, mount_points: &MountPoints) -> ! {
    let kept: Vec<&OwnedFd> = [process, lifeline].into_iter().chain(mount_points.descriptors()).collect();
    let mut ready =
        [PollFd::new(process.as_fd(), PollFlags::POLLIN), PollFd::new(lifeline.as_fd(), PollFlags::empty())];
    // Error ignored: what cannot be watched is ended.
    let can_watch = sys::descriptors::close_from_but(0, &kept).and_then(|()| wait(&mut ready)).is_ok();
    let launcher_died = ready.last().and_then(PollFd::any) == Some(true);
    if launcher_died || !can_watch {
        // Error ignored: the sandbox has ended already.
        let _ = sys::process::pidfd_send_signal(process, libc::SIGKILL);
        // Error ignored: the mount points are removed in either case.
        let _ = poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], PATIENCE);
    }
    // The launcher does it too, unless it is killed.
    mount_points.remove();
    sys::process::exit(0)
}

fn wait(ready: &mut [PollFd<'_>]) -> Result<(), Errno> {
    loop {
        match poll(ready, PollTimeout::NONE) {
            Ok(0) | Err(Errno::EINTR) => {}
            polled => return polled.map(drop),
        }
    }
}
