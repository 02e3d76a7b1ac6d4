//! An image of the store, as its manifest and config describe it.

use crate::digest::Digest;
use crate::error::Error;
use crate::source::documents::{Config, Descriptor, Document, why};
use crate::store::blobs::{Blob, Blobs};
use crate::store::index::Entry;
use serde_json::Value;

/// An image: its blobs, and what unpacking it makes.
pub(crate) struct StoredImage {
    pub(crate) manifest: Blob,
    pub(crate) config: Blob,
    pub(crate) layers: Vec<StoredLayer>,
    /// The content of the config.
    pub(crate) settings: Config,
    /// All of it, for what only people read.
    pub(crate) document: Value,
}

/// A layer: its blob, and the digest of the uncompressed tar.
#[derive(Clone, Debug)]
pub(crate) struct StoredLayer {
    pub(crate) blob: Blob,
    pub(crate) diff_id: Digest,
}

impl StoredImage {
    /// Reads the manifest and the config of an image.
    ///
    /// # Errors
    /// One of them is missing, damaged or not understood.
    pub(crate) fn read(blobs: &Blobs, entry: &Entry) -> Result<StoredImage, Error> {
        StoredImage::of(blobs, &entry.manifest, &entry.media_type)
    }

    /// The same for a manifest of this media type.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn of(blobs: &Blobs, manifest: &Blob, media_type: &str) -> Result<StoredImage, Error> {
        let damaged = |why: &str| Error::Images {
            doing: "reading the image",
            name: manifest.digest.to_string(),
            why: why.to_owned(),
            fix: None,
        };
        let document = Document::read(&blobs.read(&manifest.digest)?, media_type);
        let Document::Manifest(described) = document.map_err(|why| damaged(&why))? else {
            return Err(damaged("it is an index, not a manifest"));
        };
        let config = blob(&described.config);
        let content = blobs.read(&config.digest)?;
        let settings = Config::read(&content).map_err(|why| damaged(&why))?;
        let document = serde_json::from_slice(&content).map_err(|error| damaged(&why(&error)))?;
        if described.layers.len() != settings.rootfs.diff_ids.len() {
            return Err(damaged("its manifest and its config have different numbers of layers"));
        }
        let layers = described.layers.iter().zip(&settings.rootfs.diff_ids);
        let layers = layers.map(|(layer, diff_id)| StoredLayer { blob: blob(layer), diff_id: *diff_id });
        let layers = layers.collect();
        Ok(StoredImage { manifest: manifest.clone(), config, layers, settings, document })
    }

    /// The size of all blobs.
    pub(crate) fn size(&self) -> u64 {
        let layers = self.layers.iter().map(|layer| layer.blob.size);
        layers.fold(self.manifest.size.saturating_add(self.config.size), u64::saturating_add)
    }

    /// The image ID, which is the digest of the config, without `sha256:`.
    pub(crate) fn id(&self) -> String {
        self.config.digest.hex()
    }

    /// All blobs.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Blob> {
        let layers = self.layers.iter().map(|layer| &layer.blob);
        [&self.manifest, &self.config].into_iter().chain(layers)
    }

    /// Their digests.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.blobs().map(|blob| &blob.digest)
    }
}

fn blob(descriptor: &Descriptor) -> Blob {
    Blob { digest: descriptor.digest, size: descriptor.size }
}
