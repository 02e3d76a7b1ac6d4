//! `subroot images`, `rmi` and `inspect`: execute subroot-image, which reads and writes the store.

use crate::cli::args::{ImagesArgs, ImagesVerb, InspectArgs, RmiArgs};
use crate::cli::trees::program::execute;
use std::ffi::OsString;

/// Lists images, or prunes the store.
///
/// # Errors
/// subroot-image is not installed, or cannot be executed.
pub(crate) fn list_images(typed: &ImagesArgs) -> anyhow::Result<u8> {
    if let Some(ImagesVerb::Prune) = typed.verb {
        return execute(vec!["prune".into()]);
    }
    let switches = [(typed.all, "--all"), (typed.json, "--json"), (typed.quiet, "--ids")];
    let given = switches.iter().filter(|(is_given, _)| *is_given).map(|(_, switch)| switch.into());
    execute(["images".into()].into_iter().chain(given).collect())
}

/// Removes images.
///
/// # Errors
/// As for [`list_images`].
pub(crate) fn remove_images(typed: &RmiArgs) -> anyhow::Result<u8> {
    execute(with_names("rmi", &typed.images))
}

/// Describes images.
///
/// # Errors
/// As for [`list_images`].
pub(crate) fn inspect(typed: &InspectArgs) -> anyhow::Result<u8> {
    execute(with_names("inspect", &typed.images))
}

fn with_names(command: &str, names: &[OsString]) -> Vec<OsString> {
    [command, "--"].into_iter().map(OsString::from).chain(names.iter().cloned()).collect()
}
