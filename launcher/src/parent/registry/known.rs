//! The file and the content of a registry entry.

use crate::request::process::Process;
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::fstatat;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::SystemTime;

/// The prefix of the file's name. The sandbox's PID and name follow, so that most entries need not be read.
pub(crate) const PREFIX: &str = "subroot-sandbox:";

/// The descriptors an entry may have; it gets the first free one. The range is limited so that the search is.
pub(crate) const DESCRIPTORS: Range<i32> = 63..127;

/// The maximum size of an entry in bytes. Most of it is arguments and environment, of which execve(2) accepts
/// at most 6 MiB, and JSON needs at most four characters for each byte.
pub(crate) const MAX_ENTRY: usize = 32 << 20;

/// The recorded properties of a running sandbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    /// The name, if it has one.
    pub(crate) name: Option<String>,
    /// The PID of its first process, as seen outside.
    pub(crate) pid: i32,
    /// The PID of its launcher.
    pub(crate) launcher: i32,
    /// The inode of its user namespace: namespaces(7).
    pub(crate) user_namespace: u64,
    /// The namespaces created for it, as flags of clone(2).
    pub(crate) namespaces: i32,
    /// True if PID 1 in the sandbox is subroot's init.
    pub(crate) has_init: bool,
    /// The start time, in milliseconds since 1970.
    pub(crate) started: u64,
    /// The directory or the canonical name of the image that is its root, if it is one of these.
    pub(crate) rootfs: Option<OsString>,
    /// The uid and gid inside of a process for which no user is given.
    pub(crate) first: [u32; 2],
    /// True if a command in it can have a terminal of its own.
    pub(crate) has_terminals: bool,
    /// The process that runs in it.
    pub(crate) process: Process,
    /// What a detached sandbox has in addition.
    #[serde(default)]
    pub(crate) detached: Option<Detached>,
}

/// What a detached sandbox has in addition.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Detached {
    /// The directory of its record and its log.
    pub(crate) dir: PathBuf,
    /// The number of the launcher's descriptor that takes input, if the command takes any.
    pub(crate) input: Option<i32>,
}

impl Known {
    /// The name, or the PID if it has none.
    pub(crate) fn shown_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.pid.to_string())
    }
}

/// The time now, in milliseconds since 1970.
pub(crate) fn now() -> u64 {
    // Error ignored: the clock is before 1970.
    let since = SystemTime::UNIX_EPOCH.elapsed().ok().unwrap_or_default();
    since.as_millis().try_into().ok().unwrap_or(0)
}

/// The user namespace of the process with this /proc directory.
///
/// # Errors
/// EACCES for another user's process.
pub(crate) fn user_namespace(process_dir: &OwnedFd) -> Result<u64, Errno> {
    fstatat(process_dir, "ns/user", AtFlags::empty()).map(|stat| stat.st_ino)
}
