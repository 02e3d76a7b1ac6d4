//! The root of a sandbox.

use crate::request::mount::Mount;
use crate::request::root::{Dev, Overlay, Proc};
use crate::request::sandbox::Sandbox;
use std::path::PathBuf;

/// What podman masks.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/fs/selinux",
    "/sys/dev/block",
    "/sys/devices/virtual/powercap",
];

/// What podman makes read-only.
const READ_ONLY: [&str; 6] =
    ["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

impl Sandbox {
    /// Makes the root read-only, with all that is mounted in it but what [`Sandbox::mount`] adds.
    #[must_use]
    pub fn read_only(mut self) -> Sandbox {
        self.read_only = true;
        self
    }

    /// Mounts memory on these directories, as far as the root has them: the rest can then be [read-only](Sandbox::read_only).
    #[must_use]
    pub fn writable_tmpfs(mut self, paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Sandbox {
        self.writable_tmpfs.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Leaves the rootfs unchanged: changes go elsewhere.
    #[must_use]
    pub fn overlay(mut self, overlay: Overlay) -> Sandbox {
        self.overlay = Some(overlay);
        self
    }

    /// Mounts an empty filesystem in memory.
    #[must_use]
    pub fn tmpfs(self, target: impl Into<PathBuf>) -> Sandbox {
        self.mount(Mount::tmpfs(target))
    }

    /// Shows a device of the host's inside.
    #[must_use]
    pub fn device(self, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Sandbox {
        self.mount(Mount::device(source, target))
    }

    /// Says where /proc comes from.
    #[must_use]
    pub fn proc(mut self, proc: Proc) -> Sandbox {
        self.proc = proc;
        self
    }

    /// Says where /dev comes from.
    #[must_use]
    pub fn dev(mut self, dev: Dev) -> Sandbox {
        self.dev = dev;
        self
    }

    /// Covers a path inside with something empty.
    #[must_use]
    pub fn mask(mut self, path: impl Into<PathBuf>) -> Sandbox {
        self.masked.push(path.into());
        self
    }

    /// Makes a path inside read-only.
    #[must_use]
    pub fn mask_writes(mut self, path: impl Into<PathBuf>) -> Sandbox {
        self.read_only_paths.push(path.into());
        self
    }

    /// Masks in /proc and /sys what podman masks. Sandboxes inside the sandbox then get no new /proc.
    #[must_use]
    pub fn mask_default(mut self) -> Sandbox {
        self.add_default_masks();
        self
    }

    pub(crate) fn add_default_masks(&mut self) {
        self.masked.extend(MASKED.iter().map(PathBuf::from));
        self.read_only_paths.extend(READ_ONLY.iter().map(PathBuf::from));
    }
}
