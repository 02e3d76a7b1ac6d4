//! Makes a tar of a tree, or of several that are mounted over each other.

mod content;
pub(crate) mod merged;
pub(crate) mod packer;
mod reading;
pub(crate) mod run;
pub(crate) mod task;
