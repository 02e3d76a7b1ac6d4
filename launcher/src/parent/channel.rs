//! The connections between the launcher and its child: pipes, sockets, and the child's directory in /proc.

use crate::error::{Error, OsError};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::sys::stat::Mode;
use nix::unistd::pipe2;
use std::os::fd::OwnedFd;

/// Both ends of a pipe.
///
/// # Errors
/// EMFILE or ENFILE.
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    pipe2(OFlag::O_CLOEXEC).map_err(|errno| Error::Parent { doing: "making a pipe", errno: OsError(errno) })
}

/// Both ends of a packet pipe, which keeps the data of each write together: pipe(2), O_DIRECT.
///
/// # Errors
/// EMFILE or ENFILE.
pub(crate) fn packet_pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    pipe2(OFlag::O_CLOEXEC | OFlag::O_DIRECT)
        .map_err(|errno| Error::Parent { doing: "making a pipe", errno: OsError(errno) })
}

/// Both ends of a socket pair.
///
/// # Errors
/// EMFILE or ENFILE.
pub(crate) fn socket() -> Result<(OwnedFd, OwnedFd), Error> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .map_err(|errno| Error::Parent { doing: "making a socket", errno: OsError(errno) })
}

/// Opens the directory of a process in /proc.
///
/// # Errors
/// ENOENT if the process has been reaped.
pub(crate) fn open_dir(pid: i32) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    open(format!("/proc/{pid}").as_str(), flags, Mode::empty())
}
