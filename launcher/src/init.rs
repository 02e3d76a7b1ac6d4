//! PID 1 inside: reaps what is orphaned, relays signals to the command, and ends with it or with the launcher.

use crate::child::ChildEnds;
use crate::idle::Idle;
use crate::kernel;
use nix::libc;
use nix::poll::{PollFd, PollFlags};
use nix::sys::prctl::set_dumpable;
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use std::os::fd::AsFd as _;

/// SI_KERNEL in asm-generic/siginfo.h: a terminal's signal, which the command has got itself.
const SI_KERNEL: i32 = 0x80;
/// What the sandbox ends with when the launcher is gone: as if it had been killed itself.
const KILLED: u8 = 137;

/// Runs as PID 1 until the command, whose PID inside is given, or the launcher has ended. All signals are blocked already.
///
/// It stays out of reach of what runs inside: the command's process, which shared this memory until its execve, has changed its IDs,
/// and that makes the memory dumpable again where fs.suid_dumpable is 1 (proc_sys_fs(5)).
pub(crate) fn run(command: i32, ends: &ChildEnds) -> ! {
    if set_dumpable(false).is_err() {
        end(KILLED);
    }
    ends.close_all_but_lifeline();
    let Ok(signals) = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
    else {
        end(KILLED)
    };
    let mut ready = [
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        PollFd::new(ends.lifeline.as_fd(), PollFlags::empty()),
    ];
    let mut idle = Idle::default();
    loop {
        let _ = idle.poll(&mut ready);
        if ready.last().and_then(PollFd::any) == Some(true) {
            end(KILLED);
        }
        while let Ok(Some(signal)) = signals.read_signal() {
            relay(command, &signal);
        }
        if let Some(ended) = reap(command) {
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
