//! The watcher: ends a sandbox whose launcher has died, and removes its mount points. It is used if the
//! sandbox's init cannot do this: the command is PID 1, there is no pid namespace, or mount points must be
//! removed from outside.
//!
//! It is a process on the host that looks up no paths in the sandbox. It waits on the lifeline, because the
//! command could undo the death signal of prctl(2).

use crate::rootfs::created_mount_points::MountPoints;
use crate::sys;
use crate::sys::process::Side;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, OwnedFd};

/// How long to wait for the end of a killed sandbox before its mount points are removed, in milliseconds.
const PATIENCE: u16 = 1_000;

/// Starts the watcher. It ends when the watched process ends or the other end of the lifeline is closed.
///
/// # Errors
/// An error of clone(2).
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
    // Error ignored: a sandbox that cannot be watched is killed.
    let can_watch = sys::descriptors::close_from_but(0, &kept).and_then(|()| wait(&mut ready)).is_ok();
    let launcher_died = ready.last().and_then(PollFd::any) == Some(true);
    if launcher_died || !can_watch {
        // Error ignored: the sandbox has already ended.
        let _ = sys::process::pidfd_send_signal(process, libc::SIGKILL);
        // Error ignored: the mount points are removed in either case.
        let _ = poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], PATIENCE);
    }
    // The launcher does this too, unless it was killed.
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
