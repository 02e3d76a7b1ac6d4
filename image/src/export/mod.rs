//! Exports: an archive of a directory or of an image, in one of several formats.

pub(crate) mod format;
pub(crate) mod layout;
pub(crate) mod output;
pub(crate) mod squashfs;
pub(crate) mod tree;
