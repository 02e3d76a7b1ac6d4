//! The filesystem of the command: a base, and everything mounted on it.

use crate::plan::host_root::HostRoot;
use crate::plan::id_layout::inside_of;
use crate::plan::root_owner::RootOwner;
use crate::plan::steps::Kind;
use crate::request::mount::{Bind, Content, Mount, MountFlags, NODEV, NOEXEC, NOSUID, READ_ONLY};
use crate::request::root::{Dev, Image, Overlay, Proc};
use nix::libc::{dev_t, ino_t, uid_t};
use nix::sys::stat::{FileStat, Mode};
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use subroot_idmap::PlannedMap;

/// The mode of a mount point that a run has created in the rootfs: the sticky bit and no permissions.
pub(crate) const CREATED: Mode = Mode::S_ISVTX;
/// Its mode until its mark is set, which needs permissions.
pub(crate) const UNFINISHED: Mode = Mode::from_bits_truncate(0o1711);

/// True if the mode of a regular file shows that a run has created it as a mount point.
pub(crate) fn is_created_file(found: &FileStat) -> bool {
    let mode = found.st_mode & 0o7777;
    (mode == CREATED.bits() || mode == UNFINISHED.bits()) && found.st_size == 0
}

/// The attributes of a sandbox's /proc. Those of the other essential mounts follow.
pub(crate) const PROC: MountFlags = NOSUID.with(NODEV).with(NOEXEC);
/// A new /dev.
pub(crate) const DEV: MountFlags = NOSUID.with(NOEXEC);
/// The host's /dev.
pub(crate) const BOUND_DEV: MountFlags = NOSUID;
/// /dev/shm in a new /dev.
pub(crate) const SHM: MountFlags = NOSUID.with(NODEV).with(NOEXEC);
/// /dev/pts in a new /dev.
pub(crate) const PTS: MountFlags = NOSUID.with(NOEXEC);
/// /sys.
pub(crate) const SYS: MountFlags = NOSUID.with(NODEV).with(NOEXEC).with(READ_ONLY);

/// The devices in a new /dev: their names, and the paths of the host's devices.
pub(crate) const DEVICES: [(&CStr, &CStr); 6] = [
    (c"null", c"/dev/null"),
    (c"zero", c"/dev/zero"),
    (c"full", c"/dev/full"),
    (c"random", c"/dev/random"),
    (c"urandom", c"/dev/urandom"),
    (c"tty", c"/dev/tty"),
];

/// The new root.
pub(crate) struct RootPlan {
    /// What everything else is mounted on.
    pub(crate) base: Base,
    /// The layer that takes the changes to the base, if there is one.
    pub(crate) overlay: Option<Overlay>,
    /// True if the base is read-only, including the mounts in it.
    pub(crate) read_only: bool,
    /// How /proc is mounted.
    pub(crate) proc: Proc,
    /// How /dev is mounted.
    pub(crate) dev: Dev,
    /// How /sys is mounted.
    pub(crate) sys: Sys,
    /// The directory for layers that are discarded; none if they are in memory.
    pub(crate) disk: Option<DiskDir>,
    /// The requested mounts, those nearest to the root first.
    pub(crate) mounts: Vec<PlannedMount>,
    /// Paths that are covered by an empty file or directory.
    pub(crate) masked: Vec<PathBuf>,
    /// Paths that are made read-only.
    pub(crate) read_only_paths: Vec<PathBuf>,
}

/// A requested mount, and the mount that it is on.
pub(crate) struct PlannedMount {
    pub(crate) mount: Mount,
    /// True for a directory, false for a file. None if only the child can examine the source; it then also
    /// creates the mount point.
    pub(crate) is_dir: Option<bool>,
    /// True for a device node.
    pub(crate) is_device: bool,
    /// The index of the mount that it is on; none if that is the root.
    pub(crate) on: Option<usize>,
}

impl PlannedMount {
    /// The step that performs it.
    pub(crate) fn step(&self) -> Kind {
        match self.mount.content {
            Content::Directory(_) => Kind::MakeDirectory,
            Content::Symlink(_) => Kind::MakeSymlink,
            _ => Kind::Mount,
        }
    }
}

/// The host directory that contains the layers of one launch.
pub(crate) struct DiskDir {
    pub(crate) path: CString,
    /// The device and inode.
    pub(crate) identity: (dev_t, ino_t),
    /// The caller, who owns the directory and the store around it.
    pub(crate) owner: uid_t,
    /// The paths in the sandbox at which the store of all launches would be visible.
    pub(crate) store_inside: Vec<PathBuf>,
}

impl DiskDir {
    /// The paths that must be covered in the sandbox. None if the caller's ID is not mapped: no process in
    /// the sandbox can then enter the store, and covering it would fail if a directory above it cannot be
    /// searched either.
    pub(crate) fn covered(&self, uids: &PlannedMap) -> &[PathBuf] {
        match inside_of(uids, self.owner) {
            Some(_) => &self.store_inside,
            None => &[],
        }
    }
}

/// The base of the new root.
pub(crate) enum Base {
    /// A directory on the host.
    Dir(CString),
    /// The layers of an image.
    Layers(Arc<Image>),
    /// The host's own system, with a layer in memory over it.
    Host(HostRoot),
    /// An empty filesystem in memory.
    Empty,
}

