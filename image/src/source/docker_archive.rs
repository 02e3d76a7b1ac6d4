//! Images in an archive of `docker save`: `docker-archive:`. It has no manifest in the registry's form, so one is made.

use crate::digest::Digest;
use crate::error::Error;
use crate::source::compression::{MAGIC, media_type_suffix};
use crate::source::documents::{self, Config, Descriptor, MOST_BYTES, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use crate::source::files::Files;
use crate::source::image::{Image, Layer, Place, check_count};
use crate::source::layout::MANIFEST;
use crate::source::members;
use serde::Deserialize;
use std::sync::Arc;
use subroot::images::name::ImageName;

/// An image in `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

/// The image of this name; without a name, the only one.
///
/// # Errors
/// The archive is malformed, or there is no such image.
pub(crate) fn image(files: Arc<Files>, reference: Option<&str>) -> Result<Image, Error> {
    let bytes = files.read(MANIFEST, MOST_BYTES)?;
    let failed = |error| Error::image(MANIFEST, documents::why(&error));
    let entries: Vec<Entry> = serde_json::from_slice(&bytes).map_err(failed)?;
    let entry = named(entries, reference)?;
    let (config, config_digest, parsed) = read_config(&files, &entry.config)?;
    let names = entry.layers.unwrap_or_default();
    check_count(names.len(), &parsed, &entry.config)?;
    let layers = names.iter().zip(&parsed.rootfs.diff_ids);
    let layers =
        layers.map(|(name, diff_id)| layer(&files, name, *diff_id)).collect::<Result<Vec<_>, _>>()?;
    let manifest = manifest(&config, config_digest, &layers).into_bytes();
    Ok(Image {
        manifest_digest: Digest::of(&manifest),
        media_type: OCI_MANIFEST.into(),
        manifest,
        config,
        config_digest,
        parsed,
        layers,
    })
}

fn named(mut entries: Vec<Entry>, reference: Option<&str>) -> Result<Entry, Error> {
    let tags = |entry: &Entry| entry.repo_tags.clone().unwrap_or_default();
    let found: Vec<String> = entries.iter().flat_map(tags).collect();
    if let Some(wanted) = reference {
        entries.retain(|entry| tags(entry).iter().any(|tag| is_same(tag, wanted)));
    }
    match entries.pop() {
        Some(entry) if entries.is_empty() => Ok(entry),
        _ => Err(Error::Name { wanted: reference.map(str::to_owned), found }),
    }
}

/// True if both are names of the same image: `busybox` is `docker.io/library/busybox:latest`.
fn is_same(tag: &str, wanted: &str) -> bool {
    let canonical = |name: &str| ImageName::parse(name.as_ref()).ok().map(|name| name.canonical().to_owned());
    tag == wanted || canonical(tag).is_some_and(|tag| Some(tag) == canonical(wanted))
}

/// A name of the archive's own documents. It is looked up in the archive alone, so that it can only mislead.
fn checked(name: &str) -> Result<&str, Error> {
    let is_plain = !name.is_empty() && members::normal(name.as_bytes()).as_deref() == Some(name.as_bytes());
    if is_plain {
        Ok(name)
    } else {
        Err(Error::image(MANIFEST, format!("{name} is not a name in the archive")))
    }
}

/// The configuration. Its file is named by its digest.
fn read_config(files: &Files, name: &str) -> Result<(Vec<u8>, Digest, Config), Error> {
    let bytes = files.read(checked(name)?, MOST_BYTES)?;
    let digest = Digest::of(&bytes);
    let last = name.rsplit('/').next().unwrap_or_default();
    let named = Digest::from_hex(last.strip_suffix(".json").unwrap_or(last));
    if named.is_some_and(|named| named != digest) {
        return Err(Error::image(name, format!("its digest is {digest}")));
    }
    let config = Config::read(&bytes).map_err(|why| Error::image(name, why))?;
    Ok((bytes, digest, config))
}

/// A layer. The digest of one that is not compressed is known from the configuration.
fn layer(files: &Arc<Files>, name: &str, diff_id: Digest) -> Result<Layer, Error> {
    let failed = |error| Error::image(name, crate::error::reason(&error));
    let section = files.open(checked(name)?)?;
    let suffix = media_type_suffix(&section.start(MAGIC).map_err(failed)?);
    let suffix = suffix
        .map_err(|found| Error::image(name, format!("layers compressed by {found} are not supported")))?;
    let digest = if suffix.is_empty() { diff_id } else { section.digest().map_err(failed)? };
    let media_type = format!("{OCI_LAYER}{suffix}");
    let place = Place { files: Arc::clone(files), name: name.to_owned() };
    Ok(Layer::new(&Descriptor::new(media_type, digest, section.length()), diff_id, place))
}

fn manifest(config: &[u8], digest: Digest, layers: &[Layer]) -> String {
    let config = Descriptor::new(OCI_CONFIG.into(), digest, config.len() as u64);
    let of_layer = |layer: &Layer| Descriptor::new(layer.media_type.clone(), layer.blob, layer.size);
    documents::manifest(&config, &layers.iter().map(of_layer).collect::<Vec<_>>())
}
