//! Namespaces of this process: user_namespaces(7), setns(2), netdevice(7).

use crate::sys::Outcome;
use crate::sys::owned;
use nix::errno::Errno;
use nix::libc::{self, c_char, c_int};
use std::os::fd::{AsFd, AsRawFd};
use std::os::linux::fs::MetadataExt as _;

/// setns(2): joins several namespaces of a process.
///
/// # Errors
/// EPERM for another user's namespaces.
pub(crate) fn set_namespaces(process: impl AsFd, kinds: c_int) -> Outcome<()> {
    syscall!(libc::SYS_setns, process.as_fd().as_raw_fd(), kinds).map(drop)
}

/// Brings up the interface lo in this process's network namespace: netdevice(7).
///
/// # Errors
/// EPERM if this process's user namespace does not own the network namespace.
pub(crate) fn bring_loopback_up() -> Outcome<()> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    let socket = syscall!(libc::SYS_socket, libc::AF_INET, kind, 0).and_then(owned)?;
    // SAFETY: ifreq is plain data, and all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = c_char::from_ne_bytes([*from]);
    }
    request.ifr_ifru.ifru_flags =
        i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).map_err(|_| Errno::EOVERFLOW)?;
    syscall!(libc::SYS_ioctl, socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request).map(drop)
}

/// USER_NS_INIT_INO in linux/nsfs.h: the initial user namespace.
const INITIAL_NAMESPACE: u64 = 0xEFFF_FFFD;

/// True unless this is the initial user namespace.
pub(crate) fn is_nested() -> bool {
    // Error ignored: the usual mappers are then tried.
    std::fs::metadata("/proc/self/ns/user").is_ok_and(|namespace| namespace.st_ino() != INITIAL_NAMESPACE)
}
