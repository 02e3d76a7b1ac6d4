//! Where an archive comes from: its compression, found by its first bytes, and its content as a stream.

pub mod compression;
pub mod stream;
