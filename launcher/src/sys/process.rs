//! Processes: made, signalled, waited for, and ended. clone(2), pidfd_open(2), waitid(2).

use crate::sys::Outcome;
use crate::sys::is_unknown;
use crate::sys::owned;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_long, c_void};
use std::convert::Infallible;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Which side of a [`clone_process`] this is.
pub(crate) enum Side {
    /// The new process.
    Child,
    /// The process that made it: the child's PID, and a pidfd that is its own whatever becomes of the PID.
    Parent(i32, OwnedFd),
}

/// clone3(2), or clone(2), with a pidfd and `flags`; the child goes on with a copy of this process' memory, as after fork(2).
///
/// # Errors
/// EPERM, EUSERS, ENOSPC and others where namespaces are forbidden or used up.
pub(crate) fn clone_process(flags: c_int) -> Outcome<Side> {
    clone_with(flags, libc::SIGCHLD)
}

const NO_CLONE_ARGUMENTS: libc::clone_args = libc::clone_args {
    flags: 0,
    pidfd: 0,
    child_tid: 0,
    parent_tid: 0,
    exit_signal: 0,
    stack: 0,
    stack_size: 0,
    tls: 0,
    set_tid: 0,
    set_tid_size: 0,
    cgroup: 0,
};

fn clone_with(flags: c_int, exit_signal: c_int) -> Outcome<Side> {
    let mut pidfd: c_int = -1;
    let descriptor_at = &raw mut pidfd;
    let mut arguments = libc::clone_args {
        flags: u64::from((flags | libc::CLONE_PIDFD).unsigned_abs()),
        pidfd: descriptor_at as u64,
        exit_signal: u64::from(exit_signal.unsigned_abs()),
        ..NO_CLONE_ARGUMENTS
    };
    // The launcher has one thread, so that the child may use the heap and every lock it finds.
    let pid = match syscall!(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>()) {
        // A filter cannot look into the arguments of clone3(2).
        Err(errno) if is_unknown(errno) => {
            let flags = c_long::from(flags | libc::CLONE_PIDFD | exit_signal);
            let same_stack: c_long = 0;
            syscall!(libc::SYS_clone, flags, same_stack, descriptor_at, 0, 0)?
        }
        pid => pid?,
    };
    match i32::try_from(pid) {
        Ok(0) => Ok(Side::Child),
        Ok(pid) => Ok(Side::Parent(pid, owned(c_long::from(pidfd))?)),
        // Error ignored: another one is returned.
        Err(_) => Err(Errno::EOVERFLOW),
    }
}

/// A new process that is a child of this one's parent, in the pid namespace for this one's children: clone3(2).
///
/// # Errors
/// EAGAIN where no more processes are allowed.
pub(crate) fn clone_sibling() -> Outcome<Side> {
    clone_with(libc::CLONE_PARENT, 0)
}

/// pidfd_open(2).
///
/// # Errors
/// ESRCH when there is no such process. The kernel says EINVAL where the number is still that of a process group or a session, or is
/// a thread's.
pub(crate) fn pidfd_open(pid: u32) -> Outcome<OwnedFd> {
    match syscall!(libc::SYS_pidfd_open, pid, 0) {
        Err(Errno::EINVAL) => Err(Errno::ESRCH),
        opened => opened.and_then(owned),
    }
}

/// pidfd_send_signal(2), any signal number.
///
/// # Errors
/// ESRCH when the process has ended.
pub(crate) fn pidfd_send_signal(process: impl AsFd, signal: c_int) -> Outcome<()> {
    let process = process.as_fd().as_raw_fd();
    syscall!(libc::SYS_pidfd_send_signal, process, signal, 0, 0).map(drop)
}

/// setrlimit(2) by the resource's number.
///
/// # Errors
/// EPERM for a hard limit above the old one.
pub(crate) fn set_limit(resource: u32, soft: u64, hard: u64) -> Outcome<()> {
    let limit = [soft, hard];
    syscall!(libc::SYS_prlimit64, 0, resource, limit.as_ptr(), std::ptr::null::<u64>()).map(drop)
}

/// Runs `child` in a new process, as vfork(2) does: it has the memory of this one, which stands still until that has executed a
/// program or ended. Gives its PID. All signals are blocked.
///
/// # Errors
/// EAGAIN where no more processes are allowed.
pub(crate) fn vfork<F: FnOnce() -> Infallible>(child: F) -> Outcome<i32> {
    vfork_with(0, &mut -1, child)
}

pub(crate) fn vfork_with<F: FnOnce() -> Infallible>(
    flags: c_int,
    pidfd: &mut c_int,
    child: F,
) -> Outcome<i32> {
    /// In units that are aligned as every stack has to be: 256 KiB, of which no more is in memory than is used.
    const STACK: usize = 16 * 1024;
    let mut stack: Vec<u128> = Vec::with_capacity(STACK);
    let top = stack.as_mut_ptr().wrapping_add(STACK).cast();
    let mut child = Some(child);
    let argument = (&raw mut child).cast();
    let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child has this memory (CLONE_VM), and a stack of its own in it whose end `top` is, while this thread, the only
    // one, stands still until the child has executed or ended (CLONE_VFORK): all that it borrows lives, and it finds the heap and
    // every lock free, as all that it calls returns before it ends. It does not return to here, a panic in it aborts it, and
    // no handler of a signal runs in it, as all are blocked until none is left. clone(2) writes one number to `pidfd`.
    Errno::result(unsafe { libc::clone(run::<F>, top, flags, argument, &raw mut *pidfd) })
}

