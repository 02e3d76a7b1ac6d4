//! The system calls that neither std nor nix has, as safe functions.
#![allow(unsafe_code)]

pub(crate) mod idle;
pub(crate) mod legacy_mount;
pub(crate) mod mountinfo;

use nix::errno::Errno;
use nix::libc::{self, c_char, c_int, c_long, c_uint, c_ulong, c_ushort, c_void};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::sys::stat::{FileStat, SFlag, fstat};
use seccompiler::sock_filter;
use std::convert::Infallible;
use std::ffi::{CStr, CString};
use std::fmt;
use std::fs::{DirEntry, read_dir};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// What a system call gives: an errno where it failed.
pub(crate) type Outcome<T> = Result<T, Errno>;

/// Makes one system call; the arguments are integers or pointers that the caller keeps alive.
macro_rules! syscall {
    ($number:expr $(, $argument:expr)*) => {
        // SAFETY: every pointer among the arguments comes from a reference that outlives the call, and points to as much as
        // the call reads or writes.
        Errno::result(unsafe { libc::syscall($number $(, $argument)*) })
    };
}

/// True for what an old kernel says to a call that it does not have, and what a filter says that does not know it: by the old
/// call, what is really refused is refused again. openat2(2) has no EPERM for what is only looked at or read.
pub(crate) fn is_unknown(errno: Errno) -> bool {
    matches!(errno, Errno::ENOSYS | Errno::EPERM)
}

/// The errno of an error of the standard library.
pub(crate) fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

fn owned(descriptor: c_long) -> Outcome<OwnedFd> {
    let descriptor = c_int::try_from(descriptor).map_err(|_| Errno::EBADF)?;
    // SAFETY: only called with what a successful call has just returned: a fresh descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

unsafe extern "C" {
    /// Where the linker has put the program's first byte, and the byte behind its code: end(3).
    static __executable_start: u8;
    static etext: u8;
}

/// Takes the program's own code out of this process' memory; what is executed again comes from the page cache: madvise(2).
pub(crate) fn unmap_code() {
    let (start, end) = (&raw const __executable_start, &raw const etext);
    // What lies between is the file's headers, code and constants, which nobody writes, so that no change of it is lost.
    // Error ignored: the memory stays in use.
    let _ = syscall!(libc::SYS_madvise, start, end.addr() - start.addr(), libc::MADV_DONTNEED);
}

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

/// Whether this process has a seccomp filter: prctl(2), PR_GET_SECCOMP.
///
/// # Errors
/// EINVAL if the kernel has no seccomp.
pub(crate) fn seccomp_mode() -> Outcome<c_long> {
    syscall!(libc::SYS_prctl, libc::PR_GET_SECCOMP, 0, 0, 0, 0)
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

/// setns(2): joins several namespaces of a process.
///
/// # Errors
/// EPERM for those of somebody else.
pub(crate) fn set_namespaces(process: impl AsFd, kinds: c_int) -> Outcome<()> {
    syscall!(libc::SYS_setns, process.as_fd().as_raw_fd(), kinds).map(drop)
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

/// open_tree(2): a detached copy of the mount tree at `path`, with all that is mounted below.
///
/// # Errors
/// ENOENT and others of a path; EINVAL for a mount of another mount namespace.
pub(crate) fn clone_tree(folder: impl AsFd, path: &CStr) -> Outcome<OwnedFd> {
    open_tree(folder, path, AT_RECURSIVE)
}

/// open_tree(2): a detached copy of the mount at `path`, without what is mounted below.
///
/// # Errors
/// As of [`clone_tree`], and EINVAL where the kernel keeps this user namespace from seeing what is covered there.
pub(crate) fn clone_mount(folder: impl AsFd, path: &CStr) -> Outcome<OwnedFd> {
    open_tree(folder, path, 0)
}

fn open_tree(folder: impl AsFd, path: &CStr, flags: c_uint) -> Outcome<OwnedFd> {
    let recursive = flags == AT_RECURSIVE;
    let flags = flags | libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_EMPTY_PATH.unsigned_abs();
    let number = folder.as_fd().as_raw_fd();
    match syscall!(libc::SYS_open_tree, number, path.as_ptr(), flags) {
        Err(errno) if is_unknown(errno) => legacy_mount::copy(folder, path, recursive),
        opened => opened.and_then(owned),
    }
}

/// AT_RECURSIVE in linux/fcntl.h.
const AT_RECURSIVE: c_uint = 0x8000;

/// move_mount(2): attaches a detached mount at `name` below `folder`, or at `folder` itself where `name` is empty.
///
/// # Errors
/// Those of move_mount(2).
pub(crate) fn attach(mount: impl AsFd, folder: impl AsFd, name: &CStr) -> Outcome<()> {
    let flags = libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH;
    let (from, to) = (mount.as_fd().as_raw_fd(), folder.as_fd().as_raw_fd());
    match syscall!(libc::SYS_move_mount, from, c"".as_ptr(), to, name.as_ptr(), flags) {
        Err(Errno::ENOSYS) => legacy_mount::attach(mount, folder, name),
        // A mount that is really refused is detached, which mount(2) has another word for.
        Err(errno) if is_unknown(errno) => legacy_mount::attach(mount, folder, name).map_err(|_| errno),
        moved => moved.map(drop),
    }
}

/// mount_setattr(2) on a whole tree: sets attributes (MOUNT_ATTR_…) and, where not 0, the propagation (MS_PRIVATE…).
///
/// # Errors
/// Those of mount_setattr(2); all of the tree is changed or nothing.
pub(crate) fn set_tree_attributes(tree: impl AsFd, set: u64, propagation: u64) -> Outcome<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation, userns_fd: 0 };
    mount_setattr(tree.as_fd(), AT_RECURSIVE, &attributes)
}

/// mount_setattr(2) on one mount, without those below it.
///
/// # Errors
/// Those of mount_setattr(2).
pub(crate) fn set_attributes(mount: impl AsFd, set: u64) -> Outcome<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    mount_setattr(mount.as_fd(), 0, &attributes)
}

