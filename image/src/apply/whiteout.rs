//! Whiteouts: entries of a layer that delete what the layers below it have. See "Whiteouts" in the OCI image
//! specification's layer.md.

use crate::apply::path::InnerPath;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::ffi::CString;
use std::hash::BuildHasher as _;

pub(crate) const PREFIX: &[u8] = b".wh.";
pub(crate) const OPAQUE: &[u8] = b".wh..wh..opq";

/// What becomes of whiteouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whiteouts {
    /// They are kept in overlayfs's form, for a layer that is mounted over others: a device 0:0 for a deleted
    /// file, and the attribute `user.overlay.opaque` for a directory that hides those below it.
    Overlay,
    /// They delete from the tree, which has the layers below already.
    Flat,
}

/// What an entry's name means.
pub(crate) enum Meaning {
    /// A file.
    File,
    /// Deletes this name from the layers below.
    Deletes(CString),
    /// Hides what the layers below have in the directory.
    Opaque,
    /// A record of aufs, for which other tools have no use either.
    Ignored,
}

/// Reads the last part of an entry's name.
///
/// # Errors
/// What follows `.wh.` is not a plain name.
pub(crate) fn meaning(name: &[u8], of_entry: &[u8]) -> Result<Meaning, Error> {
    let Some(deleted) = name.strip_prefix(PREFIX) else { return Ok(Meaning::File) };
    match deleted {
        _ if name == OPAQUE => Ok(Meaning::Opaque),
        b"" | b"." | b".." => Err(Error::entry(of_entry, "the whiteout does not name a file")),
        _ if deleted.starts_with(PREFIX) => Ok(Meaning::Ignored),
        _ => CString::new(deleted)
            .map(Meaning::Deletes)
            .map_err(|_| Error::entry(of_entry, "the name contains a NUL byte")),
    }
}

/// The paths that the layer itself has made: a whiteout hides only what the layers below have, wherever it is in
/// the archive. Hashes are kept, because there can be millions of paths.
#[derive(Default)]
pub(crate) struct OfThisLayer {
    hasher: RandomState,
    paths: HashSet<u64>,
}

impl OfThisLayer {
    /// Records a path, and the directories above it.
    pub(crate) fn add(&mut self, path: &InnerPath) {
        let hashes: Vec<u64> = path.with_ancestors().map(|path| self.hasher.hash_one(path)).collect();
        self.paths.extend(hashes);
    }

    pub(crate) fn has(&self, path: &InnerPath) -> bool {
        self.paths.contains(&self.hasher.hash_one(path.bytes()))
    }
}
