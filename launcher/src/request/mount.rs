//! One mount that was asked for: what it shows, where, and with which attributes.

use nix::libc;
use std::ffi::OsStr;
use std::ops::{BitOr, BitOrAssign, SubAssign};
use std::path::{Component, Path, PathBuf};

pub(crate) const READ_ONLY: MountFlags = MountFlags::READ_ONLY;
pub(crate) const NOSUID: MountFlags = MountFlags::NOSUID;
pub(crate) const NODEV: MountFlags = MountFlags::NODEV;
pub(crate) const NOEXEC: MountFlags = MountFlags::NOEXEC;

/// Those options of tmpfs(5) that a user namespace can give.
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
    /// What is mounted.
    pub content: Content,
    /// Where, as an absolute path inside.
    pub target: PathBuf,
    /// What holds for it.
    pub attributes: Attributes,
}

/// What a mount shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A file or directory of the host's.
    Bind(Bind),
    /// A directory of the host's, with a layer in memory over it that takes all changes.
    Layered(PathBuf),
    /// A file system in memory, with its options: tmpfs(5).
    Tmpfs(Vec<(String, Option<String>)>),
    /// Directories of the host's over each other, the top one first.
    Overlay {
        /// What is only read.
        lower: Vec<PathBuf>,
        /// What takes the changes, and the directory beside it that overlayfs works in.
        upper: Option<(PathBuf, PathBuf)>,
    },
    /// proc(5) of the own pid namespace.
    Proc,
    /// Terminals of its own: pts(4).
    Devpts,
    /// POSIX message queues of the own ipc namespace: mq_overview(7).
    Mqueue,
}

/// A bind mount.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bind {
    /// The file or directory of the host's.
    pub source: PathBuf,
    /// True when what is mounted below it comes along.
    pub recursive: bool,
    /// True when its owners are shown through the sandbox's own ID maps: mount_setattr(2), MOUNT_ATTR_IDMAP.
    pub id_mapped: bool,
}

/// Flags of a mount: a set, which starts empty, to which others are added by `|` and from which they are taken by `-=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountFlags(u64);

impl MountFlags {
    /// Nothing can be written.
    pub const READ_ONLY: MountFlags = MountFlags(libc::MOUNT_ATTR_RDONLY);
    /// Setuid bits and file capabilities do not count.
    pub const NOSUID: MountFlags = MountFlags(libc::MOUNT_ATTR_NOSUID);
    /// Device nodes cannot be opened.
    pub const NODEV: MountFlags = MountFlags(libc::MOUNT_ATTR_NODEV);
    /// Programs cannot be executed.
    pub const NOEXEC: MountFlags = MountFlags(libc::MOUNT_ATTR_NOEXEC);

    /// True if all flags of the other set are in this one.
    pub const fn contains(self, other: MountFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The union, for constants, in which `|` cannot be called.
    pub(crate) const fn with(self, other: MountFlags) -> MountFlags {
        MountFlags(self.0 | other.0)
    }

    /// As mount_setattr(2) takes them.
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

/// What becomes of mounts that are made later, on either side of a mount: mount_namespaces(7). In any case, none leaves the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagation {
    /// Each side keeps its own.
    #[default]
    Private,
    /// Those of the host's appear inside.
    Slave,
    /// Namespaces inside share them.
    Shared,
    /// As private, and the mount cannot be bound elsewhere.
    Unbindable,
}

impl Propagation {
    /// As mount_setattr(2) takes it.
    pub(crate) const fn bits(self) -> u64 {
        match self {
            Propagation::Private => libc::MS_PRIVATE,
            Propagation::Slave => libc::MS_SLAVE,
            Propagation::Shared => libc::MS_SHARED,
            Propagation::Unbindable => libc::MS_UNBINDABLE,
        }
    }
}

/// Attributes of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attributes {
    /// Its flags; others of a bind's source stay as well.
    pub set: MountFlags,
    /// What becomes of mounts that are made later.
    pub propagation: Propagation,
}

impl Attributes {
    /// These flags, private.
    pub const fn new(set: MountFlags) -> Attributes {
        Attributes { set, propagation: Propagation::Private }
    }
}