/// mount_setattr(2) with MOUNT_ATTR_IDMAP: shows the owners of a detached tree through the maps of a user namespace.
///
/// # Errors
/// EPERM where the file system belongs to a user namespace in which the caller has no CAP_SYS_ADMIN.
pub(crate) fn map_ids(tree: impl AsFd, namespace: impl AsFd) -> Outcome<()> {
    let userns_fd = u64::from(namespace.as_fd().as_raw_fd().unsigned_abs());
    let attributes =
        libc::mount_attr { attr_set: libc::MOUNT_ATTR_IDMAP, attr_clr: 0, propagation: 0, userns_fd };
    mount_setattr(tree.as_fd(), AT_RECURSIVE, &attributes)
}

fn mount_setattr(mount: BorrowedFd<'_>, flags: c_uint, attributes: &libc::mount_attr) -> Outcome<()> {
    let flags = flags | libc::AT_EMPTY_PATH.unsigned_abs();
    let (mount, size) = (mount.as_raw_fd(), size_of::<libc::mount_attr>());
    syscall!(libc::SYS_mount_setattr, mount, c"".as_ptr(), flags, &raw const *attributes, size).map(drop)
}

/// fsopen(2), fsconfig(2) and fsmount(2): a new, detached mount of a file system, with its options (a flag has no value) and
/// mount attributes (MOUNT_ATTR_…).
///
/// # Errors
/// EPERM where the kernel refuses this file system to this user namespace; those of the options.
pub(crate) fn new_mount(
    kind: &CStr,
    options: &[(&CStr, Option<&CStr>)],
    attributes: u64,
) -> Outcome<OwnedFd> {
    const FSCONFIG_SET_FLAG: c_uint = 0;
    const FSCONFIG_SET_STRING: c_uint = 1;
    const FSCONFIG_CMD_CREATE: c_uint = 6;
    const FSOPEN_CLOEXEC: c_uint = 1;
    const FSMOUNT_CLOEXEC: c_uint = 1;
    let context = match syscall!(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) {
        Err(errno) if is_unknown(errno) => return legacy_mount::new_mount(kind, options, attributes),
        opened => opened.and_then(owned)?,
    };
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

/// setrlimit(2) by the resource's number.
///
/// # Errors
/// EPERM for a hard limit above the old one.
pub(crate) fn set_limit(resource: u32, soft: u64, hard: u64) -> Outcome<()> {
    let limit = [soft, hard];
    syscall!(libc::SYS_prlimit64, 0, resource, limit.as_ptr(), std::ptr::null::<u64>()).map(drop)
}

/// Joins a new, empty session keyring: keyctl(2).
///
/// # Errors
/// ENOSYS for a kernel without keys, EDQUOT where the user's quota is used up.
pub(crate) fn join_new_session_keyring() -> Outcome<()> {
    /// KEYCTL_JOIN_SESSION_KEYRING in linux/keyctl.h.
    const JOIN_SESSION_KEYRING: c_int = 1;
    syscall!(libc::SYS_keyctl, JOIN_SESSION_KEYRING, std::ptr::null::<c_char>()).map(drop)
}

/// Brings the interface lo of this process' network namespace up: netdevice(7).
///
/// # Errors
/// EPERM in a network namespace that is not this process' own.
pub(crate) fn bring_loopback_up() -> Outcome<()> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    let socket = syscall!(libc::SYS_socket, libc::AF_INET, kind, 0).and_then(owned)?;
    // SAFETY: ifreq is plain data for which all zeros is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags =
        i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).map_err(|_| Errno::EOVERFLOW)?;
    syscall!(libc::SYS_ioctl, socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request).map(drop)
}

