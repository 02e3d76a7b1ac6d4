//! The layers of overlays that are on disk before Linux 6.6: made, guarded, and removed.

pub(crate) mod disk_guard;
pub(crate) mod disk_layers;
pub(crate) mod overlay_probe;