impl Mount {
    /// A bind mount with all that is mounted below it; setuid bits do not count on it, and device nodes only where it is of /dev,
    /// whose files are nothing else.
    pub fn bind(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Mount {
        let source = source.into();
        let attributes = if source.starts_with("/dev") { NOSUID } else { NOSUID | NODEV };
        let content = Content::Bind(Bind { source, recursive: true, id_mapped: false });
        Mount { content, target: target.into(), attributes: Attributes::new(attributes) }
    }

    /// A file system in memory, mode 1777, without programs, setuid bits and device nodes.
    pub fn tmpfs(target: impl Into<PathBuf>) -> Mount {
        let content = Content::Tmpfs(Vec::new());
        Mount { content, target: target.into(), attributes: Attributes::new(NOSUID | NODEV | NOEXEC) }
    }

    /// A directory of the host's, with a layer in memory over it that takes all changes and is discarded.
    pub fn layered(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Mount {
        Mount { content: Content::Layered(source.into()), ..Mount::bind("", target) }
    }

    /// Directories of the host's over each other, the top one first. Changes go to the first directory of `upper`; the second
    /// one, on the same filesystem, is overlayfs's to work in. Without `upper`, nothing can be written.
    pub fn overlay(
        lower: impl IntoIterator<Item = impl Into<PathBuf>>,
        upper: Option<(PathBuf, PathBuf)>,
        target: impl Into<PathBuf>,
    ) -> Mount {
        let lower = lower.into_iter().map(Into::into).collect();
        Mount { content: Content::Overlay { lower, upper }, ..Mount::bind("", target) }
    }

    /// A new proc(5), of the sandbox's pid namespace.
    pub fn proc(target: impl Into<PathBuf>) -> Mount {
        Mount::of_system(Content::Proc, target.into(), NOSUID | NODEV | NOEXEC)
    }

    /// A new devpts: terminals of the sandbox's own.
    pub fn devpts(target: impl Into<PathBuf>) -> Mount {
        Mount::of_system(Content::Devpts, target.into(), NOSUID | NOEXEC)
    }

    /// The POSIX message queues of the sandbox's ipc namespace.
    pub fn mqueue(target: impl Into<PathBuf>) -> Mount {
        Mount::of_system(Content::Mqueue, target.into(), NOSUID | NODEV | NOEXEC)
    }

    /// A device node of the host's; its own mode decides who can use it.
    pub fn device(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Mount {
        Mount { attributes: Attributes::new(NOSUID | NOEXEC), ..Mount::bind(source, target) }
    }

    fn of_system(content: Content, target: PathBuf, flags: MountFlags) -> Mount {
        Mount { content, target, attributes: Attributes::new(flags) }
    }

    /// The same mount, read-only.
    #[must_use]
    pub fn read_only(mut self) -> Mount {
        self.attributes.set |= READ_ONLY;
        self
    }

    /// The same mount of a filesystem in memory with an option of tmpfs(5), such as `size` and `10m`.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Mount {
        if let Content::Tmpfs(options) = &mut self.content {
            options.push((name.into(), Some(value.into())));
        }
        self
    }

    /// The same bind mount without what is mounted below its source.
    #[must_use]
    pub fn non_recursive(mut self) -> Mount {
        if let Content::Bind(bind) = &mut self.content {
            bind.recursive = false;
        }
        self
    }

    /// The same bind mount with its owners shown through the sandbox's own ID maps: mount_setattr(2), MOUNT_ATTR_IDMAP.
    #[must_use]
    pub fn id_mapped(mut self) -> Mount {
        if let Content::Bind(bind) = &mut self.content {
            bind.id_mapped = true;
        }
        self
    }

    /// # Errors
    /// Contents that cannot be mounted.
    pub(crate) fn check(&self) -> Result<(), String> {
        match &self.content {
            Content::Overlay { lower, .. } if lower.is_empty() => Err("lowerdir is missing".into()),
            // overlayfs refuses one directory alone (ovl_fs_params_verify() in fs/overlayfs/params.c).
            Content::Overlay { lower, upper: None } if lower.len() == 1 => {
                Err("one lowerdir alone needs an upperdir; type=bind shows one directory".into())
            }
            Content::Tmpfs(options) => options.iter().try_for_each(|(name, value)| {
                match value.as_deref().is_some_and(|value| !value.is_empty())
                    && TMPFS_OPTIONS.contains(&name.as_str())
                {
                    true => Ok(()),
                    false => Err(format!("{} is unknown here", assignment(name, value.as_deref()))),
                }
            }),
            _ => Ok(()),
        }
    }

    /// The paths of the host's.
    pub(crate) fn host_paths(&mut self) -> Vec<&mut PathBuf> {
        match &mut self.content {
            Content::Bind(Bind { source, .. }) | Content::Layered(source) => vec![source],
            Content::Overlay { lower, upper } => {
                lower.iter_mut().chain(upper.iter_mut().flat_map(|(upper, work)| [upper, work])).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The file or directory of the host's that has to be there.
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

/// An absolute path inside, without `.` and `..`.
///
/// # Errors
/// A relative path, and the root itself.
pub(crate) fn inside_path(target: &OsStr) -> Result<PathBuf, String> {
    let path = Path::new(target);
    if !path.is_absolute() {
        return Err(format!("{} is not an absolute path inside", path.display()));
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
        return Err("the root itself is ROOTFS".into());
    }
    Ok(clean)
}
