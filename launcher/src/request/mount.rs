//! A requested mount: its content, target and attributes.

use nix::libc;
use std::ffi::OsStr;
use std::ops::{BitOr, BitOrAssign, SubAssign};
use std::path::{Component, Path, PathBuf};

pub(crate) const READ_ONLY: MountFlags = MountFlags::READ_ONLY;
pub(crate) const NOSUID: MountFlags = MountFlags::NOSUID;
pub(crate) const NODEV: MountFlags = MountFlags::NODEV;
pub(crate) const NOEXEC: MountFlags = MountFlags::NOEXEC;

/// All bits of a mode: inode(7).
pub(crate) const MAX_MODE: u32 = 0o7777;

/// The options of tmpfs(5) that are allowed in a user namespace.
const TMPFS_OPTIONS: [&str; 7] = ["size", "nr_blocks", "nr_inodes", "mode", "uid", "gid", "huge"];

/// A mount below the new root.
///
/// ```
/// use subroot::{Mount, Sandbox};
///
/// let script = "! touch /srv/x 2>/dev/null && touch /mnt/x";
/// let sandbox = Sandbox::host()
///     .mount(Mount::bind("/etc", "/srv").read_only())
///     .mount(Mount::tmpfs("/mnt"))
///     .command(["sh", "-c", script]);
/// assert!(sandbox.spawn()?.wait()?.success());
/// # Ok::<(), subroot::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mount {
    /// The content.
    pub content: Content,
    /// The target, an absolute path in the sandbox.
    pub target: PathBuf,
    /// The attributes.
    pub attributes: Attributes,
}

/// The content of a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A file or directory of the host.
    Bind(Bind),
    /// A directory of the host, with a layer in memory over it that takes all changes.
    Layered(PathBuf),
    /// A filesystem in memory, with its options: tmpfs(5).
    Tmpfs(Vec<(String, Option<String>)>),
    /// A file in memory.
    File {
        /// What it contains.
        content: Vec<u8>,
        /// Its mode: chmod(2).
        mode: u32,
    },
    /// Directories of the host over each other, the top one first.
    Overlay {
        /// The directories that are only read.
        lower: Vec<PathBuf>,
        /// The directory that takes the changes, and the work directory of overlayfs.
        upper: Option<(PathBuf, PathBuf)>,
    },
    /// proc(5) for the sandbox's pid namespace.
    Proc,
    /// A devpts with the sandbox's own terminals: pts(4).
    Devpts,
    /// POSIX message queues of the sandbox's ipc namespace: mq_overview(7).
    Mqueue,
    /// A directory in memory with this mode. Nothing is mounted if the target is a directory already.
    Directory(u32),
    /// A symbolic link with this text, which is made as a file in memory.
    Symlink(PathBuf),
}

/// A bind mount.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bind {
    /// The file or directory on the host.
    pub source: PathBuf,
    /// True if mounts below the source are included.
    pub recursive: bool,
    /// True if file owners are mapped by the sandbox's ID maps: mount_setattr(2), MOUNT_ATTR_IDMAP.
    pub id_mapped: bool,
}

/// A set of mount flags. The default is empty; `|` adds flags and `-=` removes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountFlags(u64);

impl MountFlags {
    /// Nothing on the mount can be written.
    pub const READ_ONLY: MountFlags = MountFlags(libc::MOUNT_ATTR_RDONLY);
    /// Setuid bits and file capabilities have no effect.
    pub const NOSUID: MountFlags = MountFlags(libc::MOUNT_ATTR_NOSUID);
    /// Device nodes cannot be opened.
    pub const NODEV: MountFlags = MountFlags(libc::MOUNT_ATTR_NODEV);
    /// Programs cannot be executed.
    pub const NOEXEC: MountFlags = MountFlags(libc::MOUNT_ATTR_NOEXEC);

    /// True if all flags of the other set are in this one.
    pub const fn contains(self, other: MountFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The union, for constants, in which `|` cannot be used.
    pub(crate) const fn with(self, other: MountFlags) -> MountFlags {
        MountFlags(self.0 | other.0)
    }

    /// The bits for mount_setattr(2).
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }
}

