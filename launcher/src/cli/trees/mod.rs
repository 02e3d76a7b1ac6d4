//! The commands about trees of files that belong to the caller's subordinate IDs, and about images.

mod du;
mod images;
mod import;
pub(crate) mod program;
mod registries;
mod report;
mod rm;

pub(crate) use crate::cli::trees::du::print;
pub(crate) use crate::cli::trees::images::{inspect, list_images, remove_images};
pub(crate) use crate::cli::trees::import::{commit, export, import};
pub(crate) use crate::cli::trees::registries::{login, logout, pull};
pub(crate) use crate::cli::trees::rm::remove;