/// The other end of a pseudoterminal, as the one that the calling process then has standard streams of: ioctl_tty(2).
///
/// # Errors
/// ENOTTY where the descriptor is no /dev/ptmx.
pub(crate) fn open_terminal_peer(master: impl AsFd) -> Outcome<OwnedFd> {
    let (number, unlocked) = (master.as_fd().as_raw_fd(), 0);
    syscall!(libc::SYS_ioctl, number, libc::TIOCSPTLCK, &raw const unlocked)?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    syscall!(libc::SYS_ioctl, number, libc::TIOCGPTPEER, flags).and_then(owned)
}

/// Makes a terminal the controlling one of this process, the leader of a session without one: ioctl_tty(2).
///
/// # Errors
/// EPERM for a process that is no session leader.
pub(crate) fn take_controlling_terminal(terminal: impl AsFd) -> Outcome<()> {
    syscall!(libc::SYS_ioctl, terminal.as_fd().as_raw_fd(), libc::TIOCSCTTY, 0).map(drop)
}

/// Gives one terminal the size of another.
///
/// # Errors
/// ENOTTY where one of them is none.
pub(crate) fn copy_terminal_size(from: impl AsFd, to: impl AsFd) -> Outcome<()> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    syscall!(libc::SYS_ioctl, from.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size)?;
    syscall!(libc::SYS_ioctl, to.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &raw const size).map(drop)
}

/// Makes `number` a copy of a descriptor that is kept by an exec: dup2(2).
///
/// # Errors
/// Those of dup2(2).
pub(crate) fn duplicate_to(file: impl AsFd, number: c_int) -> Outcome<()> {
    // dup3 refuses to copy a descriptor onto itself; fcntl takes close-on-exec from it then.
    let own = file.as_fd().as_raw_fd();
    if own == number {
        return keep_on_exec(own);
    }
    syscall!(libc::SYS_dup3, own, number, 0).map(drop)
}

/// Takes close-on-exec from a descriptor: fcntl(2).
///
/// # Errors
/// EBADF if it is not open.
pub(crate) fn keep_on_exec(number: c_int) -> Outcome<()> {
    syscall!(libc::SYS_fcntl, number, libc::F_SETFD, 0).map(drop)
}

/// One of descriptors 0 to 2.
pub(crate) fn standard_stream(number: c_int) -> BorrowedFd<'static> {
    // SAFETY: the launcher never closes its standard streams; where one is not open, the kernel answers EBADF.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// A copy, closed on exec, of a descriptor that is known by its number, as the first free one from `lowest` up: fcntl(2).
