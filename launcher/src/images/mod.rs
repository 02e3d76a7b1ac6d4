//! The image store as the launcher reads it, and what subroot-image shares with it: names, sources, maps, run
//! files and its directory.

pub mod boot;
pub mod hash;
pub mod id_map;
pub mod id_options;
pub mod index;
pub mod name;
pub(crate) mod program;
pub mod run_file;
pub mod source;
pub mod store;
pub mod typo;
