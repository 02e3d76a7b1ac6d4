//! The entries of a tar.

mod acl;
pub mod archive;
mod checks;
pub mod member;
mod pax;
pub(crate) mod write;
