//! Processes: creating, signalling, waiting and ending. clone(2), pidfd_open(2), waitid(2).

use crate::sys::Outcome;
use crate::sys::is_unknown;
use crate::sys::owned;
use nix::errno::Errno;
use nix::libc::{self, c_int, c_long, c_void};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::convert::Infallible;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Instant;

/// Which process is returning from [`clone_process`].
pub(crate) enum Side {
    /// The new process.
    Child,
    /// The parent: the child's PID, and a pidfd, which stays valid even if the PID is reused.
    Parent(i32, OwnedFd),
}

/// clone3(2), or clone(2), with a pidfd and `flags`. The child continues with a copy of this process's
/// memory, as after fork(2).
///
/// # Errors
/// EPERM, EUSERS, ENOSPC and others if namespaces are forbidden or exhausted.
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
    // The launcher has one thread, so the child may use the heap and locks.
    let pid = match syscall!(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>()) {
        // Filters refuse clone3(2) because they cannot examine its arguments.
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

/// Creates a process as a child of this process's parent, in the pid namespace for this process's children:
/// clone3(2).
///
/// # Errors
/// EAGAIN if no more processes are allowed.
pub(crate) fn clone_sibling() -> Outcome<Side> {
    clone_with(libc::CLONE_PARENT, 0)
}

/// pidfd_open(2).
///
/// # Errors
/// ESRCH if the process does not exist. The kernel returns EINVAL if the number belongs to a thread, or still
/// to a process group or session.
pub(crate) fn pidfd_open(pid: u32) -> Outcome<OwnedFd> {
    match syscall!(libc::SYS_pidfd_open, pid, 0) {
        Err(Errno::EINVAL) => Err(Errno::ESRCH),
        opened => opened.and_then(owned),
    }
}

/// pidfd_send_signal(2), with any signal number.
///
/// # Errors
/// ESRCH if the process has ended.
pub(crate) fn pidfd_send_signal(process: impl AsFd, signal: c_int) -> Outcome<()> {
    let process = process.as_fd().as_raw_fd();
    syscall!(libc::SYS_pidfd_send_signal, process, signal, 0, 0).map(drop)
}

/// The same with this si_code, which must be negative: the kernel's own codes are not.
///
/// # Errors
/// ESRCH when the process has ended.
pub(crate) fn pidfd_send_signal_with_code(process: impl AsFd, signal: c_int, code: c_int) -> Outcome<()> {
    // siginfo_t: si_signo, si_errno, si_code; the kernel replaces the sender's PID if the receiver cannot see it.
    let mut info: [c_int; 32] = [0; 32];
    [info[0], info[2]] = [signal, code];
    let process = process.as_fd().as_raw_fd();
    syscall!(libc::SYS_pidfd_send_signal, process, signal, info.as_ptr(), 0).map(drop)
}

/// setrlimit(2), with the number of the resource.
///
/// # Errors
/// EPERM for a hard limit above the old one.
pub(crate) fn set_limit(resource: u32, soft: u64, hard: u64) -> Outcome<()> {
    let limit = [soft, hard];
    syscall!(libc::SYS_prlimit64, 0, resource, limit.as_ptr(), std::ptr::null::<u64>()).map(drop)
}

/// Waits for the end of the process of a pidfd, at most until this time. True if it has ended.
///
/// # Errors
/// Errors of poll(2).
pub(crate) fn ends_by(process: &OwnedFd, until: Option<Instant>) -> Outcome<bool> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()).as_millis());
        let limit = left
            .map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).ok().unwrap_or(PollTimeout::MAX));
        match poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], limit) {
            Err(Errno::EINTR) => {}
            polled => return polled.map(|count| count > 0),
        }
    }
}

/// The hard limit of this process: prlimit(2).
///
/// # Errors
/// Errors of prlimit(2).
pub(crate) fn hard_limit(resource: u32) -> Outcome<u64> {
    let mut limit = [0_u64; 2];
    syscall!(libc::SYS_prlimit64, 0, resource, std::ptr::null::<u64>(), limit.as_mut_ptr())?;
    Ok(limit[1])
}

/// Runs `child` in a new process that shares this process's memory, as vfork(2) does. This process is
/// suspended until the child has executed a program or ended. Returns the child's PID. All signals must be
/// blocked.
///
/// # Errors
/// EAGAIN if no more processes are allowed.
pub(crate) fn vfork<F: FnOnce() -> Infallible>(child: F) -> Outcome<i32> {
    vfork_with(0, &mut -1, child)
}

