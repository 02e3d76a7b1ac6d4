//! Signals: rt_sigaction(2), kill(2).

use crate::sys::Outcome;
use nix::errno::Errno;
use nix::libc::{self, c_int};

/// SIGRTMAX of the kernel: signal(7).
const LAST_SIGNAL: c_int = 64;

/// The si_code with which the launcher passes to init what the kernel sent to their whole process group.
pub(crate) const SENT_TO_GROUP: c_int = -0x80;

/// The signal and the si_code with which `subroot kill` and `stop` make the launcher of a detached sandbox end
/// everything in it. A real-time signal is queued even if another one is pending: signal(7).
pub(crate) const END: c_int = LAST_SIGNAL;
pub(crate) const END_SANDBOX: c_int = -0x81;

/// The si_code of [`END`] with which `subroot kill` makes the launcher, and the launcher makes init, send the command
/// a signal that they cannot read themselves. The signal is subtracted from it.
const CARRIER: c_int = -0x100;

/// True for a signal that stops or ends a process before it can read it: SIGSTOP, and those that the C library
/// itself uses, which are never blocked. SIGKILL ends the whole sandbox.
pub(crate) fn must_be_carried(signal: c_int) -> bool {
    matches!(signal, libc::SIGSTOP | 32 | 33)
}

/// The si_code that carries this signal.
pub(crate) fn code_of_carried(signal: c_int) -> c_int {
    CARRIER - signal
}

/// The signal that this si_code carries.
pub(crate) fn carried(code: c_int) -> Option<c_int> {
    CARRIER.checked_sub(code).filter(|signal| must_be_carried(*signal))
}

/// Sets a signal to its default disposition: rt_sigaction(2).
///
/// The C library's function is not used, because it refuses the two signals that the library itself uses,
/// even if they were inherited as ignored.
///
/// # Errors
/// EINVAL for SIGKILL and SIGSTOP, whose disposition cannot change.
pub(crate) fn default_disposition(signal: c_int) -> Outcome<()> {
    /// The kernel's sigset_t, in bytes.
    const SET_SIZE: usize = 8;
    // SIG_DFL, no flags, no restorer, an empty mask: all zero.
    let action = [0_usize; 4];
    syscall!(libc::SYS_rt_sigaction, signal, action.as_ptr(), std::ptr::null::<usize>(), SET_SIZE).map(drop)
}

/// Resets all signals to their defaults and unblocks them, as programs expect. Uses only direct system calls.
///
/// # Errors
/// Errors of rt_sigaction(2) and rt_sigprocmask(2).
pub(crate) fn clean_signals() -> Outcome<()> {
    let has_others = |signal: &c_int| !matches!(*signal, libc::SIGKILL | libc::SIGSTOP);
    (1..=LAST_SIGNAL).filter(has_others).try_for_each(default_disposition)?;
    let none = 0_u64;
    syscall!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, 0, size_of::<u64>()).map(drop)
}

/// Blocks every signal except the two that the C library itself uses: nptl(7). It is a direct call, because
/// pthread_sigmask(3) returns its error, which nix takes for success.
///
/// # Errors
/// Errors of rt_sigprocmask(2).
pub(crate) fn block_signals() -> Outcome<()> {
    const C_LIBRARYS: u64 = 0b11 << 31;
    let blocked = !C_LIBRARYS;
    let (before, size) = (std::ptr::null::<u64>(), size_of::<u64>());
    syscall!(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, &raw const blocked, before, size).map(drop)
}

/// True if this process ignores the signal: rt_sigaction(2).
///
/// # Errors
/// EINVAL for an invalid signal.
pub(crate) fn is_ignored(signal: c_int) -> Outcome<bool> {
    let mut action = [0_usize; 4];
    syscall!(libc::SYS_rt_sigaction, signal, std::ptr::null::<usize>(), action.as_mut_ptr(), 8_usize)?;
    Ok(action.first() == Some(&libc::SIG_IGN))
}

/// kill(2) with any signal number. A negative PID is a process group.
///
/// # Errors
/// ESRCH if the process does not exist.
pub(crate) fn kill(pid: i32, signal: c_int) -> Outcome<()> {
    syscall!(libc::SYS_kill, pid, signal).map(drop)
}
