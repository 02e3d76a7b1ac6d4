//! Makes the files of an archive below a directory.

pub mod applier;
pub(crate) mod attributes;
mod content;
mod deferred;
pub mod layer;
mod lookup;
pub mod owners;
mod path;
pub(crate) mod removal;
pub(crate) mod whiteout;

pub use crate::apply::whiteout::Whiteouts;
