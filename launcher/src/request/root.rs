//! The requested root.

use std::path::PathBuf;

/// What the root is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// A directory of the host.
    Dir(PathBuf),
    /// An empty filesystem in memory.
    Empty,
    /// The host's own system, with a layer in memory over it.
    Host,
    /// The host's own system, unchanged: only namespaces are created.
    Unchanged,
}

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