/// What the child of [`vfork_with`] does.
extern "C" fn run<F: FnOnce() -> Infallible>(child: *mut c_void) -> c_int {
    // SAFETY: this is the `child` of the parent, which stands still.
    match unsafe { (*child.cast::<Option<F>>()).take() }.map(|child| child()) {
        Some(never) => match never {},
        None => exit(127),
    }
}

/// fork(2). The launcher has one thread, so that the child may use the heap and every lock it finds.
///
/// # Errors
/// EAGAIN where RLIMIT_NPROC or a pids limit is used up.
pub(crate) fn fork() -> Outcome<Option<i32>> {
    // SAFETY: a process with one thread may do after fork whatever it could do before.
    let pid = Errno::result(unsafe { libc::fork() })?;
    Ok((pid != 0).then_some(pid))
}

/// _exit(2): ends a process that was forked, without what its parent has set up for an end of its own.
pub(crate) fn exit(status: u8) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { libc::_exit(c_int::from(status)) }
}

/// Makes a process with `flags` that ends at once.
///
/// # Errors
/// Those of clone3(2), and of waitid(2).
pub(crate) fn try_clone(flags: c_int) -> Outcome<()> {
    match clone_process(flags)? {
        Side::Parent(_, process) => wait_for(&process).map(drop),
        Side::Child => exit(0),
    }
}

/// True if as many PID namespaces are around this process as the kernel allows (MAX_PID_NS_LEVEL, 32), or one less.
///
/// Asks clone3(2) for a PID at 32 levels: EINVAL if there are not that many, else EPERM or EEXIST, as the PID asked for is
/// this process's own. No process is made.
pub(crate) fn is_deepest_pid_namespace() -> bool {
    let pids = [std::process::id(); 32];
    let arguments = libc::clone_args {
        exit_signal: u64::from(libc::SIGCHLD.unsigned_abs()),
        set_tid: pids.as_ptr() as u64,
        set_tid_size: pids.len() as u64,
        ..NO_CLONE_ARGUMENTS
    };
    let made = syscall!(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>());
    // Error ignored: only the words of a failure depend on it.
    matches!(made, Err(Errno::EPERM | Errno::EEXIST))
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By exit(2), with this status.
    Exited(c_int),
    /// By this signal.
    Killed(c_int),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Exited(status) => write!(f, "exit status {status}"),
            Ended::Killed(signal) => write!(f, "signal {signal}"),
        }
    }
}

impl Ended {
    /// As a shell says it: the exit status, or 128 and the signal's number.
    pub(crate) fn status(self) -> u8 {
        let status = match self {
            Ended::Exited(status) => status,
            Ended::Killed(signal) => 128 + signal,
        };
        u8::try_from(status & 0xff).ok().unwrap_or(u8::MAX)
    }
}

/// Reaps the process of a pidfd, waiting for its end.
///
/// # Errors
/// ECHILD when it is no child of this process.
pub(crate) fn wait_for(process: impl AsFd) -> Outcome<Ended> {
    let id = process.as_fd().as_raw_fd().unsigned_abs();
    match wait(libc::P_PIDFD, id, 0)? {
        Some((_, ended)) => Ok(ended),
        None => Err(Errno::ECHILD),
    }
}

/// Reaps the process of a pidfd if it has ended.
///
/// # Errors
/// ECHILD when it is no child of this process.
pub(crate) fn reap(process: impl AsFd) -> Outcome<Option<Ended>> {
    let id = process.as_fd().as_raw_fd().unsigned_abs();
    wait(libc::P_PIDFD, id, libc::WNOHANG).map(|found| found.map(|(_, ended)| ended))
}

/// Reaps a child that has ended, if there is one: its PID, and how it ended.
///
/// # Errors
/// ECHILD when there is no child at all.
pub(crate) fn reap_any() -> Outcome<Option<(i32, Ended)>> {
    wait(libc::P_ALL, 0, libc::WNOHANG)
}

fn wait(kind: libc::idtype_t, id: libc::id_t, flags: c_int) -> Outcome<Option<(i32, Ended)>> {
    // SAFETY: siginfo_t is plain data for which all zeros is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: waitid writes one siginfo_t.
    Errno::result(unsafe { libc::waitid(kind, id, &raw mut info, libc::WEXITED | flags) })?;
    // SAFETY: waitid has filled the fields of a SIGCHLD in, or left all at zero where no child had ended.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    let ended = if info.si_code == libc::CLD_EXITED { Ended::Exited(status) } else { Ended::Killed(status) };
    Ok((pid != 0).then_some((pid, ended)))
}
