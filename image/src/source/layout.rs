//! Images in a directory or an archive with skopeo's names: `oci:`, `oci-archive:` and `dir:`.

use crate::digest::Digest;
use crate::error::Error;
use crate::source::documents::{self, Descriptor, Document, MOST_BYTES};
use crate::source::files::Files;
use crate::source::image::{Blobs, Image};
use crate::source::platform;
use serde::Deserialize;
use std::sync::Arc;
use subroot::images::index::ANNOTATION;

const INDEX: &str = "index.json";
/// The file of `dir:`. Its blobs are beside it.
pub(crate) const MANIFEST: &str = "manifest.json";
/// The file that makes a directory an OCI layout.
pub(crate) const MARK: &str = "oci-layout";

#[derive(Deserialize)]
struct Mark {
    #[serde(rename = "imageLayoutVersion")]
    version: String,
}

/// The image of this name in an OCI image layout; without a name, the only one.
///
/// # Errors
/// The layout is malformed, or there is no such image.
pub(crate) fn image_of_layout(files: Arc<Files>, reference: Option<&str>) -> Result<Image, Error> {
    let mark = files.read(MARK, MOST_BYTES)?;
    let failed = |error| Error::image(MARK, documents::why(&error));
    let mark: Mark = serde_json::from_slice(&mark).map_err(failed)?;
    if mark.version != "1.0.0" {
        return Err(Error::image(MARK, format!("version {} is not supported", mark.version)));
    }
    let index = files.read(INDEX, MOST_BYTES)?;
    let index = Document::read(&index, "").map_err(|why| Error::image(INDEX, why))?;
    let Document::Index(manifests) = index else {
        return Err(Error::image(INDEX, "it is a manifest, not an index"));
    };
    let name = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    Blobs { files, of_manifest: name, of_blob: name }.image(&named(manifests, reference)?)
}

/// The entry of a name. If several have it, it is the one for this machine.
fn named(mut manifests: Vec<Descriptor>, reference: Option<&str>) -> Result<Descriptor, Error> {
    let names: Vec<String> =
        manifests.iter().filter_map(|entry| entry.annotations.get(ANNOTATION)).cloned().collect();
    if let Some(wanted) = reference {
        manifests.retain(|entry| entry.annotations.get(ANNOTATION).is_some_and(|name| name == wanted));
    }
    let is_one_image = manifests.windows(2).all(|pair| match pair {
        [one, other] => one.annotations.get(ANNOTATION) == other.annotations.get(ANNOTATION),
        _ => true,
    });
    match (manifests.as_slice(), is_one_image) {
        ([only], _) => Ok(only.clone()),
        ([_, ..], true) => platform::select(&manifests).cloned(),
        _ => Err(Error::Name { wanted: reference.map(str::to_owned), found: names }),
    }
}

/// The image of a directory that `skopeo copy … dir:DIR` made.
///
/// # Errors
/// It is malformed.
pub(crate) fn image_of_dir(files: Arc<Files>) -> Result<Image, Error> {
    let bytes = files.read(MANIFEST, MOST_BYTES)?;
    let of_manifest = |digest: &Digest| format!("{}.manifest.json", digest.hex());
    let blobs = Blobs { files, of_manifest, of_blob: Digest::hex };
    blobs.of_document(bytes, "", MANIFEST)
}
