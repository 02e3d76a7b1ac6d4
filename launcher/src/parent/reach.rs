//! Which signals from the kernel reached the whole process group of the launcher, and which only the
//! launcher.

use nix::libc;
use nix::sys::signalfd::siginfo;
use nix::unistd::{Pid, getpgid, getpgrp, getpid, getsid};

/// SI_KERNEL in asm-generic/siginfo.h: the kernel sent the signal.
const SI_KERNEL: i32 = 0x80;

/// True if the kernel sent this signal to every process of the launcher's process group.
///
/// The sender alone does not tell this: the kernel sends the signals of timers and resource limits to one
/// process. A terminal sends the signals of its keys, its size and job control to its foreground process
/// group, but a hangup only to the leader of its session: tty_signal_session_leader() in
/// drivers/tty/tty_jobctrl.c. Other processes get a hangup as members of a group, when the session leader
/// ends, or when a stopped group loses the last process that could continue it.
pub(crate) fn is_of_the_group(signal: &siginfo) -> bool {
    let is_for_groups = match i32::try_from(signal.ssi_signo) {
        Ok(libc::SIGINT | libc::SIGQUIT | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU | libc::SIGWINCH) => {
            true
        }
        // Error ignored: the call fails only for another process.
        Ok(libc::SIGHUP | libc::SIGCONT) => getsid(None) != Ok(getpid()),
        _ => false,
    };
    is_for_groups && signal.ssi_code == SI_KERNEL
}

/// True if this child, which has not been reaped, is in the launcher's process group.
pub(crate) fn is_in_our_group(pid: i32) -> bool {
    // Error ignored: the child has ended, and a signal has no effect.
    getpgid(Some(Pid::from_raw(pid))) == Ok(getpgrp())
}