impl BitOr for MountFlags {
    type Output = MountFlags;

    fn bitor(self, other: MountFlags) -> MountFlags {
        MountFlags(self.0 | other.0)
    }
}

impl BitOrAssign for MountFlags {
    fn bitor_assign(&mut self, other: MountFlags) {
        self.0 |= other.0;
    }
}

impl SubAssign for MountFlags {
    fn sub_assign(&mut self, other: MountFlags) {
        self.0 &= !other.0;
    }
}

/// How mounts that are made later propagate: mount_namespaces(7). No mount ever propagates out of the
/// sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagation {
    /// Not at all.
    #[default]
    Private,
    /// From the host into the sandbox.
    Slave,
    /// Between namespaces in the sandbox.
    Shared,
    /// Not at all, and the mount cannot be bind-mounted.
    Unbindable,
}

impl Propagation {
    /// The bits for mount_setattr(2).
    pub(crate) const fn bits(self) -> u64 {
        match self {
            Propagation::Private => libc::MS_PRIVATE,
            Propagation::Slave => libc::MS_SLAVE,
            Propagation::Shared => libc::MS_SHARED,
            Propagation::Unbindable => libc::MS_UNBINDABLE,
        }
    }
}

/// The attributes of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attributes {
    /// The flags. Flags that a bind's source already has are kept too.
    pub set: MountFlags,
    /// Flags that must not be set. A bind mount is refused if its source has one of them.
    pub unset: MountFlags,
    /// The propagation of later mounts.
    pub propagation: Propagation,
}

impl Attributes {
    /// These flags, with private propagation.
    pub const fn new(set: MountFlags) -> Attributes {
        Attributes { set, unset: MountFlags(0), propagation: Propagation::Private }
    }
}

