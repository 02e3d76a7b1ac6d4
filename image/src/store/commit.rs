//! Adds a layer to an image of the store, which becomes another image.

use crate::error::Error;
use crate::pack::task::Packed;
use crate::source::documents::{Descriptor, Document, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, manifest};
use crate::store::add::Name;
use crate::store::blobs::Blob;
use crate::store::image::StoredImage;
use crate::store::reference::Found;
use crate::store::time;
use crate::store::unpacking::Unpacking;
use serde_json::{Value, json};
use std::fs::File;

const CREATED_BY: &str = "subroot commit";

impl Unpacking<'_> {
    /// Gives this name to the image with one more layer: a tar that begins at the file's offset.
    ///
    /// # Errors
    /// What stopped it. The name is unchanged then.
    pub(crate) fn add_layer(
        &self,
        base: &Found,
        layer: File,
        packed: &Packed,
        name: &str,
    ) -> Result<(), Error> {
        let signals = self.unpacker.signals;
        let blobs = &self.store.blobs;
        let blob = Blob { digest: packed.digest, size: packed.size };
        let _locked = self.store.locks.making(&blob.digest.hex(), signals)?;
        if blobs.size(&blob.digest)? != Some(blob.size) {
            blobs.add(layer, Some(&blob), &|| signals.pause(0))?;
        }
        let mut layers = self.described(base)?;
        layers.push(blob.described(OCI_LAYER.into()));
        let config = config(&base.image, packed);
        let config = config.ok_or_else(|| Error::archive("the config of the image has another form"))?;
        let config = blobs.add_text(config.to_string().as_bytes())?.described(OCI_CONFIG.into());
        let manifest = blobs.add_text(manifest(&config, &layers).as_bytes())?;
        let image = StoredImage::of(blobs, &manifest, OCI_MANIFEST)?;
        self.layers(&image)?;
        self.name(&image, OCI_MANIFEST, Name::Stored(name))
    }

    /// The layers of an image, with OCI's media types.
    fn described(&self, base: &Found) -> Result<Vec<Descriptor>, Error> {
        let damaged = |why: &str| Error::archive(why);
        let entry = base.entries.first().ok_or_else(|| damaged("the image has no entry"))?;
        let content = self.store.blobs.read(&entry.manifest.digest)?;
        match Document::read(&content, &entry.media_type).map_err(|why| damaged(&why))? {
            Document::Manifest(manifest) => Ok(manifest.layers.iter().map(of_oci).collect()),
            Document::Index(_) => Err(damaged("it is an index, not a manifest")),
        }
    }
}

fn of_oci(layer: &Descriptor) -> Descriptor {
    let compression = ["gzip", "zstd"].into_iter().find(|end| layer.media_type.ends_with(end));
    let suffix = compression.map(|end| format!("+{end}")).unwrap_or_default();
    Descriptor::new(format!("{OCI_LAYER}{suffix}"), layer.digest, layer.size)
}

/// The config with one more layer. What it says of the program to run is kept. `None` if it has another form than
/// other tools write.
fn config(base: &StoredImage, packed: &Packed) -> Option<Value> {
    let mut config = base.document.clone();
    let created = time::text(time::now());
    let diff_ids = config.pointer_mut("/rootfs/diff_ids")?.as_array_mut()?;
    diff_ids.push(json!(packed.digest.to_string()));
    let config_map = config.as_object_mut()?;
    config_map.insert("created".into(), json!(created));
    let history = config_map.entry("history").or_insert_with(|| json!([]));
    history.as_array_mut()?.push(json!({"created": created, "created_by": CREATED_BY}));
    Some(config)
}
