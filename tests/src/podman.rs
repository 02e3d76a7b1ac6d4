//! What podman needs on a host, and the process that it leaves.

use crate::host::Host;
use crate::world;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::Path;

impl Host {
    /// Podman keeps its locks in /dev/shm. crun examines the control groups even with
    /// `--cgroups disabled`, and refuses hosts that have both versions. The version of Debian 12 also gives
    /// /dev/null to the user of a container whose input it is.
    pub fn cover_what_podman_uses(&self) {
        self.cover("/dev/shm", 0o1777);
        self.cover("/sys/fs/cgroup", 0o755);
        world::cover_null_device();
    }
}

/// Ends the process that rootless podman leaves running to hold its user namespace open for the next run.
/// `noted` is the file with its PID.
pub fn end_pause_process(noted: impl AsRef<Path>) {
    let pid = fs::read_to_string(noted).ok().and_then(|pid| pid.trim().parse().ok());
    if let Some(pid) = pid.filter(|pid: &i32| *pid > 1) {
        let _already_gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}