///
/// # Errors
/// EBADF where it is not open, EINVAL where `lowest` is above the limit.
pub(crate) fn copy_descriptor(number: c_int, lowest: c_int) -> Outcome<OwnedFd> {
    syscall!(libc::SYS_fcntl, number, libc::F_DUPFD_CLOEXEC, lowest).and_then(owned)
}

/// Sends a descriptor through a Unix socket, and some bytes with it: unix(7).
///
/// # Errors
/// Those of sendmsg(2).
pub(crate) fn send_descriptor(socket: impl AsFd, bytes: &[u8], file: impl AsFd) -> Outcome<()> {
    let files = [file.as_fd().as_raw_fd()];
    let message = [IoSlice::new(bytes)];
    let (number, rights) = (socket.as_fd().as_raw_fd(), [ControlMessage::ScmRights(&files)]);
    sendmsg::<()>(number, &message, &rights, MsgFlags::MSG_NOSIGNAL, None).map(drop)
}

/// Receives a descriptor and as many bytes as there is room for.
///
/// # Errors
/// EPIPE where the other end is closed, EBADMSG for a message without one, and those of recvmsg(2).
pub(crate) fn receive_descriptor(socket: impl AsFd, bytes: &mut [u8]) -> Outcome<OwnedFd> {
    let mut room = nix::cmsg_space!(c_int);
    let mut message = [IoSliceMut::new(bytes)];
    let number = socket.as_fd().as_raw_fd();
    let received = recvmsg::<()>(number, &mut message, Some(&mut room), MsgFlags::MSG_CMSG_CLOEXEC)?;
    for rights in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(files) = rights {
            return files.first().map_or(Err(Errno::EBADMSG), |file| owned(c_long::from(*file)));
        }
    }
    Err(if received.bytes == 0 { Errno::EPIPE } else { Errno::EBADMSG })
}

/// faccessat2(2) with AT_EMPTY_PATH: whether this process may execute an open file, by its effective IDs. Before Linux 5.8, whether
/// anyone may; execve(2) says the rest.
///
/// # Errors
/// EACCES if it may not, and also for a mount with noexec.
pub(crate) fn may_execute(file: &OwnedFd) -> Outcome<()> {
    let flags = libc::AT_EMPTY_PATH | libc::AT_EACCESS;
    match syscall!(libc::SYS_faccessat2, file.as_raw_fd(), c"".as_ptr(), libc::X_OK, flags) {
        Err(errno) if is_unknown(errno) => match fstat(file)?.st_mode & 0o111 {
            0 => Err(Errno::EACCES),
            _ => Ok(()),
        },
        answered => answered.map(drop),
    }
}

/// The kind of a file: regular, folder, symlink and so on, as in inode(7).
pub(crate) fn file_kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

/// flock(2) without waiting for a lock that somebody else holds.
///
/// # Errors
/// EWOULDBLOCK when it is held; others where the file system has no locks.
pub(crate) fn try_lock(file: impl AsFd, exclusive: bool) -> Outcome<()> {
    let kind = if exclusive { libc::LOCK_EX } else { libc::LOCK_SH };
    syscall!(libc::SYS_flock, file.as_fd().as_raw_fd(), kind | libc::LOCK_NB).map(drop)
}

/// close_range(2) from `first` to `last`. Before Linux 5.9, each open descriptor is closed by itself.
fn close_range(first: c_uint, last: c_uint) -> Outcome<()> {
    match syscall!(libc::SYS_close_range, first, last, 0) {
        Err(errno) if is_unknown(errno) => {}
        closed => return closed.map(drop),
    }
    for number in open_descriptors()?.into_iter().filter(|number| (first..=last).contains(number)) {
        // Error ignored: the descriptor is closed whatever close(2) answers, or was not open.
        let _ = syscall!(libc::SYS_close, number);
    }
    Ok(())
}

/// Closes this process's copy of a descriptor whose owner it never drops: a process that ends by execve(2) or _exit(2), or one that
/// shares its memory with another (vfork(2)).
pub(crate) fn close_own(file: impl AsFd) {
    // Error ignored: the descriptor is closed whatever close(2) answers, or was not open.
    let _ = syscall!(libc::SYS_close, file.as_fd().as_raw_fd());
}

