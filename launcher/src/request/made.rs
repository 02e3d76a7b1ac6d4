//! Directories and symbolic links that are made in the new root.

use crate::request::mount::{Content, Mount, MountFlags, NODEV, NOSUID};
use std::path::PathBuf;

/// The mode of a directory that is made, unless another one is requested: `rwxr-xr-x`.
const DIR_MODE: u32 = 0o755;

impl Mount {
    /// A directory in memory with mode 0755, if the root has no directory there.
    pub fn dir(target: impl Into<PathBuf>) -> Mount {
        Mount::of_kind(Content::Directory(DIR_MODE), target.into(), NOSUID | NODEV)
    }

    /// A symbolic link with this text. If the root has another file there, the launch is refused.
    pub fn symlink(text: impl Into<PathBuf>, link: impl Into<PathBuf>) -> Mount {
        Mount::of_kind(Content::Symlink(text.into()), link.into(), MountFlags::default())
    }

    /// The same directory or file in memory, with this mode.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Mount {
        if let Content::Directory(current) | Content::File { mode: current, .. } = &mut self.content {
            *current = mode;
        }
        self
    }

    /// The same file in memory, with this content.
    pub(crate) fn holding(mut self, bytes: Vec<u8>) -> Mount {
        if let Content::File { content, .. } = &mut self.content {
            *content = bytes;
        }
        self
    }

    /// True if files below the target can be written because the request says so. A directory that the root
    /// has already is not one of these, and neither is what a symbolic link leads to.
    pub(crate) fn is_writable(&self) -> bool {
        let is_made = matches!(self.content, Content::Directory(_) | Content::Symlink(_));
        !is_made && !self.attributes.set.contains(MountFlags::READ_ONLY)
    }

    /// True if the mount replaces one that every launch makes at this path.
    pub(crate) fn replaces(&self, path: &str) -> bool {
        self.target.as_os_str() == path && !matches!(self.content, Content::Directory(_))
    }
}
