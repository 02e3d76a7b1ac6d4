//! The JSON documents of images: OCI's and Docker's (schema 2), which differ only in their media types. A key that
//! is read, and is twice in one object, is an error.

use crate::digest::Digest;
use crate::source::platform::architecture;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How large a manifest, an index or a configuration may be, as in other tools.
pub const MOST_BYTES: u64 = 4 << 20;

pub(crate) const INDEXES: [&str; 2] =
    [OCI_INDEX, "application/vnd.docker.distribution.manifest.list.v2+json"];
pub(crate) const MANIFESTS: [&str; 2] =
    [OCI_MANIFEST, "application/vnd.docker.distribution.manifest.v2+json"];
const CONFIGS: [&str; 2] = [OCI_CONFIG, "application/vnd.docker.container.image.v1+json"];
/// What a layer's media type begins with. The compression is found by the layer's first bytes, as in other tools:
/// some registries declare another one.
const LAYERS: [&str; 4] = [
    OCI_LAYER,
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
];
const COMPRESSIONS: [&str; 5] = ["", "+gzip", "+zstd", ".gzip", ".zstd"];
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// What refers to a blob. Its `urls` and `data` are not read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Descriptor {
    /// What the blob is.
    #[serde(default)]
    pub media_type: String,
    /// The blob.
    pub digest: Digest,
    /// Its size.
    pub size: u64,
    /// For which machines it is, in an index.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// Such as `org.opencontainers.image.ref.name`.
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub(crate) fn new(media_type: String, digest: Digest, size: u64) -> Descriptor {
        Descriptor { media_type, digest, size, platform: None, annotations: BTreeMap::new() }
    }

    /// That of a document.
    pub(crate) fn of(media_type: &str, content: &[u8]) -> Descriptor {
        Descriptor::new(media_type.to_owned(), Digest::of(content), content.len() as u64)
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest.to_string(), "size": self.size})
    }

    pub(crate) fn is_config(&self) -> bool {
        CONFIGS.contains(&self.media_type.as_str())
    }

    pub(crate) fn is_layer(&self) -> bool {
        let compression = |start: &&str| self.media_type.strip_prefix(*start);
        LAYERS.iter().filter_map(compression).any(|rest| COMPRESSIONS.contains(&rest))
    }
}

/// A manifest of OCI's for these blobs.
pub(crate) fn manifest(config: &Descriptor, layers: &[Descriptor]) -> String {
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config.to_json(),
        "layers": layers.iter().map(Descriptor::to_json).collect::<Vec<_>>(),
    })
    .to_string()
}

/// A config of this machine's with one layer.
pub(crate) fn config(diff_id: Digest, created: &str, created_by: &str) -> String {
    json!({
        "created": created,
        "architecture": architecture(),
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_id.to_string()]},
        "history": [{"created": created, "created_by": created_by}],
    })
    .to_string()
}

/// A kind of machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Platform {
    /// The architecture, in Go's words.
    #[serde(default)]
    pub architecture: String,
    /// The operating system.
    #[serde(default)]
    pub os: String,
    /// Such as `v8`.
    #[serde(default, deserialize_with = "or_default")]
    pub variant: String,
}

/// A manifest, or an index of manifests.
#[derive(Debug)]
pub(crate) enum Document {
    Manifest(Manifest),
    Index(Vec<Descriptor>),
}

/// A manifest: the blobs of an image.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    schema_version: u32,
    #[serde(default, deserialize_with = "or_default")]
    media_type: String,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

impl Document {
    /// Reads a document that was declared as of this media type. Nothing is declared for the first one of a layout.
    /// What could be read as a manifest and as an index is neither (CVE-2021-41190).
    ///
    /// # Errors
    /// Why it is malformed.
    pub(crate) fn read(bytes: &[u8], declared: &str) -> Result<Document, String> {
        let raw: Raw = serde_json::from_slice(bytes).map_err(|error| why(&error))?;
        if raw.schema_version != 2 {
            return Err(format!("version {} of its schema is not supported", raw.schema_version));
        }
        if !declared.is_empty() && !raw.media_type.is_empty() && raw.media_type != declared {
            return Err(format!("it is a {}, but was declared as a {declared}", raw.media_type));
        }
        let media_type = if raw.media_type.is_empty() { declared } else { &raw.media_type };
        let is_one_of = |known: &[&str]| media_type.is_empty() || known.contains(&media_type);
        match (raw.config, raw.layers, raw.manifests) {
            (None, None, Some(manifests)) if is_one_of(&INDEXES) => Ok(Document::Index(manifests)),
            (Some(config), layers, None) if is_one_of(&MANIFESTS) => {
                let media_type = if media_type.is_empty() { OCI_MANIFEST } else { media_type }.to_owned();
                Ok(Document::Manifest(Manifest { media_type, config, layers: layers.unwrap_or_default() }))
            }
            (None, None, None) => Err("it is neither a manifest nor an index".into()),
            (_, _, Some(_)) if is_one_of(&INDEXES) => Err("it has both layers and manifests".into()),
            _ => Err(format!("its content is not that of a {media_type}")),
        }
    }
}

/// An image's configuration.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Config {
    /// The architecture, in Go's words.
    #[serde(default)]
    pub architecture: String,
    /// The operating system.
    #[serde(default)]
    pub os: String,
    /// The layers.
    pub rootfs: RootFs,
    /// How to run the image.
    #[serde(default, deserialize_with = "or_default")]
    pub config: RunConfig,
}

/// The layers of an image, uncompressed.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct RootFs {
    /// The digest of each, the lowest one first.
    #[serde(default, deserialize_with = "or_default")]
    pub diff_ids: Vec<Digest>,
}

/// How to run an image.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[non_exhaustive]
pub struct RunConfig {
    /// The environment.
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<String>,
    /// The first words of the command.
    #[serde(deserialize_with = "or_default")]
    pub entrypoint: Vec<String>,
    /// The words after them, unless others are given.
    #[serde(deserialize_with = "or_default")]
    pub cmd: Vec<String>,
    /// The user, and the group after a colon.
    #[serde(deserialize_with = "or_default")]
    pub user: String,
    /// The working directory.
    #[serde(deserialize_with = "or_default")]
    pub working_dir: String,
    /// The labels.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    /// The signal that ends it.
    #[serde(deserialize_with = "or_default")]
    pub stop_signal: String,
    /// Mount points for data.
    #[serde(deserialize_with = "or_default")]
    pub volumes: BTreeMap<String, serde::de::IgnoredAny>,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Why it is malformed.
    pub fn read(bytes: &[u8]) -> Result<Config, String> {
        serde_json::from_slice(bytes).map_err(|error| why(&error))
    }
}

/// The words of a JSON error.
pub(crate) fn why(error: &serde_json::Error) -> String {
    format!("it is malformed: {error}")
}

/// Go writes `null` for what is empty.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(reader: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(reader).map(Option::unwrap_or_default)
}