/// The numbers of all open descriptors. They may be above RLIMIT_NOFILE, which can have been lowered since; if /proc does not list
/// them, all numbers that there may be below the hard limit, which only the privileged raise again: getrlimit(2).
fn open_descriptors() -> Outcome<Vec<c_uint>> {
    let entries = read_dir("/proc/self/fd").and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>);
    // Error ignored: without a list, every number is closed.
    if let Ok(entries) = entries {
        return Ok(entries.iter().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect());
    }
    let (_, limit) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok((0..c_uint::try_from(limit).ok().unwrap_or(c_uint::MAX)).collect())
}

/// Closes every descriptor from `first` on but these. The root of this process has to be the host's, as /proc may be read.
///
/// # Errors
/// Those of close_range(2).
pub(crate) fn close_from_but(first: c_uint, kept: &[&OwnedFd]) -> Outcome<()> {
    let mut numbers: Vec<c_uint> = kept.iter().map(|kept| kept.as_raw_fd().unsigned_abs()).collect();
    numbers.sort_unstable();
    let mut next = first;
    for number in numbers.into_iter().filter(|number| *number >= first) {
        if next < number {
            close_range(next, number - 1)?;
        }
        next = number + 1;
    }
    close_range(next, c_uint::MAX)
}

/// SIGRTMAX of the kernel: signal(7).
const LAST_SIGNAL: c_int = 64;

/// Gives a signal its default disposition: rt_sigaction(2).
///
/// Not by the C library's function, which keeps its hands off the two signals that it uses itself, also where they were
/// inherited as ignored.
///
/// # Errors
/// EINVAL for SIGKILL and SIGSTOP, which have no other disposition.
pub(crate) fn default_disposition(signal: c_int) -> Outcome<()> {
    /// The kernel's sigset_t, in bytes.
    const SET_SIZE: usize = 8;
    // SIG_DFL, no flags, no restorer, an empty mask: all zero.
    let action = [0_usize; 4];
    syscall!(libc::SYS_rt_sigaction, signal, action.as_ptr(), std::ptr::null::<usize>(), SET_SIZE).map(drop)
}

/// Every signal by default, and none blocked, as a program expects them. By direct calls alone.
///
/// # Errors
/// Those of rt_sigaction(2) and rt_sigprocmask(2).
pub(crate) fn clean_signals() -> Outcome<()> {
    let has_others = |signal: &c_int| !matches!(*signal, libc::SIGKILL | libc::SIGSTOP);
    (1..=LAST_SIGNAL).filter(has_others).try_for_each(default_disposition)?;
    let none = 0_u64;
    syscall!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, 0, size_of::<u64>()).map(drop)
}

/// True for a signal that this process ignores: rt_sigaction(2).
///
/// # Errors
/// EINVAL for what is not a signal.
pub(crate) fn is_ignored(signal: c_int) -> Outcome<bool> {
    let mut action = [0_usize; 4];
    syscall!(libc::SYS_rt_sigaction, signal, std::ptr::null::<usize>(), action.as_mut_ptr(), 8_usize)?;
    Ok(action.first() == Some(&libc::SIG_IGN))
}

/// kill(2) with any signal number, by a PID of this process' own pid namespace or, negative, by a group of them.
///
/// # Errors
/// ESRCH when there is no such process.
pub(crate) fn kill(pid: i32, signal: c_int) -> Outcome<()> {
    syscall!(libc::SYS_kill, pid, signal).map(drop)
}

/// Removes every capability but those of `keep` (a bit set) from the bounding set.
///
/// # Errors
/// EPERM without CAP_SETPCAP.
pub(crate) fn limit_bounding_set(keep: u64) -> Outcome<()> {
    /// CAP_AUDIT_READ in linux/capability.h.
    const AUDIT_READ: u32 = 37;
    for capability in (0..64).filter(|bit| keep & (1 << bit) == 0) {
        // EINVAL: the kernel has no capability of this number, nor a higher one. Every kernel since Linux 3.16 has CAP_AUDIT_READ.
        match syscall!(libc::SYS_prctl, libc::PR_CAPBSET_DROP, capability, 0, 0, 0) {
            Err(Errno::EINVAL) if capability > AUDIT_READ => break,
            dropped => dropped.map(drop)?,
        }
    }
    Ok(())
}

