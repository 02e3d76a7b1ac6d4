//! PID 1 in the sandbox: reaps orphans, relays signals to the command, and ends when the command or the
//! launcher ends.

use crate::child::ends::ChildEnds;
use crate::failure::{Failure, Step};
use crate::sys;
use crate::sys::idle::Idle;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::prctl::set_dumpable;
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::unistd::{Pid, getpgid, setpgid};
use std::os::fd::AsFd as _;

/// SI_KERNEL in asm-generic/siginfo.h: a signal from the terminal, which the launcher also gets and relays.
const SI_KERNEL: i32 = 0x80;
/// The sandbox's exit status if the launcher has ended: the same as if it had been killed itself.
const KILLED: u8 = 137;

/// A descriptor for all signals, which are already blocked. It is opened before the command exists, so that a
/// failure can be reported.
///
/// # Errors
/// An error of signalfd(2).
pub(crate) fn signals() -> Result<SignalFd, Errno> {
    SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// Runs as PID 1 until the command or the launcher has ended. `command` is the command's PID in the sandbox.
///
/// PID 1 must stay out of reach of the processes in the sandbox. The command's process shares this memory
/// until its execve and has changed its IDs, which makes the memory dumpable again if fs.suid_dumpable is 1
/// (proc_sys_fs(5)).
pub(crate) fn run(command: i32, signals: &SignalFd, ends: &ChildEnds) -> ! {
    if let Err(errno) = set_dumpable(false) {
        Failure::new(Step::Init, b"", errno).end();
    }
    // Leave the launcher's process group, in which the command stays. A signal to the group reaches the
    // launcher, which relays it, and the command itself; init would relay it once more.
    // Error ignored: the command then also gets init's signal.
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    // Until then, a key at the terminal sends its signal here, too. While it is pending, the kernel drops the
    // same signal from the launcher, which sends none before the report pipe is closed.
    handle_signals(command, signals);
    ends.close_all_but_lifeline();
    let mut ready = [
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        PollFd::new(ends.lifeline.as_fd(), PollFlags::empty()),
    ];
    let mut idle = Idle::default();
    loop {
        match idle.poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Error ignored: without a watch on the launcher nothing may run, and there is no one to report
            // to.
            Err(_) => end(KILLED),
        }
        if ready.last().and_then(PollFd::any) == Some(true) {
            end(KILLED);
        }
        handle_signals(command, signals);
    }
}

/// Relays every signal that has arrived, and ends with the command.
fn handle_signals(command: i32, signals: &SignalFd) {
    let mut arrived = false;
    // Error ignored: a signal that cannot be read stays queued for the next call.
    while let Ok(Some(signal)) = signals.read_signal() {
        relay(command, &signal);
        arrived = true;
    }
    if arrived {
        if let Some(ended) = reap(command) {
            end(ended.status());
        }
    }
}

/// Ends PID 1. The kernel then kills every other process in the pid namespace: pid_namespaces(7).
fn end(status: u8) -> ! {
    sys::process::exit(status)
}

/// Relays signals from outside the pid namespace, whose senders have no PID inside. Signals from the command
/// itself are dropped.
fn relay(command: i32, signal: &siginfo) {
    let Ok(number) = i32::try_from(signal.ssi_signo) else { return };
    let number = sys::signals::carried(signal.ssi_code).unwrap_or(number);
    let has_it = match signal.ssi_code {
        SI_KERNEL => true,
        sys::signals::SENT_TO_GROUP => is_in_launchers_group(command),
        _ => false,
    };
    if number != libc::SIGCHLD && signal.ssi_pid == 0 && !has_it {
        // Error ignored: the command has ended.
        let _ = sys::signals::kill(command, number);
    }
}

/// True until the command enters its own process group or session. The launcher's group shows as 0, because
/// it has no number in this pid namespace.
fn is_in_launchers_group(command: i32) -> bool {
    // Error ignored: the command has ended, and a signal has no effect.
    getpgid(Some(Pid::from_raw(command))) == Ok(Pid::from_raw(0))
}

/// Reaps every process that has ended. Returns how the command ended, if it is among them.
fn reap(command: i32) -> Option<sys::process::Ended> {
    let mut outcome = None;
    loop {
        match sys::process::reap_any() {
            Ok(Some((pid, ended))) if pid == command => outcome = Some(ended),
            Ok(Some(_)) | Err(Errno::EINTR) => {}
            Ok(None) => return outcome,
            // Error ignored: there are no children, so the command has ended.
            Err(_) => return Some(outcome.unwrap_or(sys::process::Ended::Killed(libc::SIGKILL))),
        }
    }
}
