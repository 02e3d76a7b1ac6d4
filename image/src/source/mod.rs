//! Where an archive or an image comes from: layouts and archives of images, compression, which is found by the
//! first bytes, and the content as a stream with its digests.
//!
//! The documents of an image are parsed with the caller's own IDs, and so are the headers of an archive that
//! contains layers; both are read only, and no name in them becomes a path outside. Layers, and everything
//! compressed, are read by the process that unpacks.

pub mod bytes;
pub mod compression;
mod docker_archive;
pub mod documents;
pub(crate) mod files;
pub mod image;
mod layout;
mod members;
pub mod open;
pub(crate) mod platform;
pub mod section;
pub mod stream;
pub mod verified;