impl Mount {
    /// A bind mount that includes all mounts below the source. Setuid bits have no effect on it. Device nodes
    /// can be opened only if the source is in /dev.
    pub fn bind(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Mount {
        let source = source.into();
        let attributes = if source.starts_with("/dev") { NOSUID } else { NOSUID | NODEV };
        let content = Content::Bind(Bind { source, recursive: true, id_mapped: false });
        Mount { content, target: target.into(), attributes: Attributes::new(attributes) }
    }

    /// A filesystem in memory with mode 1777, nosuid, nodev and noexec.
    pub fn tmpfs(target: impl Into<PathBuf>) -> Mount {
        let content = Content::Tmpfs(Vec::new());
        Mount { content, target: target.into(), attributes: Attributes::new(NOSUID | NODEV | NOEXEC) }
    }

    /// A file in memory with this content. It belongs to root, if the sandbox has ID 0, and has mode 644.
    pub fn file(content: impl Into<Vec<u8>>, target: impl Into<PathBuf>) -> Mount {
        let content = Content::File { content: content.into(), mode: 0o644 };
        Mount { content, ..Mount::bind("", target) }
    }

    /// A directory of the host, with a layer in memory over it that takes all changes and is discarded.
    pub fn layered(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Mount {
        Mount { content: Content::Layered(source.into()), ..Mount::bind("", target) }
    }

    /// Directories of the host over each other, the top one first. Changes go to the first directory of
    /// `upper`. The second is the work directory of overlayfs and must be on the same filesystem. Without
    /// `upper` the mount is read-only.
    pub fn overlay(
        lower: impl IntoIterator<Item = impl Into<PathBuf>>,
        upper: Option<(PathBuf, PathBuf)>,
        target: impl Into<PathBuf>,
    ) -> Mount {
        let lower = lower.into_iter().map(Into::into).collect();
        Mount { content: Content::Overlay { lower, upper }, ..Mount::bind("", target) }
    }

    /// A new proc(5) for the sandbox's pid namespace.
    pub fn proc(target: impl Into<PathBuf>) -> Mount {
        Mount::of_kind(Content::Proc, target.into(), NOSUID | NODEV | NOEXEC)
    }

    /// A new devpts, with the sandbox's own terminals.
    pub fn devpts(target: impl Into<PathBuf>) -> Mount {
        Mount::of_kind(Content::Devpts, target.into(), NOSUID | NOEXEC)
    }

    /// The POSIX message queues of the sandbox's ipc namespace.
    pub fn mqueue(target: impl Into<PathBuf>) -> Mount {
        Mount::of_kind(Content::Mqueue, target.into(), NOSUID | NODEV | NOEXEC)
    }

    /// A device node of the host. Its own mode decides who can use it.
    pub fn device(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Mount {
        Mount { attributes: Attributes::new(NOSUID | NOEXEC), ..Mount::bind(source, target) }
    }

    pub(crate) fn of_kind(content: Content, target: PathBuf, flags: MountFlags) -> Mount {
        Mount { content, target, attributes: Attributes::new(flags) }
    }

    /// The same mount, read-only.
    #[must_use]
    pub fn read_only(mut self) -> Mount {
        self.attributes.set |= READ_ONLY;
        self
    }

    /// The same mount of a filesystem in memory, with an option of tmpfs(5), such as `size` with `10m`.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Mount {
        if let Content::Tmpfs(options) = &mut self.content {
            options.push((name.into(), Some(value.into())));
        }
        self
    }

    /// The same bind mount, without the mounts below its source.
    #[must_use]
    pub fn non_recursive(mut self) -> Mount {
        if let Content::Bind(bind) = &mut self.content {
            bind.recursive = false;
        }
        self
    }

    /// The same bind mount, with file owners mapped by the sandbox's ID maps: mount_setattr(2),
    /// MOUNT_ATTR_IDMAP.
    #[must_use]
    pub fn id_mapped(mut self) -> Mount {
        if let Content::Bind(bind) = &mut self.content {
            bind.id_mapped = true;
        }
        self
    }

    /// # Errors
    /// Content that cannot be mounted.
    pub(crate) fn check(&self) -> Result<(), String> {
        match &self.content {
            Content::Overlay { lower, .. } if lower.is_empty() => Err("lowerdir is missing".into()),
            // overlayfs does not accept one directory alone (ovl_fs_params_verify() in
            // fs/overlayfs/params.c).
            Content::Overlay { lower, upper: None } if lower.len() == 1 => {
                Err("a single lowerdir needs an upperdir; type=bind mounts one directory".into())
            }
            Content::Directory(mode) | Content::File { mode, .. } if *mode > MAX_MODE => {
                Err(format!("{mode:o} is not an octal mode up to 7777"))
            }
            Content::Symlink(text) if text.as_os_str().is_empty() => Err("a symbolic link is empty".into()),
            Content::Tmpfs(options) => options.iter().try_for_each(|(name, value)| {
                match value.as_deref().is_some_and(|value| !value.is_empty())
                    && TMPFS_OPTIONS.contains(&name.as_str())
                {
                    true => Ok(()),
                    false => {
                        Err(format!("unknown option {} for type=tmpfs", assignment(name, value.as_deref())))
                    }
                }
            }),
            _ => Ok(()),
        }
    }

    /// All host paths of the mount.
    pub(crate) fn host_paths(&mut self) -> Vec<&mut PathBuf> {
        match &mut self.content {
            Content::Bind(Bind { source, .. }) | Content::Layered(source) => vec![source],
            Content::Overlay { lower, upper } => {
                lower.iter_mut().chain(upper.iter_mut().flat_map(|(upper, work)| [upper, work])).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The host file or directory that must exist.
    pub(crate) fn source(&self) -> Option<&Path> {
        match &self.content {
            Content::Bind(Bind { source, .. }) | Content::Layered(source) => Some(source),
            _ => None,
        }
    }
}

fn assignment(name: &str, value: Option<&str>) -> String {
    value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}"))
}

/// An absolute path in the sandbox, without `.` and `..`.
///
/// # Errors
/// A relative path, or the root itself.
pub(crate) fn inside_path(target: &OsStr) -> Result<PathBuf, String> {
    let path = Path::new(target);
    if !path.is_absolute() {
        return Err(format!("{} is not an absolute path", path.display()));
    }
    let mut clean = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                clean.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    if clean == Path::new("/") {
        return Err(format!("{} is the root itself, which only ROOTFS sets", path.display()));
    }
    Ok(clean)
}
