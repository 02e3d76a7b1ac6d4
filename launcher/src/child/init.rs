//! PID 1 inside: reaps what is orphaned, relays signals to the command, and ends with it or with the launcher.

use crate::child::ends::ChildEnds;
use crate::failure::{Failure, Step};
use crate::sys;
use crate::sys::idle::Idle;
use nix::errno::Errno;
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

/// All signals, which are blocked already, from a descriptor: opened before there is a command, so that a failure can be reported.
///
/// # Errors
/// Those of signalfd(2).
pub(crate) fn signals() -> Result<SignalFd, Errno> {
    SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// Runs as PID 1 until the command, whose PID inside is given, or the launcher has ended.
///
/// It stays out of reach of what runs inside: the command's process, which shared this memory until its execve, has changed its IDs,
/// and that makes the memory dumpable again where fs.suid_dumpable is 1 (proc_sys_fs(5)).
pub(crate) fn run(command: i32, signals: &SignalFd, ends: &ChildEnds) -> ! {
    if let Err(errno) = set_dumpable(false) {
        Failure::new(Step::Init, b"", errno).end();
    }
    ends.close_all_but_lifeline();
    let mut ready = [
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        PollFd::new(ends.lifeline.as_fd(), PollFlags::empty()),
    ];
    let mut idle = Idle::default();
    loop {
        match idle.poll(&mut ready) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Error ignored: without a look at the launcher nothing may run, and there is nobody to report to.
            Err(_) => end(KILLED),
        }
        if ready.last().and_then(PollFd::any) == Some(true) {
            end(KILLED);
        }
        // Error ignored: a signal that cannot be read stays in the queue for the next turn.
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
    sys::process::exit(status)
}

/// Passes on what comes from outside the pid namespace, where the sender has no PID; what the command sends to us ends here.
fn relay(command: i32, signal: &siginfo) {
    let Ok(number) = i32::try_from(signal.ssi_signo) else { return };
    if number != libc::SIGCHLD && signal.ssi_pid == 0 && signal.ssi_code != SI_KERNEL {
        // Error ignored: the command has ended.
        let _ = sys::signals::kill(command, number);
    }
}

/// Reaps all that has ended; how the command ended, if it is among them.
fn reap(command: i32) -> Option<sys::process::Ended> {
    let mut outcome = None;
    loop {
        match sys::process::reap_any() {
            Ok(Some((pid, ended))) if pid == command => outcome = Some(ended),
            Ok(Some(_)) | Err(Errno::EINTR) => {}
            Ok(None) => return outcome,
            // Error ignored: there is no child, so that the command has ended.
            Err(_) => return Some(outcome.unwrap_or(sys::process::Ended::Killed(libc::SIGKILL))),
        }
    }
}
