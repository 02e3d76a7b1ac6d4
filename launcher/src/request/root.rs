//! The root that is asked for.

use std::path::PathBuf;

/// Where the root comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// A directory of the host's.
    Dir(PathBuf),
    /// The host's own system, with a layer in memory over it.
    Host,
    /// The host's own system as it is: the namespaces alone.
    Unchanged,
}

/// What takes the changes to a rootfs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overlay {
    /// A layer that is thrown away: in memory, or before Linux 6.6 on disk until the end.
    Memory,
    /// A directory of the host's in which they are kept.
    Kept(PathBuf),
}

/// Where /proc comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proc {
    /// A new one, or the one that is there where the kernel refuses a new one.
    #[default]
    Auto,
    /// A new one.
    New,
    /// The one that is there.
    Bind,
    /// Nothing is mounted.
    None,
}

/// Where /dev comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dev {
    /// A private one with the few devices that a program may expect.
    #[default]
    New,
    /// The host's.
    Bind,
    /// Nothing is mounted.
    None,
}
