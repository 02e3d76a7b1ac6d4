//! The commands about the image store.

pub(crate) mod images;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod prune;
pub(crate) mod rmi;
