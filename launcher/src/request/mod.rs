//! The request: plain data, the structs of the public API.

pub(crate) mod capabilities;
pub(crate) mod environment;
pub(crate) mod ids;
pub(crate) mod limits;
pub(crate) mod made;
pub(crate) mod mount;
pub(crate) mod mount_options;
pub(crate) mod names;
pub(crate) mod namespaces;
pub(crate) mod network;
pub(crate) mod passed;
pub(crate) mod process;
pub(crate) mod root;
pub(crate) mod sandbox;
