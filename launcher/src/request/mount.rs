//! One mount that was asked for: what it shows, where, and with which attributes.

use nix::libc;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Read-only.
pub(crate) const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
/// No setuid bits, no file capabilities.
pub(crate) const NOSUID: u64 = libc::MOUNT_ATTR_NOSUID;
/// No device nodes.
pub(crate) const NODEV: u64 = libc::MOUNT_ATTR_NODEV;
/// No programs.
pub(crate) const NOEXEC: u64 = libc::MOUNT_ATTR_NOEXEC;

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
/// assert_eq!(sandbox.spawn()?.wait()?, 0);
/// # Ok::<(), subroot::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// What is mounted.
    pub content: Content,
    /// Where, as an absolute path inside.
    pub target: PathBuf,
    /// What holds for it.
    pub attributes: Attributes,
}

/// What a mount shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// The file or directory of the host's.
    pub source: PathBuf,
    /// True when what is mounted below it comes along.
    pub recursive: bool,
    /// True when its owners are shown through the sandbox's own ID maps: mount_setattr(2), MOUNT_ATTR_IDMAP.
    pub id_mapped: bool,
}

/// Attributes of a mount, as mount_setattr(2) takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Those that are set: MOUNT_ATTR_….
    pub set: u64,
    /// What becomes of mount events: MS_PRIVATE and its like.
    pub propagation: u64,
}

impl Attributes {
    /// These attributes, private.
    pub const fn new(set: u64) -> Attributes {
        Attributes { set, propagation: libc::MS_PRIVATE }
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

    /// The same mount, read-only.
    #[must_use]
    pub fn read_only(mut self) -> Mount {
        self.attributes.set |= READ_ONLY;
        self
    }

    /// The file or directory of the host's that has to be there.
    pub(crate) fn source(&self) -> Option<&Path> {
        match &self.content {
            Content::Bind(Bind { source, .. }) | Content::Layered(source) => Some(source),
            _ => None,
        }
    }
}

/// An absolute path inside, without `.` and `..`.
///
/// # Errors
/// A relative path, and the root itself.
pub(crate) fn inside_path(word: &OsStr) -> Result<PathBuf, String> {
    let path = Path::new(word);
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
