//! What was asked for: plain data, the structs of the public API.

pub(crate) mod mount;
pub(crate) mod sandbox;
