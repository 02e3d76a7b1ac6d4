//! Garbage collection: removes what no image needs. It needs the store for itself, and skips layers that a sandbox
//! uses.

use crate::error::Error;
use crate::output;
use crate::store::Store;
use crate::store::image::StoredImage;
use crate::store::index::Index;
use crate::store::locks::Exclusive;
use nix::errno::Errno;
use std::collections::HashSet;
use std::path::Path;

/// What was removed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Freed {
    /// The size of blobs and layers.
    pub(crate) bytes: u64,
    /// The number of layers that remain because a sandbox uses them.
    pub(crate) used: u64,
}

/// What the images need.
#[derive(Default)]
pub(crate) struct Needed {
    /// Digests of manifests.
    manifests: HashSet<String>,
    /// The hexadecimal digits of blobs.
    blobs: HashSet<String>,
    /// The hexadecimal digits of diff IDs.
    pub(crate) layers: HashSet<String>,
}

impl Needed {
    /// What these images need.
    ///
    /// # Errors
    /// A manifest or config cannot be read, so that it is not known what its image needs.
    pub(crate) fn by(store: &Store, index: &Index) -> Result<Needed, Error> {
        let mut needed = Needed::default();
        for entry in &index.entries {
            let image = StoredImage::read(&store.blobs, entry)?;
            needed.manifests.insert(image.manifest.digest.to_string());
            needed.blobs.extend(image.digests().map(|digest| digest.hex()));
            needed.layers.extend(image.layers.iter().map(|layer| layer.diff_id.hex()));
        }
        Ok(needed)
    }
}

impl Store {
    /// Removes everything that no image needs.
    ///
    /// # Errors
    /// An image cannot be read, or something cannot be removed.
    pub(crate) fn collect(&self, alone: &Exclusive) -> Result<Freed, Error> {
        self.remove_leftovers(alone)?;
        let needed = Needed::by(self, &self.index()?)?;
        // The launcher reads run files first: none may name a layer that is missing.
        self.runs.keep(&needed.manifests)?;
        let mut freed = Freed::default();
        for (above, name) in self.layers.all()? {
            if !name.to_str().is_some_and(|name| needed.layers.contains(name)) {
                match self.layers.discard(&self.tmp, &above, &name)? {
                    Some((moved, bytes)) => {
                        remove_tree(&moved)?;
                        freed.bytes = freed.bytes.saturating_add(bytes);
                    }
                    None => freed.used += 1,
                }
            }
        }
        freed.bytes = freed.bytes.saturating_add(self.blobs.keep(&needed.blobs)?);
        self.locks.remove_unused(alone)?;
        Ok(freed)
    }

    /// Removes what killed processes have left in `tmp`. What remains is named, and does no harm.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(crate) fn remove_leftovers(&self, _alone: &Exclusive) -> Result<(), Error> {
        for name in self.tmp.names()? {
            let removed = match self.tmp.remove(&name) {
                Err(Error::Store { errno: Errno::EISDIR, .. }) => remove_tree(&self.tmp.path.join(&name)),
                removed => removed,
            };
            if let Err(error) = removed {
                output::line(&error.to_string());
            }
        }
        Ok(())
    }

    /// Removes at once what is not needed, if no other process works in the store. An error is not that of the command.
    pub(crate) fn collect_if_alone(&self) {
        let collected = match self.locks.try_alone() {
            Ok(Some(alone)) => self.collect(&alone).map(drop),
            other => other.map(drop),
        };
        if let Err(error) = collected {
            output::line(&error.to_string());
        }
    }
}

fn remove_tree(path: &Path) -> Result<(), Error> {
    subroot::trees::remove(path).map_err(Error::Launch)
}