/// Holds exactly `keep` (a bit set), permitted and effective; ambient and inheritable sets are empty then.
///
/// # Errors
/// EPERM for what is not permitted.
pub(crate) fn set_capabilities(keep: u64) -> Outcome<()> {
    /// _LINUX_CAPABILITY_VERSION_3 in linux/capability.h.
    const VERSION_3: u32 = 0x2008_0522;
    let low = u32::try_from(keep & u64::from(u32::MAX)).map_err(|_| Errno::EOVERFLOW)?;
    let high = u32::try_from(keep >> 32).map_err(|_| Errno::EOVERFLOW)?;
    let header = [VERSION_3, 0];
    let sets = [[low, low, 0], [high, high, 0]];
    syscall!(libc::SYS_capset, header.as_ptr(), sets.as_ptr()).map(drop)
}

/// The effective capabilities of this process as a bit set.
///
/// # Errors
/// None that a kernel of this century gives.
pub(crate) fn effective_capabilities() -> Outcome<u64> {
    let header = [0x2008_0522_u32, 0];
    let mut sets = [[0_u32; 3]; 2];
    syscall!(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr())?;
    Ok(u64::from(sets[0][0]) | (u64::from(sets[1][0]) << 32))
}

/// True for a file that has capabilities of any kind: capabilities(7), File capabilities.
pub(crate) fn has_file_capabilities(path: &Path) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    let none = std::ptr::null::<u8>();
    // Error ignored: only the words of a failure depend on it.
    syscall!(libc::SYS_getxattr, path.as_ptr(), c"security.capability".as_ptr(), none, 0_usize).is_ok()
}

/// True if a tmpfs takes user.* attributes: tries it on a file in memory, which is on a tmpfs of the kernel's own.
///
/// # Errors
/// Those of memfd_create(2) and fsetxattr(2), but for EOPNOTSUPP.
pub(crate) fn memory_takes_attributes() -> Outcome<bool> {
    let file = memfd_create(c"subroot", MFdFlags::MFD_CLOEXEC)?;
    let (name, value) = (c"user.subroot".as_ptr(), c"y".as_ptr());
    match syscall!(libc::SYS_fsetxattr, file.as_raw_fd(), name, value, 1_usize, 0) {
        Err(Errno::EOPNOTSUPP) => Ok(false),
        set => set.map(|_| true),
    }
}

/// setxattr(2) with XATTR_REPLACE: empties an attribute that is there.
///
/// # Errors
/// ENODATA if it is not there; EOPNOTSUPP if the file system has no such attributes.
pub(crate) fn replace_attribute(path: &CStr, name: &CStr) -> Outcome<()> {
    let (path, name, empty) = (path.as_ptr(), name.as_ptr(), c"".as_ptr());
    syscall!(libc::SYS_setxattr, path, name, empty, 0_usize, libc::XATTR_REPLACE).map(drop)
}

