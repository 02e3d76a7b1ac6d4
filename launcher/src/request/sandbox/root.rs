//! The root of the sandbox.

use crate::request::mount::Mount;
use crate::request::root::{Dev, Overlay, Proc};
use crate::request::sandbox::Sandbox;
use std::path::PathBuf;

/// The paths that podman masks.
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

/// The paths that podman makes read-only.
const READ_ONLY: [&str; 6] =
    ["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

impl Sandbox {
    /// Makes the root read-only, with all mounts in it except those that [`Sandbox::mount`] adds.
    #[must_use]
    pub fn read_only(mut self) -> Sandbox {
        self.read_only = true;
        self
    }

    /// Mounts a writable tmpfs on each of these directories that the root has, if the root is
    /// [read-only](Sandbox::read_only).
    #[must_use]
    pub fn writable_tmpfs(mut self, paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Sandbox {
        self.writable_tmpfs.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Keeps the rootfs unchanged by sending changes elsewhere.
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

    /// Makes a directory in memory with mode 0755, if the root has no directory there.
    #[must_use]
    pub fn dir(self, target: impl Into<PathBuf>) -> Sandbox {
        self.mount(Mount::dir(target))
    }

    /// Makes a file in memory with this content, over the root's own file if it has one there.
    #[must_use]
    pub fn file(self, content: impl Into<Vec<u8>>, target: impl Into<PathBuf>) -> Sandbox {
        self.mount(Mount::file(content, target))
    }

    /// Makes a symbolic link with this text in the root.
    #[must_use]
    pub fn symlink(self, text: impl Into<PathBuf>, link: impl Into<PathBuf>) -> Sandbox {
        self.mount(Mount::symlink(text, link))
    }

    /// Adds a device of the Container Device Interface by its name, such as `nvidia.com/gpu=all`: what its
    /// specification in /etc/cdi or /var/run/cdi names is mounted and set.
    #[must_use]
    pub fn cdi_device(mut self, name: impl Into<String>) -> Sandbox {
        self.cdi_devices.push(name.into());
        self
    }

    /// Adds a device of the host.
    #[must_use]
    pub fn device(self, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Sandbox {
        self.mount(Mount::device(source, target))
    }

    /// Sets how /proc is mounted.
    #[must_use]
    pub fn proc(mut self, proc: Proc) -> Sandbox {
        self.proc = proc;
        self
    }

    /// Sets how /dev is mounted.
    #[must_use]
    pub fn dev(mut self, dev: Dev) -> Sandbox {
        self.dev = dev;
        self
    }

    /// Covers a path in the sandbox with an empty file or directory.
    #[must_use]
    pub fn mask(mut self, path: impl Into<PathBuf>) -> Sandbox {
        self.masked.push(path.into());
        self
    }

    /// Makes a path in the sandbox read-only.
    #[must_use]
    pub fn mask_writes(mut self, path: impl Into<PathBuf>) -> Sandbox {
        self.read_only_paths.push(path.into());
        self
    }

    /// Masks the paths in /proc and /sys that podman masks. Sandboxes in the sandbox then cannot mount a new
    /// /proc.
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
