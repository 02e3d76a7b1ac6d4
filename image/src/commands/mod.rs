//! The commands about the image store.

pub(crate) mod commit;
pub(crate) mod export;
pub(crate) mod images;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod login;
pub(crate) mod prune;
pub(crate) mod pull;
pub(crate) mod rmi;