pub(crate) fn vfork_with<F: FnOnce() -> Infallible>(
    flags: c_int,
    pidfd: &mut c_int,
    child: F,
) -> Outcome<i32> {
    /// 256 KiB, in units with the alignment that stacks need. Only the pages that are used take memory.
    const STACK: usize = 16 * 1024;
    let mut stack: Vec<u128> = Vec::with_capacity(STACK);
    let top = stack.as_mut_ptr().wrapping_add(STACK).cast();
    let mut child = Some(child);
    let argument = (&raw mut child).cast();
    let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child shares this memory (CLONE_VM) and has its own stack in it, which ends at `top`. This
    // process's only thread is suspended until the child has executed a program or ended (CLONE_VFORK), so
    // everything that the child borrows stays alive. The heap and all locks are free, because every call in
    // the child returns before it ends. The child never returns to this point, a panic in it aborts it, and
    // no signal handler runs in it, because all signals are blocked until no handlers are left. clone(2)
    // writes one number to `pidfd`.
    Errno::result(unsafe { libc::clone(run::<F>, top, flags, argument, &raw mut *pidfd) })
}

/// The entry function of the child of [`vfork_with`].
extern "C" fn run<F: FnOnce() -> Infallible>(child: *mut c_void) -> c_int {
    // SAFETY: this is the `child` of the suspended parent.
    match unsafe { (*child.cast::<Option<F>>()).take() }.map(|child| child()) {
        Some(never) => match never {},
        None => exit(127),
    }
}

/// fork(2). The launcher has one thread, so the child may use the heap and locks.
///
/// # Errors
/// EAGAIN if RLIMIT_NPROC or a pids limit is reached.
pub(crate) fn fork() -> Outcome<Option<i32>> {
    // SAFETY: the child of a process with one thread may do anything that its parent may.
    let pid = Errno::result(unsafe { libc::fork() })?;
    Ok((pid != 0).then_some(pid))
}

/// _exit(2): ends a forked process without running its parent's exit handlers.
pub(crate) fn exit(status: u8) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { libc::_exit(c_int::from(status)) }
}

/// Creates a process with `flags`, which ends at once.
///
/// # Errors
/// Errors of clone3(2) and of waitid(2).
pub(crate) fn try_clone(flags: c_int) -> Outcome<()> {
    match clone_process(flags)? {
        Side::Parent(_, process) => wait_for(&process).map(drop),
        Side::Child => exit(0),
    }
}

/// True if this pid namespace is at the kernel's maximum nesting depth (MAX_PID_NS_LEVEL, 32), or one level
/// above it.
///
/// Requests a PID at 32 levels from clone3(2). The result is EINVAL if there are fewer levels, else EPERM or
/// EEXIST, because the requested PID is this process's own. No process is created.
pub(crate) fn is_deepest_pid_namespace() -> bool {
    let pids = [std::process::id(); 32];
    let arguments = libc::clone_args {
        exit_signal: u64::from(libc::SIGCHLD.unsigned_abs()),
        set_tid: pids.as_ptr() as u64,
        set_tid_size: pids.len() as u64,
        ..NO_CLONE_ARGUMENTS
    };
    let made = syscall!(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>());
    // Error ignored: it affects only the text of the message.
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
    /// The status that a shell reports: the exit status, or 128 plus the signal's number.
    pub(crate) fn status(self) -> u8 {
        let status = match self {
            Ended::Exited(status) => status,
            Ended::Killed(signal) => 128 + signal,
        };
        u8::try_from(status & 0xff).ok().unwrap_or(u8::MAX)
    }
}

/// Waits for the process of a pidfd to end, and reaps it.
///
/// # Errors
/// ECHILD if it is not a child of this process.
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
/// ECHILD if it is not a child of this process.
pub(crate) fn reap(process: impl AsFd) -> Outcome<Option<Ended>> {
    let id = process.as_fd().as_raw_fd().unsigned_abs();
    wait(libc::P_PIDFD, id, libc::WNOHANG).map(|found| found.map(|(_, ended)| ended))
}

/// Reaps one child that has ended, if any. Returns its PID and how it ended.
///
/// # Errors
/// ECHILD if there are no children.
pub(crate) fn reap_any() -> Outcome<Option<(i32, Ended)>> {
    wait(libc::P_ALL, 0, libc::WNOHANG)
}

fn wait(kind: libc::idtype_t, id: libc::id_t, flags: c_int) -> Outcome<Option<(i32, Ended)>> {
    // SAFETY: siginfo_t is plain data, and all zeros is a valid value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: waitid writes one siginfo_t.
    Errno::result(unsafe { libc::waitid(kind, id, &raw mut info, libc::WEXITED | flags) })?;
    // SAFETY: waitid has set the fields for SIGCHLD, or left them zero if no child had ended.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    let ended = if info.si_code == libc::CLD_EXITED { Ended::Exited(status) } else { Ended::Killed(status) };
    Ok((pid != 0).then_some((pid, ended)))
}
