//! The names of the images in the store: annotations in index.json, which is an image index of OCI's.

use crate::error::Error;
use crate::images::store::StoreDir;
use serde_json::Value;

/// The annotation that is a name.
pub const ANNOTATION: &str = "org.opencontainers.image.ref.name";

/// The canonical names of all images with a name.
///
/// # Errors
/// The index cannot be read.
pub fn names(store: &StoreDir) -> Result<Vec<String>, Error> {
    let Some(text) = store.index()? else { return Ok(Vec::new()) };
    let index: Value = serde_json::from_slice(&text).map_err(|error| Error::Store {
        path: store.path().join("index.json"),
        why: format!("it is invalid: {error}"),
        fix: None,
    })?;
    let manifests = index.get("manifests").and_then(Value::as_array).into_iter().flatten();
    let names = manifests.filter_map(|entry| entry.get("annotations")?.get(ANNOTATION)?.as_str());
    Ok(names.map(str::to_owned).collect())
}
