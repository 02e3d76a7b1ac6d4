//! Archives, harmless and hostile, applied to a directory as an ordinary user would.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod builder;
mod hostile;
mod layers;
mod limits;
mod plain;
