//! The layers of overlays that are kept on disk before Linux 6.6: creation, guard, and removal.

pub(crate) mod disk_guard;
pub(crate) mod disk_layers;
pub(crate) mod kept_dir;
pub(crate) mod overlay_probe;