/// True when the program was started with more privilege than its caller has: getauxval(3), AT_SECURE.
pub(crate) fn is_secure_execution() -> bool {
    // SAFETY: getauxval reads the process' own auxiliary vector and takes no pointer.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Words for execve(2), laid out before the clone so that the child need not allocate.
pub(crate) struct Words {
    strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Words {
    /// Lays the words out.
    pub(crate) fn new(strings: Vec<CString>) -> Words {
        let ends = std::iter::once(std::ptr::null());
        let pointers = strings.iter().map(|string| string.as_ptr()).chain(ends).collect();
        Words { strings, pointers }
    }

    /// The same with another word in front.
    pub(crate) fn with_first(&self, first: &CStr) -> Words {
        Words::new(std::iter::once(first.to_owned()).chain(self.strings.iter().cloned()).collect())
    }
}

/// execve(2): returns only when it failed.
pub(crate) fn execute(program: &CStr, arguments: &Words, environment: &Words) -> Errno {
    // SAFETY: both arrays end with a null pointer, and their strings live in the Words that are borrowed.
    unsafe { libc::execve(program.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr()) };
    Errno::last()
}

/// execveat(2) of an open file: returns only when it failed.
pub(crate) fn execute_open(file: &OwnedFd, arguments: &Words, environment: &Words) -> Errno {
    let (arguments, environment) = (arguments.pointers.as_ptr(), environment.pointers.as_ptr());
    let path = c"".as_ptr();
    let executed =
        syscall!(libc::SYS_execveat, file.as_raw_fd(), path, arguments, environment, libc::AT_EMPTY_PATH);
    // Error ignored: a success never returns.
    executed.err().unwrap_or(Errno::UnknownErrno)
}

/// memfd_create(2): a file in memory that can be sealed and executed.
///
/// # Errors
/// EACCES if vm.memfd_noexec is 2: proc_sys_vm(5).
pub(crate) fn executable_memory(name: &CStr) -> Outcome<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    match syscall!(libc::SYS_memfd_create, name.as_ptr(), flags | libc::MFD_EXEC) {
        // Before Linux 6.3 every such file can be executed.
        Err(Errno::EINVAL) => syscall!(libc::SYS_memfd_create, name.as_ptr(), flags).and_then(owned),
        made => made.and_then(owned),
    }
}

/// A program to be started: its path, words and environment, and its standard streams.
pub(crate) struct Program<'a> {
    /// Where it is.
    pub(crate) path: &'a CStr,
    /// Its arguments, the name among them.
    pub(crate) arguments: &'a Words,
    /// Its environment.
    pub(crate) environment: &'a Words,
    /// Its descriptors 0 to 2.
    pub(crate) streams: [BorrowedFd<'a>; 3],
}

/// Starts a program, which copies no page tables, and returns its pidfd. All signals are blocked.
///
/// # Errors
/// EAGAIN where no more processes are allowed, and those of execve(2).
pub(crate) fn start(program: &Program<'_>) -> Outcome<OwnedFd> {
    let (mut failed, mut pidfd) = (Ok(()), -1);
    vfork_with(libc::CLONE_PIDFD, &mut pidfd, || {
        failed = Err(become_program(program));
        exit(127)
    })?;
    let child = owned(c_long::from(pidfd))?;
    match failed {
        Ok(()) => Ok(child),
        Err(errno) => wait_for(&child).and(Err(errno)),
    }
}

/// Returns only when it failed.
fn become_program(program: &Program<'_>) -> Errno {
    for (number, stream) in (0..).zip(program.streams) {
        if let Err(errno) = duplicate_to(stream, number) {
            return errno;
        }
    }
    match clean_signals() {
        Err(errno) => errno,
        Ok(()) => execute(program.path, program.arguments, program.environment),
    }
}

/// Runs `child` in a new process, as vfork(2) does: it has the memory of this one, which stands still until that has executed a
/// program or ended. Gives its PID. All signals are blocked.
///
/// # Errors
/// EAGAIN where no more processes are allowed.
pub(crate) fn vfork<F: FnOnce() -> Infallible>(child: F) -> Outcome<i32> {
    vfork_with(0, &mut -1, child)
}

fn vfork_with<F: FnOnce() -> Infallible>(flags: c_int, pidfd: &mut c_int, child: F) -> Outcome<i32> {
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

/// Installs a filter of system calls for this process and what it starts: seccomp(2), SECCOMP_SET_MODE_FILTER with `flags`.
///
/// # Errors
/// EACCES without CAP_SYS_ADMIN in the own user namespace and without no_new_privs; EINVAL for a program that the kernel refuses.
pub(crate) fn install_filter(program: &[sock_filter], flags: c_ulong) -> Outcome<()> {
    let len = c_ushort::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    // seccompiler's instruction is the kernel's, as libc's is: struct sock_filter in linux/filter.h.
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut().cast() };
    syscall!(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program).map(drop)
}

/// The ABI of the kernel's Landlock: landlock_create_ruleset(2), LANDLOCK_CREATE_RULESET_VERSION.
///
/// # Errors
/// ENOSYS where the kernel is built without it, EOPNOTSUPP where it is not enabled.
pub(crate) fn landlock_abi() -> Outcome<i32> {
    const VERSION: c_uint = 1;
    let abi = syscall!(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, VERSION)?;
    i32::try_from(abi).map_err(|_| Errno::EOVERFLOW)
}
