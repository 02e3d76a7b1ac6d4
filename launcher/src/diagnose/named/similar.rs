//! Finds the name in a directory that is most similar to a misspelt one.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

use crate::images::typo::distance_of_typo;
use nix::dir::Dir;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// The maximum number of names to compare.
const MOST_NAMES: usize = 4096;

/// The most similar of the names for which `is_wanted` is true.
pub(crate) fn nearest(dir: Dir, name: &OsStr, is_wanted: impl Fn(&OsStr) -> bool) -> Option<OsString> {
    let entries = dir.into_iter().take(MOST_NAMES).filter_map(Result::ok);
    let names = entries.map(|entry| OsString::from_vec(entry.file_name().to_bytes().to_vec()));
    let near = names.filter_map(|other| Some((distance_of_typo(name.as_bytes(), other.as_bytes())?, other)));
    near.filter(|(_, other)| is_wanted(other)).min().map(|(_, other)| other)
}
