//! Applies a layer of an image, and compares its digests.

use crate::apply::Whiteouts;
use crate::apply::applier::{Options, Summary, apply};
use crate::digest::Digest;
use crate::error::Error;
use crate::source::compression::decompressed;
use crate::source::stream::ByteStream;
use crate::source::verified::Verified;
use crate::tar::archive::Archive;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Receiver;

/// What is known of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The digest of the blob.
    pub blob: Digest,
    /// The size of the blob.
    pub size: u64,
    /// The digest without compression; `None` if it is not known yet.
    pub diff_id: Option<Digest>,
    /// What becomes of whiteouts.
    pub whiteouts: Whiteouts,
    /// True if the directory has the layers below this one already.
    pub has_lower: bool,
}

/// Makes the files of a layer below `root`, like [`apply`], and returns the digest of the layer without compression.
/// Both digests are known only at the end: after an error, the files must not be used.
///
/// # Errors
/// Errors of [`apply`]; a digest or the size is not the one that was expected.
pub fn apply_layer(
    blob: impl Read + Send + 'static,
    root: OwnedFd,
    mut options: Options,
    expected: &Expected,
) -> Result<(Summary, Digest), Error> {
    let (blob, blob_digest) = Verified::new(blob, expected.size);
    // A layer with the same digest as its blob has no compression.
    let bytes = if expected.diff_id == Some(expected.blob) { Box::new(blob) } else { decompressed(blob)? };
    let (stream, diff_id) = ByteStream::hashed(bytes, options.max_size);
    options.whiteouts = expected.whiteouts;
    options.has_lower = expected.has_lower;
    let summary = apply(Archive::new(stream), root, options)?;
    compare("the layer", &blob_digest, Some(expected.blob))?;
    let found = compare("the layer without its compression", &diff_id, expected.diff_id)?;
    Ok((summary, found))
}

fn compare(what: &'static str, digest: &Receiver<Digest>, wanted: Option<Digest>) -> Result<Digest, Error> {
    let found = digest.try_recv().map_err(|_| Error::archive("something follows its end"))?;
    match wanted {
        Some(wanted) if wanted != found => Err(Error::Digest { what, found, wanted }),
        _ => Ok(found),
    }
}
