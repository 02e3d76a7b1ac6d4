//! The file that subroot-image writes for each image and map, and that the launcher reads: the layers and the
//! configuration.

use crate::images::hash;
use crate::images::id_map::MapText;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;
/// The maximum number of layers: overlayfs has this limit.
pub const MOST_LAYERS: usize = 500;
/// The maximum length of a run file.
pub const LONGEST: u64 = 1 << 20;
/// The maximum length of a name's readable part in a file name.
const LONGEST_NAME: usize = 120;

/// An image that is ready to be run with one map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    version: u32,
    /// The canonical name.
    pub name: String,
    /// The maps with which the layers were unpacked: [`MapText`].
    pub map: String,
    /// The digest of the manifest: `sha256:` and 64 hexadecimal digits.
    pub manifest: String,
    /// The diff IDs of the layers without `sha256:`, the lowest first.
    pub layers: Vec<String>,
    /// True if the layers are [`MapText::squashed`].
    #[serde(default)]
    pub is_squashed: bool,
    /// The file from which the image was copied, if it is not a named one.
    pub stamp: Option<Stamp>,
    /// The boot of the kernel in which the layers were unpacked, if not all of them are on the disk yet: a crash may
    /// have emptied their files.
    #[serde(default)]
    pub boot_id: Option<String>,
    /// How the image is run.
    pub config: Config,
}

/// The identity of a file, and what changes with its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The device of its filesystem.
    pub dev: u64,
    /// The inode number.
    pub ino: u64,
    /// The length.
    pub size: u64,
    /// The time of the last change of the content: seconds and nanoseconds.
    pub mtime: (i64, i64),
}

impl Stamp {
    /// That of a file with this metadata.
    #[must_use]
    pub fn of(found: &Metadata) -> Stamp {
        Stamp {
            dev: found.dev(),
            ino: found.ino(),
            size: found.size(),
            mtime: (found.mtime(), found.mtime_nsec()),
        }
    }
}

/// How an image is run: the fields of an OCI image configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// `NAME=VALUE`.
    pub env: Vec<String>,
    /// What the command's arguments are given to.
    pub entrypoint: Vec<String>,
    /// The command, or the default arguments of the entry point.
    pub cmd: Vec<String>,
    /// `USER[:GROUP]`, names or numbers; empty for root.
    pub user: String,
    /// The working directory; empty for `/`.
    pub workdir: String,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The signal that ends the command, by name or number; empty for SIGTERM.
    pub stop_signal: String,
    /// The directories that the image keeps data in.
    pub volumes: Vec<String>,
}

impl RunFile {
    /// The run file of an image without a stamp.
    #[must_use]
    pub fn new(name: &str, map: &MapText, manifest: &str, layers: Vec<String>, config: Config) -> RunFile {
        let (name, map, manifest) = (name.to_owned(), map.text().to_owned(), manifest.to_owned());
        RunFile {
            version: VERSION,
            name,
            map,
            manifest,
            layers,
            is_squashed: false,
            stamp: None,
            boot_id: None,
            config,
        }
    }

    /// Reads the run file of an image for a map.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn parse(text: &[u8], name: &str, map: &MapText) -> Result<RunFile, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let invalid = |error: serde_json::Error| format!("it is invalid: {error}");
        let Versioned { version } = serde_json::from_slice(text).map_err(invalid)?;
        if version != VERSION {
            return Err(format!("it has version {version}, and this subroot reads version {VERSION}"));
        }
        let file: RunFile = serde_json::from_slice(text).map_err(invalid)?;
        file.check(name, map)?;
        Ok(file)
    }

    /// The maps of the layers of an image that runs with this map.
    #[must_use]
    pub fn map_of_layers(&self, map: &MapText) -> MapText {
        if self.is_squashed { map.squashed() } else { map.clone() }
    }

    fn check(&self, name: &str, map: &MapText) -> Result<(), String> {
        if self.name != name {
            return Err(format!("it is of image {}", self.name));
        }
        if self.map != map.text() {
            return Err(format!("it is for the maps {}", self.map));
        }
        if !is_digest(&self.manifest) {
            return Err("its manifest has no digest".into());
        }
        if let Some(layer) = self.layers.iter().find(|layer| !is_hex(layer)) {
            return Err(format!("{layer} is not a diff ID"));
        }
        match self.layers.len() {
            0 => Err("it has no layers".into()),
            count if count > MOST_LAYERS => {
                Err(format!("it has {count} layers, and {MOST_LAYERS} are possible"))
            }
            _ => Ok(()),
        }
    }

    /// The content of the file.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Error ignored: only maps with other keys than strings cannot be written.
        serde_json::to_vec(self).ok().unwrap_or_default()
    }

    /// The name of the file of an image for a map.
    #[must_use]
    pub fn file_name(name: &str, map: &MapText) -> String {
        format!("{}-{}.json", file_prefix(name), map.key())
    }
}

