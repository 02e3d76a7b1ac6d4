//! `subroot du`: how much a directory holds whose files belong to subordinate IDs.

use crate::cli::args::DuArgs;
use crate::cli::output;
use crate::cli::trees::report::reporter;
use crate::error::Error;
use crate::parent::trees::Tree;
use crate::rootfs::tree::Usage;
use crate::sys;
use nix::errno::Errno;
use serde_json::json;

/// Prints the number of entries, their size, and the space that they take on disk.
///
/// # Errors
/// The directory does not exist, something in it cannot be examined, or standard output cannot be written.
pub(crate) fn print(typed: &DuArgs) -> anyhow::Result<u8> {
    let tree = Tree::find("measuring", &typed.dir)?;
    let show = |usage: &Usage| {
        let text = text(usage, typed.json).map_err(|_| Errno::EINVAL)?;
        sys::outcome_of(output::output(&text))
    };
    match tree.measure(reporter("measuring", &tree.path), show) {
        Ok(()) => Ok(0),
        // What could not be examined has been named.
        Err(Error::Tree { .. }) => Ok(1),
        Err(error) => Err(error.into()),
    }
}

fn text(usage: &Usage, as_json: bool) -> serde_json::Result<String> {
    let Usage { entries, apparent, disk, .. } = usage;
    if as_json {
        return output::json(&json!({"entries": entries, "apparent": apparent, "disk": disk}));
    }
    Ok(format!("entries   {entries}\nsize      {apparent} bytes\non disk   {disk} bytes\n"))
}
