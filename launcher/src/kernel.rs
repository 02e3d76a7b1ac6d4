//! The system calls that neither std nor nix has, as safe functions: the launcher's only unsafe file.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc::{self, c_char, c_int, c_long, c_uint};
use nix::sys::stat::{FileStat, SFlag};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// What a system call gives: an errno where it failed.
pub type Outcome<T> = Result<T, Errno>;

/// Makes one system call; the arguments are integers or pointers that the caller keeps alive.
macro_rules! syscall {
    ($number:expr $(, $argument:expr)*) => {
        // SAFETY: every pointer among the arguments comes from a reference that outlives the call, and points to as much as
        // the call reads or writes.
        Errno::result(unsafe { libc::syscall($number $(, $argument)*) })
    };
}

fn owned(descriptor: c_long) -> Outcome<OwnedFd> {
    let descriptor = c_int::try_from(descriptor).map_err(|_| Errno::EBADF)?;
    // SAFETY: only called with what a successful call has just returned: a fresh descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Which side of a [`clone_process`] this is.
pub enum Side {
    /// The new process.
    Child,
    /// The process that made it: the child's PID, and a pidfd that is its own whatever becomes of the PID.
    Parent(i32, OwnedFd),
}

/// clone3(2) with a pidfd and `flags`; the child goes on with a copy of this process' memory, as after fork(2).
///
/// # Errors
/// EPERM, EUSERS, ENOSPC and others where namespaces are forbidden or used up.
pub fn clone_process(flags: c_int) -> Outcome<Side> {
    let mut pidfd: c_int = -1;
    let descriptor_at = &raw mut pidfd;
    let mut arguments = libc::clone_args {
        flags: u64::from((flags | libc::CLONE_PIDFD).unsigned_abs()),
        pidfd: descriptor_at as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: u64::from(libc::SIGCHLD.unsigned_abs()),
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    };
    // The launcher has one thread, so that the child may use the heap and every lock it finds.
    let pid = syscall!(libc::SYS_clone3, &raw mut arguments, size_of::<libc::clone_args>())?;
    match i32::try_from(pid) {
        Ok(0) => Ok(Side::Child),
        Ok(pid) => Ok(Side::Parent(pid, owned(c_long::from(pidfd))?)),
        Err(_) => Err(Errno::EOVERFLOW),
    }
}

/// pidfd_open(2).
///
/// # Errors
/// ESRCH when there is no such process.
pub fn pidfd_open(pid: u32) -> Outcome<OwnedFd> {
    syscall!(libc::SYS_pidfd_open, pid, 0).and_then(owned)
}

/// pidfd_send_signal(2), any signal number.
///
/// # Errors
/// ESRCH when the process has ended.
pub fn pidfd_send_signal(process: impl AsFd, signal: c_int) -> Outcome<()> {
    let process = process.as_fd().as_raw_fd();
    syscall!(libc::SYS_pidfd_send_signal, process, signal, 0, 0).map(drop)
}

/// open_tree(2): a detached copy of the mount tree at `path`, with all that is mounted below.
///
/// # Errors
/// ENOENT and others of a path; EINVAL for a mount of another mount namespace.
pub fn clone_tree(folder: impl AsFd, path: &CStr) -> Outcome<OwnedFd> {
    let flags =
        libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | AT_RECURSIVE | libc::AT_EMPTY_PATH.unsigned_abs();
    syscall!(libc::SYS_open_tree, folder.as_fd().as_raw_fd(), path.as_ptr(), flags).and_then(owned)
}

/// AT_RECURSIVE in linux/fcntl.h.
const AT_RECURSIVE: c_uint = 0x8000;

/// move_mount(2): attaches a detached mount at `name` below `folder`, or at `folder` itself where `name` is empty.
///
/// # Errors
/// Those of move_mount(2).
pub fn attach(mount: impl AsFd, folder: impl AsFd, name: &CStr) -> Outcome<()> {
    let flags = libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH;
    let (mount, folder) = (mount.as_fd().as_raw_fd(), folder.as_fd().as_raw_fd());
    syscall!(libc::SYS_move_mount, mount, c"".as_ptr(), folder, name.as_ptr(), flags).map(drop)
}

/// mount_setattr(2) on a whole tree: sets attributes (MOUNT_ATTR_…) and, where not 0, the propagation (MS_PRIVATE…).
///
/// # Errors
/// Those of mount_setattr(2); all of the tree is changed or nothing.
pub fn set_tree_attributes(tree: impl AsFd, set: u64, propagation: u64) -> Outcome<()> {
    mount_setattr(tree.as_fd(), AT_RECURSIVE, set, propagation)
}

/// mount_setattr(2) on one mount, without those below it.
///
/// # Errors
/// Those of mount_setattr(2).
pub fn set_attributes(mount: impl AsFd, set: u64) -> Outcome<()> {
    mount_setattr(mount.as_fd(), 0, set, 0)
}

fn mount_setattr(mount: BorrowedFd<'_>, flags: c_uint, set: u64, propagation: u64) -> Outcome<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation, userns_fd: 0 };
    let flags = flags | libc::AT_EMPTY_PATH.unsigned_abs();
    let (mount, size) = (mount.as_raw_fd(), size_of::<libc::mount_attr>());
    syscall!(libc::SYS_mount_setattr, mount, c"".as_ptr(), flags, &raw const attributes, size).map(drop)
}

/// fsopen(2), fsconfig(2) and fsmount(2): a new, detached mount of a file system, with its options (a flag has no value) and
/// mount attributes (MOUNT_ATTR_…).
///
/// # Errors
/// EPERM where the kernel refuses this file system to this user namespace; those of the options.
pub fn new_mount(kind: &CStr, options: &[(&CStr, Option<&CStr>)], attributes: u64) -> Outcome<OwnedFd> {
    const FSCONFIG_SET_FLAG: c_uint = 0;
    const FSCONFIG_SET_STRING: c_uint = 1;
    const FSCONFIG_CMD_CREATE: c_uint = 6;
    const FSOPEN_CLOEXEC: c_uint = 1;
    const FSMOUNT_CLOEXEC: c_uint = 1;
    let context = syscall!(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC).and_then(owned)?;
    let number = context.as_raw_fd();
    let none = std::ptr::null::<c_char>();
    for (key, value) in std::iter::once(&(c"source", Some(kind))).chain(options) {
        let command = if value.is_some() { FSCONFIG_SET_STRING } else { FSCONFIG_SET_FLAG };
        let value = value.map_or(none, CStr::as_ptr);
        syscall!(libc::SYS_fsconfig, number, command, key.as_ptr(), value, 0)?;
    }
    syscall!(libc::SYS_fsconfig, number, FSCONFIG_CMD_CREATE, none, none, 0)?;
    syscall!(libc::SYS_fsmount, number, FSMOUNT_CLOEXEC, attributes).and_then(owned)
}

/// The kind of a file: regular, folder, symlink and so on, as in inode(7).
pub fn file_kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

/// flock(2) without waiting for a lock that somebody else holds.
///
/// # Errors
/// EWOULDBLOCK when it is held; others where the file system has no locks.
pub fn try_lock(file: impl AsFd, exclusive: bool) -> Outcome<()> {
    let kind = if exclusive { libc::LOCK_EX } else { libc::LOCK_SH };
    syscall!(libc::SYS_flock, file.as_fd().as_raw_fd(), kind | libc::LOCK_NB).map(drop)
}

/// close_range(2) from `first` to `last`: with close-on-exec instead of now where `on_exec` says so.
///
/// # Errors
/// ENOSYS before Linux 5.9, EINVAL for close-on-exec before 5.11.
pub fn close_range(first: c_uint, last: c_uint, on_exec: bool) -> Outcome<()> {
    let flags = if on_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    syscall!(libc::SYS_close_range, first, last, flags).map(drop)
}

/// Closes every descriptor but these.
pub fn close_all_but(kept: &[&OwnedFd]) {
    let mut numbers: Vec<c_uint> = kept.iter().map(|kept| kept.as_raw_fd().unsigned_abs()).collect();
    numbers.sort_unstable();
    let mut next = 0;
    for number in numbers {
        if next < number {
            let _ = close_range(next, number - 1, false);
        }
        next = number + 1;
    }
    let _ = close_range(next, c_uint::MAX, false);
}

/// Gives a signal its default disposition: rt_sigaction(2). One that has no other is left as it is.
///
/// Not by the C library's function, which keeps its hands off the two signals that it uses itself, also where they were
/// inherited as ignored.
pub fn default_disposition(signal: c_int) {
    /// The kernel's sigset_t, in bytes.
    const SET_SIZE: usize = 8;
    // SIG_DFL, no flags, no restorer, an empty mask: all zero.
    let action = [0_usize; 4];
    let _ = syscall!(libc::SYS_rt_sigaction, signal, action.as_ptr(), std::ptr::null::<usize>(), SET_SIZE);
}

/// kill(2) with any signal number, by a PID of this process' own pid namespace or, negative, by a group of them.
///
/// # Errors
/// ESRCH when there is no such process.
pub fn kill(pid: i32, signal: c_int) -> Outcome<()> {
    syscall!(libc::SYS_kill, pid, signal).map(drop)
}

/// Removes every capability but those of `keep` (a bit set) from the bounding set, and holds exactly `keep`.
///
/// # Errors
/// EPERM without CAP_SETPCAP.
pub fn limit_capabilities(keep: u64) -> Outcome<()> {
    /// _LINUX_CAPABILITY_VERSION_3 in linux/capability.h.
    const VERSION_3: u32 = 0x2008_0522;
    for capability in (0..64).filter(|bit| keep & (1 << bit) == 0) {
        // EINVAL: the kernel has no capability of this number, nor a higher one.
        match syscall!(libc::SYS_prctl, libc::PR_CAPBSET_DROP, capability, 0, 0, 0) {
            Err(Errno::EINVAL) => break,
            dropped => dropped.map(drop)?,
        }
    }
    let low = u32::try_from(keep & u64::from(u32::MAX)).unwrap_or(0);
    let high = u32::try_from(keep >> 32).unwrap_or(0);
    let header = [VERSION_3, 0];
    let sets = [[low, low, 0], [high, high, 0]];
    syscall!(libc::SYS_capset, header.as_ptr(), sets.as_ptr()).map(drop)
}

/// The effective capabilities of this process as a bit set.
///
/// # Errors
/// None that a kernel of this century gives.
pub fn effective_capabilities() -> Outcome<u64> {
    let header = [0x2008_0522_u32, 0];
    let mut sets = [[0_u32; 3]; 2];
    syscall!(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr())?;
    Ok(u64::from(sets[0][0]) | (u64::from(sets[1][0]) << 32))
}

/// True when the program was started with more privilege than its caller has: getauxval(3), AT_SECURE.
pub fn is_secure_execution() -> bool {
    // SAFETY: getauxval reads the process' own auxiliary vector and takes no pointer.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Words for execve(2), laid out before the clone so that the child need not allocate.
pub struct Words {
    _strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Words {
    /// Lays the words out.
    pub fn new(strings: Vec<CString>) -> Words {
        let ends = std::iter::once(std::ptr::null());
        let pointers = strings.iter().map(|string| string.as_ptr()).chain(ends).collect();
        Words { _strings: strings, pointers }
    }
}

/// execve(2): returns only when it failed.
pub fn execute(program: &CStr, arguments: &Words, environment: &Words) -> Errno {
    // SAFETY: both arrays end with a null pointer, and their strings live in the Words that are borrowed.
    unsafe { libc::execve(program.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr()) };
    Errno::last()
}

/// fork(2). The launcher has one thread, so that the child may use the heap and every lock it finds.
///
/// # Errors
/// EAGAIN where RLIMIT_NPROC or a pids limit is used up.
pub fn fork() -> Outcome<Option<i32>> {
    // SAFETY: a process with one thread may do after fork whatever it could do before.
    let pid = Errno::result(unsafe { libc::fork() })?;
    Ok((pid != 0).then_some(pid))
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By exit(2), with this status.
    Exited(c_int),
    /// By this signal.
    Killed(c_int),
}

impl Ended {
    /// As a shell says it: the exit status, or 128 and the signal's number.
    pub fn status(self) -> u8 {
        let status = match self {
            Ended::Exited(status) => status,
            Ended::Killed(signal) => 128 + signal,
        };
        u8::try_from(status & 0xff).unwrap_or(u8::MAX)
    }
}

/// Reaps the process of a pidfd, waiting for its end.
///
/// # Errors
/// ECHILD when it is no child of this process.
pub fn wait_for(process: impl AsFd) -> Outcome<Ended> {
    let id = process.as_fd().as_raw_fd().unsigned_abs();
    match wait(libc::P_PIDFD, id, 0)? {
        Some((_, ended)) => Ok(ended),
        None => Err(Errno::ECHILD),
    }
}

/// Reaps a child that has ended, if there is one: its PID, and how it ended.
///
/// # Errors
/// ECHILD when there is no child at all.
pub fn reap_any() -> Outcome<Option<(i32, Ended)>> {
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