/// What the names of an image's run files begin with, up to the last dash and the map.
#[must_use]
pub fn file_prefix(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded.truncate(LONGEST_NAME);
    format!("{encoded}-{}", hash::hex(name.as_bytes()))
}

/// True for `sha256:` and 64 small hexadecimal digits.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(is_hex)
}

/// True for 64 small hexadecimal digits.
#[must_use]
pub fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Config, MapText, RunFile, Stamp};

    const NAME: &str = "docker.io/library/busybox:latest";

    fn map() -> MapText {
        MapText::of_lines(&[[0, 1000, 1]], &[[0, 1000, 1]])
    }

    fn file() -> RunFile {
        let config = Config { env: vec!["A=b".into()], user: "1:2".into(), ..Config::default() };
        let manifest = format!("sha256:{}", "ab".repeat(32));
        let mut file = RunFile::new(NAME, &map(), &manifest, vec!["0".repeat(64), "1".repeat(64)], config);
        file.stamp = Some(Stamp { dev: 1, ino: u64::MAX, size: 3, mtime: (-1, 999_999_999) });
        file
    }

    fn refusal(change: impl FnOnce(&mut RunFile)) -> String {
        let mut file = file();
        change(&mut file);
        RunFile::parse(&file.to_json(), NAME, &map()).unwrap_err()
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(RunFile::parse(&file().to_json(), NAME, &map()), Ok(file()));
    }

    #[test]
    fn a_file_of_another_image_map_or_version_is_refused() {
        assert_eq!(refusal(|file| file.name.push('x')), format!("it is of image {NAME}x"));
        assert_eq!(refusal(|file| file.map = "0:0:1;0:0:1".into()), "it is for the maps 0:0:1;0:0:1");
        let newer = br#"{"version":2}"#;
        assert_eq!(
            RunFile::parse(newer, NAME, &map()).unwrap_err(),
            "it has version 2, and this subroot reads version 1"
        );
    }

    #[test]
    fn layers_are_diff_ids_and_not_paths() {
        for layer in ["../x", "/etc", "", &"A".repeat(64), &"0".repeat(65), &format!("{}/x", "0".repeat(62))]
        {
            assert_eq!(refusal(|file| file.layers[1] = layer.into()), format!("{layer} is not a diff ID"));
        }
        assert_eq!(refusal(|file| file.layers.clear()), "it has no layers");
        let refused = refusal(|file| file.layers = vec!["0".repeat(64); 501]);
        assert_eq!(refused, "it has 501 layers, and 500 are possible");
        assert_eq!(refusal(|file| file.manifest = "sha256:../x".into()), "its manifest has no digest");
    }

    #[test]
    fn the_file_name_is_readable_and_has_a_maximum_length() {
        let key = map().key();
        let expected = format!(
            "docker.io%2Flibrary%2Fbusybox%3Alatest-{}-{key}.json",
            super::hash::hex(NAME.as_bytes())
        );
        assert_eq!(RunFile::file_name(NAME, &map()), expected);
        let long = RunFile::file_name(&format!("archive:/{}", "ä".repeat(1000)), &map());
        assert_eq!(long.len(), 120 + 2 * 17 + ".json".len());
    }
}
