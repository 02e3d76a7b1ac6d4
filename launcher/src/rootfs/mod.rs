//! Builds the new root, using descriptors instead of paths.

pub(crate) mod attach;
pub(crate) mod covering;
pub(crate) mod created_mount_points;
pub(crate) mod dev;
pub(crate) mod host_root;
pub(crate) mod lower_layers;
pub(crate) mod made;
pub(crate) mod mount_point;
pub(crate) mod mounts;
pub(crate) mod new_root;
pub(crate) mod overlay;
pub(crate) mod removal;
pub(crate) mod tree;
pub(crate) mod upper_layers;
