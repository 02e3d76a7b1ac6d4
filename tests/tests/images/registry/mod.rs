//! Images of registries: `subroot pull`, `login`, `logout`, and `run` of what the store does not have.

mod fake;
mod hostile;
mod login;
mod pull;
mod real;
mod retried;
mod tokens;

use crate::registry::fake::{Answer, Fake, Request};
use crate::store::{files, images, store};
use crate::{archive, host, subroot};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use subroot_tests::{Host, Outcome, User};

/// A root in which `cat etc/name` prints `web`.
const WEB: &str =
    "mkdir -p bin dev etc proc sys; cp \"$(command -v busybox)\" bin/busybox; ln -s busybox bin/cat;
    echo web >etc/name; tar -cf $0 .";

/// alice, and an image that a registry can serve.
pub(crate) struct World {
    pub(crate) host: Host,
    pub(crate) alice: User,
    pub(crate) image: Image,
}

/// The blobs of an image, by their digests.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) manifest: String,
    pub(crate) layer: String,
    pub(crate) blobs: BTreeMap<String, Vec<u8>>,
}

impl World {
    pub(crate) fn new() -> World {
        let (host, alice) = host();
        archive(&alice, "web.tar", WEB);
        let mut import = subroot(&alice, &["-q", "import", "web.tar", "web"]);
        host.output(import.env("SUBROOT_STORE", alice.home.join("made"))).ok();
        let image = Image::of(&alice);
        World { host, alice, image }
    }

    /// What a command does with registries that need not prove what they are.
    pub(crate) fn says(&self, words: &[&str]) -> Outcome {
        self.host.output(&mut self.command(words))
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let at = usize::from(words[0] == "-q") + 1;
        let words = [&words[..at], &["--tls-verify=false"], &words[at..]].concat();
        let mut command = subroot(&self.alice, &words);
        command.env("XDG_RUNTIME_DIR", &self.alice.home);
        command
    }

    /// Fails the test unless the store is as before: with this many images, and nothing unfinished.
    #[track_caller]
    pub(crate) fn assert_intact(&self, count: usize) {
        assert_eq!(images(&self.host, &self.alice).len(), count);
        if store(&self.alice).exists() {
            assert!(files(&self.alice, "tmp").is_empty(), "{:?}", files(&self.alice, "tmp"));
        }
    }
}

impl Image {
    fn of(alice: &User) -> Image {
        let store = alice.home.join("made");
        let blobs = fs::read_dir(store.join("blobs/sha256")).expect("blobs").map(|entry| {
            let entry = entry.expect("a blob");
            let digest = format!("sha256:{}", entry.file_name().to_string_lossy());
            (digest, fs::read(entry.path()).expect("a blob"))
        });
        let blobs: BTreeMap<_, _> = blobs.collect();
        let index = fs::read(store.join("index.json")).expect("an index");
        let index: Value = serde_json::from_slice(&index).expect("JSON");
        let manifest = index["manifests"][0]["digest"].as_str().expect("a digest").to_owned();
        let document: Value = serde_json::from_slice(&blobs[&manifest]).expect("JSON");
        let layer = document["layers"][0]["digest"].as_str().expect("a digest").to_owned();
        Image { manifest, layer, blobs }
    }

    pub(crate) fn document(&self) -> Value {
        serde_json::from_slice(&self.blobs[&self.manifest]).expect("JSON")
    }

    /// What a registry answers that has this image as `web:latest`.
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let parts: Vec<&str> = request.path.split('/').skip(2).collect();
        match parts.as_slice() {
            [""] => Answer::new(200, "{}"),
            ["web", "manifests", "latest"] => Answer::manifest(self.blobs[&self.manifest].clone()),
            ["web", "manifests", digest] if self.blobs.contains_key(*digest) => {
                Answer::manifest(self.blobs[*digest].clone())
            }
            ["web", "blobs", digest] if self.blobs.contains_key(*digest) => {
                Answer::part(&self.blobs[*digest], request)
            }
            _ => Answer::error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
        }
    }

    /// A registry that has it, but answers some requests otherwise.
    pub(crate) fn served(&self, other: impl Fn(&Request) -> Option<Answer> + Send + 'static) -> Fake {
        let image = self.clone();
        Fake::new(move |request| other(request).unwrap_or_else(|| image.answer(request)))
    }
}

/// A manifest with these changes.
pub(crate) fn changed(image: &Image, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document = image.document();
    change(&mut document);
    document.to_string().into_bytes()
}

/// An index of one manifest for this machine.
pub(crate) fn index(image: &Image, architecture: &str) -> Vec<u8> {
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let size = image.blobs[&image.manifest].len();
    json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [{
        "mediaType": kind, "digest": image.manifest, "size": size,
        "platform": {"os": "linux", "architecture": architecture},
    }]})
    .to_string()
    .into_bytes()
}