impl Base {
    /// The base, if it is a directory.
    fn dir(&self) -> Option<&OsStr> {
        match self {
            Base::Dir(path) => Some(OsStr::from_bytes(path.to_bytes())),
            Base::Host(_) | Base::Empty | Base::Layers(_) => None,
        }
    }
}

/// A base, and whose it is.
pub(crate) struct Ground {
    pub(crate) base: Base,
    /// The uid and gid of the directory that the base is, if it can be looked at.
    pub(crate) owner: Option<[u32; 2]>,
}

impl Ground {
    /// Whose the directory is that the base is.
    pub(crate) fn root_owner(&self) -> Option<RootOwner<'_>> {
        Some(RootOwner { path: Path::new(self.base.dir()?), ids: self.owner? })
    }
}

/// How /sys is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sys {
    /// A new sysfs, which only the owner of the network namespace can mount.
    New,
    /// The host's /sys, read-only.
    Bind,
    /// Not mounted.
    None,
}

/// A mount point in a host directory, where it may be missing.
pub(crate) struct Point<'p> {
    /// The directory.
    pub(crate) base: &'p Path,
    /// The mount point below it.
    pub(crate) path: &'p Path,
    /// True for a directory, false for a file.
    pub(crate) is_dir: bool,
}

impl RootPlan {
    /// True if a command can have a terminal of its own: /dev/ptmx and /dev/pts are those of a new /dev.
    pub(crate) fn has_terminals(&self) -> bool {
        let covering = ["/dev/ptmx", "/dev/pts"].map(Path::new);
        let is_covered = self.mounts.iter().any(|planned| covering.contains(&&*planned.mount.target));
        self.dev == Dev::New && !is_covered
    }

    /// The base, if it is a directory.
    pub(crate) fn dir(&self) -> Option<&OsStr> {
        self.base.dir()
    }

    /// The base, if it is an image.
    pub(crate) fn image(&self) -> Option<&Arc<Image>> {
        match &self.base {
            Base::Layers(image) => Some(image),
            Base::Dir(_) | Base::Host(_) | Base::Empty => None,
        }
    }

    /// The directory or the canonical name of the image that is the base.
    pub(crate) fn source(&self) -> Option<&OsStr> {
        self.dir().or_else(|| self.image().map(|image| OsStr::new(&image.name)))
    }

    /// True if the root is made read-only only after all mounts: an empty one gets its mount points from them.
    pub(crate) fn is_read_only_last(&self) -> bool {
        self.read_only && matches!(self.base, Base::Empty)
    }

    /// The host directories below layers that are discarded, each with its path in the sandbox.
    pub(crate) fn layered(&self) -> impl Iterator<Item = (&Path, &Path)> {
        let base = match &self.base {
            Base::Host(_) => Some(Path::new("/")),
            Base::Empty => None,
            _ if self.overlay != Some(Overlay::Memory) => None,
            Base::Layers(image) => image.layers.first().map(|layer| layer.path.as_path()),
            Base::Dir(_) => self.dir().map(Path::new),
        };
        let mounts = self.mounts.iter().filter_map(|planned| match &planned.mount.content {
            Content::Layered(source) => Some((source.as_path(), planned.mount.target.as_path())),
            _ => None,
        });
        base.map(|base| (base, Path::new("/"))).into_iter().chain(mounts)
    }

    /// The directories in the root on which every launch mounts something.
    pub(crate) fn essential_mounts(&self) -> impl Iterator<Item = &'static str> {
        let wanted = [
            ("/proc", self.proc != Proc::None),
            ("/dev", self.dev != Dev::None),
            ("/sys", self.sys != Sys::None),
        ];
        wanted.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(name, _)| name)
    }

    /// The mount points that must exist in host directories. All others are in memory.
    pub(crate) fn points(&self) -> impl Iterator<Item = Point<'_>> {
        let rootfs = self.dir().filter(|_| self.overlay.is_none()).map(Path::new);
        let on_root = self.points_on_root().filter_map(move |(path, is_dir)| {
            Some(Point { base: rootfs?, path: path.strip_prefix("/").ok()?, is_dir })
        });
        let on_binds = self.mounts.iter().filter_map(|planned| {
            let covering = &self.mounts.get(planned.on?)?.mount;
            let Content::Bind(Bind { source, .. }) = &covering.content else { return None };
            let path = planned.mount.target.strip_prefix(&covering.target).ok()?;
            Some(Point { base: source, path, is_dir: planned.is_dir? })
        });
        on_root.chain(on_binds)
    }

    /// The mount points on the base itself, as paths in the sandbox, and whether each is a directory.
    pub(crate) fn points_on_root(&self) -> impl Iterator<Item = (&Path, bool)> {
        let essential_mounts = self.essential_mounts().map(|name| (Path::new(name), true));
        let on_root = self.mounts.iter().filter(|planned| planned.on.is_none());
        essential_mounts
            .chain(on_root.filter_map(|planned| Some((planned.mount.target.as_path(), planned.is_dir?))))
    }
}
