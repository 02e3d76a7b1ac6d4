//! Makes OCI image layouts, and reads them.

use crate::builder::{Scratch, Tar};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use subroot::images::source::TransportKind;
use subroot_image::Error;
use subroot_image::digest::Digest;
use subroot_image::source::image::Image;
use subroot_image::source::open::image_in_directory;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A layout in a temporary directory.
pub(crate) struct Layout(pub(crate) Scratch);

impl Layout {
    pub(crate) fn new() -> Layout {
        let layout = Layout(Scratch::new());
        fs::create_dir_all(layout.path("blobs/sha256")).unwrap();
        fs::write(layout.path("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        layout
    }

    /// A layout with this image alone.
    pub(crate) fn of(make: impl FnOnce(&Layout) -> Value) -> Layout {
        let layout = Layout::new();
        let image = make(&layout);
        layout.index(&[image]);
        layout
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.0.join("layout").join(name)
    }

    pub(crate) fn blob(&self, media_type: &str, content: &[u8]) -> Value {
        let digest = Digest::of(content);
        fs::write(self.path("blobs/sha256").join(digest.hex()), content).unwrap();
        json!({"mediaType": media_type, "digest": digest.to_string(), "size": content.len()})
    }

    /// Adds a document.
    pub(crate) fn document(&self, media_type: &str, document: &Value) -> Value {
        self.blob(media_type, document.to_string().as_bytes())
    }

    /// Adds the manifest of an image with one layer, changed.
    pub(crate) fn image_with(&self, change: impl FnOnce(&mut Value)) -> Value {
        let layer = Tar::default().file("f", "text").end();
        let ids = [Digest::of(&layer).to_string()];
        let config =
            json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ids}});
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.document(CONFIG, &config),
            "layers": [self.blob(LAYER, &layer)],
        });
        change(&mut manifest);
        self.document(MANIFEST, &manifest)
    }

    pub(crate) fn image(&self) -> Value {
        self.image_with(|_| {})
    }

    pub(crate) fn index(&self, manifests: &[Value]) {
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        fs::write(self.path("index.json"), index.to_string()).unwrap();
    }

    pub(crate) fn open(&self, reference: Option<&str>) -> Result<Image, Error> {
        image_in_directory(TransportKind::Oci, &self.path(""), reference)
    }

    /// The message with which the only image is refused.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        self.open(None).expect_err("accepted").to_string()
    }
}

/// The blob's file of a descriptor.
pub(crate) fn file(descriptor: &Value) -> String {
    format!("blobs/sha256/{}", descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:"))
}
