//! `subroot inspect`: prints what the config and the manifest of images say, with podman's keys.

use crate::error::Error;
use crate::output;
use crate::store::Store;
use crate::store::image::StoredImage;
use crate::store::index::Index;
use serde_json::{Value, json};
use std::ffi::OsString;

/// Prints a list with each image.
///
/// # Errors
/// One does not exist or is damaged, or standard output cannot be written.
pub(crate) fn inspect(names: &[OsString]) -> Result<(), Error> {
    let store = Store::open()?;
    let index = store.as_ref().map_or_else(|| Ok(Index::empty()), Store::index)?;
    let describe = |name: &OsString| match &store {
        Some(store) => store.find("inspecting", &index, name).map(|found| describe(&index, &found.image)),
        None => Err(Error::Images {
            doing: "inspecting",
            name: name.to_string_lossy().into_owned(),
            why: "there is no image store yet".into(),
            fix: None,
        }),
    };
    let described = names.iter().map(describe).collect::<Result<Vec<_>, _>>()?;
    output::print(&format!("{:#}\n", Value::from(described)))
}

fn describe(index: &Index, image: &StoredImage) -> Value {
    let of_image = index.entries.iter().filter(|entry| entry.manifest == image.manifest);
    let names: Vec<&str> = of_image.filter_map(|entry| entry.name.as_deref()).collect();
    let layers: Vec<String> = image.layers.iter().map(|layer| layer.diff_id.to_string()).collect();
    let document = &image.document;
    json!({
        "Id": image.id(),
        "Digest": image.manifest.digest.to_string(),
        "RepoTags": names,
        "Created": document["created"],
        "Author": document["author"],
        "Architecture": document["architecture"],
        "Os": document["os"],
        "Config": document["config"],
        "Size": image.size(),
        "RootFS": {"Type": "layers", "Layers": layers},
        "History": document["history"],
    })
}
