//! The requested root.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// What the root is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// A directory of the host.
    Dir(PathBuf),
    /// The layers of an image.
    Image(Arc<Image>),
    /// An empty filesystem in memory.
    Empty,
    /// The host's own system, with a layer in memory over it.
    Host,
    /// The host's own system, unchanged: only namespaces are created.
    Unchanged,
}

/// An image that is unpacked for the maps of this launch.
#[derive(Debug)]
pub(crate) struct Image {
    /// Its canonical name.
    pub(crate) name: String,
    /// The name that a user types.
    pub(crate) shown: String,
    /// What `subroot import` takes to make a directory of it.
    pub(crate) source: String,
    /// Both maps for which it is unpacked, as text.
    pub(crate) map: String,
    /// The layers, the highest first.
    pub(crate) layers: Vec<LayerDir>,
    /// Keep the layers from being removed while they are open.
    pub(crate) locks: Vec<OwnedFd>,
}

/// The directory of a layer's files.
#[derive(Debug)]
pub(crate) struct LayerDir {
    pub(crate) path: PathBuf,
    /// The device and inode.
    pub(crate) identity: [u64; 2],
}

/// An image is equal only to itself, because its locks are.
impl PartialEq for Image {
    fn eq(&self, other: &Image) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Image {}

/// Where changes to a rootfs go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overlay {
    /// A layer that is discarded at the end. It is in memory, or before Linux 6.6 on disk.
    Memory,
    /// A directory of the host, in which they are kept.
    Kept(PathBuf),
}

/// How /proc is mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proc {
    /// A new one, or the existing one if the kernel refuses a new one.
    #[default]
    Auto,
    /// A new one.
    New,
    /// The existing one.
    Bind,
    /// Not mounted.
    None,
}

/// How /dev is mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dev {
    /// A private /dev with the few devices that programs expect.
    #[default]
    New,
    /// The host's /dev.
    Bind,
    /// Not mounted.
    None,
}
