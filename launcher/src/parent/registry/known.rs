//! What an entry of the registry is: its file, and what it holds.

use crate::request::process::Process;
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::ops::Range;
use std::os::fd::OwnedFd;

/// What the file's name starts with; the sandbox's PID and name follow, so that most entries need not be read.
pub(crate) const PREFIX: &str = "subroot-sandbox:";

/// The descriptor that the file is: the first of these that is free. There is a last one so that the search is bounded.
pub(crate) const DESCRIPTORS: Range<i32> = 63..127;

/// The longest entry, in bytes. execve(2) takes at most 6 MiB of arguments and environment, which are most of an entry, and
/// each byte of them is at most four characters there.
pub(crate) const MAX_ENTRY: usize = 32 << 20;

/// What is known of a running sandbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    /// What it goes by, where it was given a name.
    pub(crate) name: Option<String>,
    /// The PID outside of its first process.
    pub(crate) pid: i32,
    /// The PID of its launcher.
    pub(crate) launcher: i32,
    /// The inode of its user namespace: namespaces(7).
    pub(crate) user_namespace: u64,
    /// Those that were made for it, as flags of clone(2).
    pub(crate) namespaces: i32,
    /// True when a process of subroot's is PID 1 inside.
    pub(crate) has_init: bool,
    /// When it was started, in milliseconds since 1970.
    pub(crate) started: u64,
    /// The directory that is its root, where it is one.
    pub(crate) rootfs: Option<OsString>,
    /// Who a process is inside that runs as nobody in particular: its uid and gid.
    pub(crate) first: [u32; 2],
    /// What runs in it.
    pub(crate) process: Process,
}

/// The user namespace of a process, by its directory in /proc.
///
/// # Errors
/// EACCES for somebody else's process.
pub(crate) fn user_namespace(process_dir: &OwnedFd) -> Result<u64, Errno> {
    fstatat(process_dir, "ns/user", AtFlags::empty()).map(|stat| stat.st_ino)
}
