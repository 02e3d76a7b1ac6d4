//! The names of the images in the store: annotations in index.json, which is an image index of OCI's.

use crate::error::Error;
use crate::images::name::ImageName;
use crate::images::store::StoreDir;
use crate::images::typo::distance_of_typo;
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

/// The familiar form of the name that is most similar to a misspelt one.
#[must_use]
pub fn nearest<'n>(names: impl Iterator<Item = &'n str>, wanted: &ImageName) -> Option<String> {
    // Another program may have written what is not a name.
    let known = names.filter_map(|name| ImageName::parse(name.as_ref()).ok());
    let near = known.filter_map(|known| {
        let distance = distance_of_typo(wanted.familiar().as_bytes(), known.familiar().as_bytes())?;
        Some((distance, known.familiar().to_owned()))
    });
    near.min().map(|(_, near)| near)
}
