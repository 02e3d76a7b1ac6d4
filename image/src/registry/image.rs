//! An image of a registry: its documents, which are small, are held in memory.

use crate::digest::Digest;
use crate::error::Error;
use crate::registry::client::Repository;
use crate::registry::http::content;
use crate::registry::refusal::Refusal;
use crate::source::documents::{INDEXES, MANIFESTS, MOST_BYTES};
use crate::source::files::{Files, Remote};
use crate::source::image::{Blobs, Image};
use std::fmt;
use std::sync::Arc;
use ureq::Body;
use ureq::http::Response;

const OF_MANIFESTS: &str = "manifest ";
const OF_BLOBS: &str = "blob ";

/// The image that a tag or a digest names, for this machine.
///
/// # Errors
/// There is none, or a document is malformed or has another digest.
pub(crate) fn image(repository: &Arc<Repository>, reference: &str) -> Result<Image, Error> {
    let failed = |refusal| repository.failed(refusal);
    let response = repository.manifest(reference).map_err(failed)?;
    let declared = declared(&response);
    let bytes = content(response, MOST_BYTES, "its manifest").map_err(failed)?;
    let found = Digest::of(&bytes);
    if Digest::parse(reference).is_some_and(|wanted| wanted != found) {
        let why = format!("the registry sends a manifest with the digest {found}");
        return Err(failed(Refusal::new(why)));
    }
    let files = Arc::new(Files::Remote(Box::new(Documents(Arc::clone(repository)))));
    let of_manifest = |digest: &Digest| format!("{OF_MANIFESTS}{digest}");
    let blobs = Blobs { files, of_manifest, of_blob: |digest| format!("{OF_BLOBS}{digest}") };
    blobs.of_document(bytes, &declared, &of_manifest(&found)).map_err(|error| match error {
        error @ Error::Registry { .. } => error,
        other => failed(Refusal::new(other.to_string())),
    })
}

/// The media type, if it is one of a manifest: some registries answer with a general one.
fn declared(response: &Response<Body>) -> String {
    let value = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let value = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let is_known = INDEXES.contains(&value) || MANIFESTS.contains(&value);
    if is_known { value.to_owned() } else { String::new() }
}

/// The documents of an image by their names in messages.
struct Documents(Arc<Repository>);

impl Remote for Documents {
    fn document(&self, name: &str, size: u64) -> Result<Vec<u8>, Error> {
        let response = match name.strip_prefix(OF_MANIFESTS) {
            Some(digest) => self.0.manifest(digest),
            None => self.0.blob(name.trim_start_matches(OF_BLOBS), 0),
        };
        let read = response.and_then(|response| content(response, size.min(MOST_BYTES), name));
        read.map_err(|refusal| self.0.failed(refusal))
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Documents")
    }
}
