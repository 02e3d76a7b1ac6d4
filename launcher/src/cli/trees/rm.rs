//! `subroot rm`: removes directories whose files belong to subordinate IDs, and what is kept of detached sandboxes.

use crate::cli::args::RmArgs;
use crate::cli::output;
use crate::cli::trees::report::reporter;
use crate::error::Error;
use crate::parent::detached::job::{self, Kept};
use crate::parent::registry::{self, Known};
use crate::parent::trees::Tree;
use crate::sys::standard_error;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The exit status if something remains that was named on standard error.
const REMAINS: u8 = 1;

/// Removes each. All directories are checked before anything is removed.
///
/// # Errors
/// A directory does not exist or must not be removed, the IDs cannot be mapped, or a sandbox is running or nothing
/// is kept of it.
pub(crate) fn remove(typed: &RmArgs) -> anyhow::Result<u8> {
    let (dirs, jobs): (Vec<_>, Vec<_>) = typed.names.iter().partition(|name| is_dir(name));
    let find = |dir: &&OsString| Tree::find("removing", Path::new(dir));
    let trees = dirs.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let running = registry::running()?;
    trees.iter().try_for_each(|tree| refuse_needed(tree, &running))?;
    dirs.iter().try_for_each(|dir| refuse_ambiguous(dir, &running))?;
    let (_, mut status) = output::attempt_each(jobs, |name| job::remove(&name.to_string_lossy()));
    for tree in trees {
        status = status.max(remove_tree(&tree)?);
    }
    Ok(status)
}

/// True for a path, and for the name of a directory.
fn is_dir(name: &OsStr) -> bool {
    // Error ignored: a name that cannot be examined is a sandbox's, and it is then missing.
    name.as_bytes().contains(&b'/')
        || fs::symlink_metadata(name).is_ok_and(|found| found.is_dir())
        || [".", ".."].iter().any(|dots| name == *dots)
}

/// Refuses a word that names both a directory and a detached sandbox.
fn refuse_ambiguous(name: &OsStr, running: &[Known]) -> Result<(), Error> {
    let is_it = |kept: &Result<Kept, Error>| match kept {
        Ok(kept) => *name == *kept.name,
        Err(Error::Unreadable { file, .. }) => file.file_name() == Some(name),
        // Error ignored: a record of unknown name is not this one, and ps reports it.
        Err(_) => false,
    };
    if !job::kept(running)?.iter().any(is_it) {
        return Ok(());
    }
    Err(Error::Tree {
        doing: "removing",
        path: name.into(),
        why: "a directory and a sandbox that has ended have this name; write ./ before that of the directory"
            .into(),
    })
}

fn remove_tree(tree: &Tree) -> anyhow::Result<u8> {
    match tree.remove(reporter("removing", &tree.path)) {
        Ok(()) => Ok(0),
        // Each path that remains has been named.
        Err(error @ Error::Tree { .. }) => {
            standard_error::line(&error.to_string());
            Ok(REMAINS)
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses the home directory, those above it and the working directory, and what a running sandbox uses.
fn refuse_needed(tree: &Tree, running: &[Known]) -> Result<(), Error> {
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
    for known in running {
        let rootfs = known.rootfs.clone().map(PathBuf::from).and_then(canonical);
        if rootfs.is_some_and(|rootfs| is_in(&rootfs) || tree.path.starts_with(&rootfs)) {
            let name = known.name.clone().unwrap_or_else(|| known.pid.to_string());
            return refused(format!("the running sandbox {name} uses it"));
        }
    }
    Ok(())
}
