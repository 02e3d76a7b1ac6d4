//! Archives, harmless and hostile, applied to a directory as an ordinary user would, and images that are read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod builder;
mod digests;
mod docker_archives;
mod hostile;
mod layers;
mod layout;
mod layouts;
mod limits;
mod plain;
