//! Makes the files of an archive below a directory.

pub mod applier;
mod attributes;
mod content;
mod deferred;
pub mod layer;
mod lookup;
pub mod owners;
mod path;
mod removal;
mod whiteout;

pub use crate::apply::whiteout::Whiteouts;
