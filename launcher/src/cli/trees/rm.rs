//! `subroot rm`: removes directories whose files belong to subordinate IDs.

use crate::cli::args::RmArgs;
use crate::cli::trees::report::reporter;
use crate::error::Error;
use crate::parent::registry;
use crate::parent::trees::Tree;
use crate::sys::standard_error;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The exit status if something remains that was named on standard error.
const REMAINS: u8 = 1;

/// Removes each directory. All of them are checked before anything is removed.
///
/// # Errors
/// A directory does not exist or must not be removed, or the IDs cannot be mapped.
pub(crate) fn remove(typed: &RmArgs) -> anyhow::Result<u8> {
    let trees = typed.dirs.iter().map(|dir| Tree::find("removing", dir)).collect::<Result<Vec<_>, _>>()?;
    trees.iter().try_for_each(refuse_needed)?;
    let mut status = 0;
    for tree in trees {
        match tree.remove(reporter("removing", &tree.path)) {
            Ok(()) => {}
            // Each path that remains has been named.
            Err(error @ Error::Tree { .. }) => {
                standard_error::line(&error.to_string());
                status = REMAINS;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(status)
}

/// Refuses the home directory, those above it and the working directory, and what a running sandbox uses.
fn refuse_needed(tree: &Tree) -> Result<(), Error> {
    let refused = |why: String| Err(Error::Tree { doing: "removing", path: tree.path.clone(), why });
    let is_in = |path: &Path| path.starts_with(&tree.path);
    // Error ignored: a directory that does not exist cannot be removed with this one.
    let canonical = |path: PathBuf| fs::canonicalize(path).ok();
    if env::var_os("HOME").map(PathBuf::from).and_then(canonical).is_some_and(|home| is_in(&home)) {
        return refused("your home directory is in it".into());
    }
    // Error ignored: the working directory was removed.
    if env::current_dir().ok().is_some_and(|dir| is_in(&dir)) {
        return refused("it is the working directory, or contains it".into());
    }
    for known in registry::running()? {
        let rootfs = known.rootfs.map(PathBuf::from).and_then(canonical);
        if rootfs.is_some_and(|rootfs| is_in(&rootfs) || tree.path.starts_with(&rootfs)) {
            let name = known.name.unwrap_or_else(|| known.pid.to_string());
            return refused(format!("the running sandbox {name} uses it"));
        }
    }
    Ok(())
}
