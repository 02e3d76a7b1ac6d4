//! `index.json`: the images of the store, each by the digest of its manifest and, unless it is dangling, its name.

use crate::digest::Digest;
use crate::error::Error;
use crate::source::documents::OCI_INDEX;
use crate::store::blobs::Blob;
use crate::store::dir::Dir;
use serde_json::{Value, json};
use subroot::images::index::ANNOTATION;
use subroot::images::store::LONGEST_INDEX;

const FILE: &str = "index.json";

/// The images, as they were read. They may only be written under the lock of the index.
pub(crate) struct Index {
    whole: Value,
    pub(crate) entries: Vec<Entry>,
}

/// One name of an image.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) manifest: Blob,
    pub(crate) media_type: String,
    /// The canonical name; `None` if the image is dangling.
    pub(crate) name: Option<String>,
    /// What else a program has written about it.
    annotations: Value,
}

impl Index {
    /// An index without images.
    pub(crate) fn empty() -> Index {
        Index { whole: json!({"schemaVersion": 2, "mediaType": OCI_INDEX}), entries: Vec::new() }
    }

    /// Reads the file; `None` if it does not exist.
    ///
    /// # Errors
    /// It cannot be read, or is not an index.
    pub(crate) fn read(store: &Dir) -> Result<Option<Index>, Error> {
        let Some(content) = store.read(FILE, LONGEST_INDEX)? else { return Ok(None) };
        let damaged = |why: &str| store.damaged(FILE, why);
        let mut whole: Value = serde_json::from_slice(&content).map_err(|_| damaged("it is not JSON"))?;
        let listed = whole.get_mut("manifests").map(Value::take);
        let Some(Value::Array(listed)) = listed else { return Err(damaged("it has no list of manifests")) };
        let entries = listed.iter().map(entry).collect::<Option<Vec<_>>>();
        let entries = entries.ok_or_else(|| damaged("one of its manifests has no valid digest and size"))?;
        Ok(Some(Index { whole, entries }))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(&self, store: &Dir, tmp: &Dir) -> Result<(), Error> {
        let mut whole = self.whole.clone();
        if let Some(whole) = whole.as_object_mut() {
            whole.insert("manifests".into(), self.entries.iter().map(Entry::to_json).collect());
        }
        store.replace(tmp, FILE, whole.to_string().as_bytes())
    }

    /// The image of a canonical name.
    pub(crate) fn named(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name.as_deref() == Some(name))
    }

    /// Adds an image. One that had its name becomes dangling, and a dangling entry of the same image goes.
    pub(crate) fn add(&mut self, manifest: Blob, media_type: &str, name: Option<&str>) {
        let has_image = |entry: &Entry| entry.manifest.digest == manifest.digest;
        match name {
            Some(name) => self.remove_name(name),
            None if self.entries.iter().any(has_image) => return,
            None => {}
        }
        self.entries.retain(|entry| !(has_image(entry) && entry.name.is_none()));
        let (name, media_type) = (name.map(str::to_owned), media_type.to_owned());
        self.entries.push(Entry { manifest, media_type, name, annotations: json!({}) });
    }

    /// Takes the name from an image, which becomes dangling if it has no other.
    fn remove_name(&mut self, name: &str) {
        let Some(at) = self.entries.iter().position(|entry| entry.name.as_deref() == Some(name)) else {
            return;
        };
        let removed = self.entries.remove(at);
        if !self.entries.iter().any(|entry| entry.manifest.digest == removed.manifest.digest) {
            self.entries.push(Entry { name: None, ..removed });
        }
    }
}

impl Entry {
    /// True if both give the same image the same name.
    pub(crate) fn is_same(&self, other: &Entry) -> bool {
        self.name == other.name && self.manifest == other.manifest
    }

    fn to_json(&self) -> Value {
        let mut annotations = self.annotations.clone();
        if let (Some(name), Some(annotations)) = (&self.name, annotations.as_object_mut()) {
            annotations.insert(ANNOTATION.into(), json!(name));
        }
        let Blob { digest, size } = &self.manifest;
        let mut entry = json!({
            "mediaType": self.media_type, "digest": digest.to_string(), "size": size,
        });
        if annotations.as_object().is_some_and(|annotations| !annotations.is_empty()) {
            entry["annotations"] = annotations;
        }
        entry
    }
}

fn entry(listed: &Value) -> Option<Entry> {
    let digest = Digest::parse(listed["digest"].as_str()?)?;
    let mut annotations = listed["annotations"].clone();
    if !annotations.is_object() {
        annotations = json!({});
    }
    let name = annotations.as_object_mut()?.remove(ANNOTATION);
    Some(Entry {
        manifest: Blob { digest, size: listed["size"].as_u64()? },
        media_type: listed["mediaType"].as_str()?.to_owned(),
        name: name.and_then(|name| name.as_str().map(str::to_owned)),
        annotations,
    })
}
