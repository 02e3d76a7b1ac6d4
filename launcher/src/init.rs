//! PID 1 inside: reaps what is orphaned, relays signals to the command, and ends with it or with the launcher.

use crate::idle::Idle;
use crate::kernel;
use crate::mount_points::MountPoints;
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MntFlags, umount2};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use std::os::fd::{AsFd, OwnedFd};

/// SI_KERNEL in asm-generic/siginfo.h: a terminal's signal, which the command has got itself.
const SI_KERNEL: i32 = 0x80;
/// What the sandbox ends with when the launcher is gone: as if it had been killed itself.
const KILLED: u8 = 137;

/// Runs as PID 1 until the command, whose PID inside is given, or the launcher has ended. All signals are blocked already.
pub(crate) fn run(command: i32, lifeline: &OwnedFd, mount_points: &MountPoints) -> ! {
    let kept: Vec<&OwnedFd> = [lifeline].into_iter().chain(mount_points.folders()).collect();
    kernel::close_from_but(0, &kept);
    // The second string, for an init that was stopped: it wakes up where there is something left to be removed, and ends otherwise.
    if !mount_points.is_empty() {
        let _ = set_pdeathsig(Signal::SIGCONT);
    }
    let Ok(signals) = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
    else {
        end(KILLED)
    };
    let mut ready =
        [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(lifeline.as_fd(), PollFlags::empty())];
    let mut idle = Idle::default();
    loop {
        let _ = idle.poll(&mut ready);
        if ready.last().and_then(PollFd::any) == Some(true) {
            remove_mount_points(mount_points);
            end(KILLED);
        }
        while let Ok(Some(signal)) = signals.read_signal() {
            relay(command, &signal);
        }
        if let Some(ended) = reap(command) {
            remove_mount_points(mount_points);
            end(ended.status());
        }
    }
}

/// The kernel then kills everything else in the pid namespace: pid_namespaces(7).
fn end(status: u8) -> ! {
    kernel::exit(status)
}

/// Passes on what comes from outside the pid namespace, where the sender has no PID; what the command sends to us ends here.
fn relay(command: i32, signal: &siginfo) {
    let Ok(number) = i32::try_from(signal.ssi_signo) else { return };
    if number != libc::SIGCHLD && signal.ssi_pid == 0 && signal.ssi_code != SI_KERNEL {
        let _ = kernel::kill(command, number);
    }
}

fn reap(command: i32) -> Option<kernel::Ended> {
    let mut outcome = None;
    while let Ok(Some((pid, ended))) = kernel::reap_any() {
        if pid == command {
            outcome = Some(ended);
        }
    }
    outcome
}

/// The launcher does it too, unless it is killed.
fn remove_mount_points(mount_points: &MountPoints) {
    if !mount_points.is_empty() {
        let _ = kernel::kill(-1, libc::SIGKILL);
        while kernel::reap_any() != Err(Errno::ECHILD) {
            let _ = poll(&mut [], PollTimeout::from(1_u8));
        }
        for place in mount_points.inside() {
            let _ = umount2(place, MntFlags::MNT_DETACH);
        }
    }
    mount_points.remove();
}
