//! A directory that is not a root filesystem, although it was named as one.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

use crate::causes::{Cause, EMPTY_ROOT, NO_ROOT, ROOT_NEARBY};
use crate::grants::remedy::quoted::quoted_path;
use crate::sys::lookup::{look_in, open_top};
use std::fs;
use std::path::{Path, PathBuf};

/// Directories with programs.
const PROGRAMS: [&str; 2] = ["bin", "usr/bin"];
/// Other directories that a system has. `usr` has a `bin`, but none of these.
const SYSTEM: [&str; 2] = ["etc", "usr"];
/// The number of directories above that are examined.
const LEVELS: usize = 2;
/// The maximum number of directories below that are examined.
const MOST_INNER: usize = 64;

/// Why a directory is not a root filesystem; `None` if it looks like one, or cannot be examined.
pub(crate) fn cause(path: &Path) -> Option<Cause> {
    let shown = path.display();
    if fs::read_dir(path).ok()?.next().is_none() {
        return Some(Cause::new(&EMPTY_ROOT, &[("path", &shown)]));
    }
    if is_system(path) {
        return None;
    }
    let has_programs = has_any(path, &PROGRAMS);
    let near = above(path).or_else(|| if has_programs { None } else { below(path) });
    match near {
        Some(near) => Some(Cause::new(&ROOT_NEARBY, &[("path", &shown), ("near", &quoted_path(&near))])),
        None if has_programs => None,
        None => Some(Cause::new(&NO_ROOT, &[("path", &shown)])),
    }
}

fn is_system(path: &Path) -> bool {
    has_any(path, &PROGRAMS) && has_any(path, &SYSTEM)
}

fn has_any(path: &Path, names: &[&str]) -> bool {
    open_top(path).is_ok_and(|top| names.iter().any(|name| look_in(&top, Path::new(name)).is_ok()))
}

/// A directory above that looks like a root filesystem. The host's own root is above every directory.
fn above(path: &Path) -> Option<PathBuf> {
    let whole = fs::canonicalize(path).ok()?;
    let levels = whole.ancestors().skip(1).take(LEVELS).filter(|dir| dir.parent().is_some());
    let (up, found) = levels.enumerate().find(|(_, dir)| is_system(dir))?;
    // The path as it was typed is shorter, if it leads to the same directory.
    let typed = path.ancestors().nth(up + 1).filter(|dir| !dir.as_os_str().is_empty());
    let is_same = |typed: &&Path| fs::canonicalize(typed).is_ok_and(|typed| typed == *found);
    Some(typed.filter(is_same).unwrap_or(found).to_owned())
}

fn below(path: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(path).ok()?.take(MOST_INNER).filter_map(Result::ok);
    entries.map(|entry| entry.path()).find(|inner| inner.is_dir() && is_system(inner))
}
