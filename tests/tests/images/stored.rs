//! A store that the test itself writes, with images of busybox.

use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use subroot_tests::sandbox::give;
use subroot_tests::{Host, Outcome, Rootfs, User};

/// The text of alice's default maps.
pub(crate) const MAP: &str = "0:1000:1,1:100000:65536;0:1000:1,1:100000:65536";

pub(crate) struct Stored {
    pub(crate) host: Host,
    pub(crate) alice: User,
    pub(crate) store: PathBuf,
}

impl Stored {
    /// alice's store with the image `busybox`, which has one layer and this configuration.
    pub(crate) fn with(config: Value) -> Stored {
        let host = Host::new();
        let alice = host.user("alice");
        let store = alice.home.join(".local/share/subroot/store");
        let stored = Stored { host, alice, store };
        for name in ["run", "layers", "locks", "tmp"] {
            stored.own_dir(&stored.store.join(name));
        }
        let rootfs = Rootfs::busybox_without(&stored.alice, &["proc", "dev", "sys"]);
        let fs = stored.layer(MAP, '0');
        fs::remove_dir(&fs).expect("replacing the files of a layer");
        fs::rename(&rootfs.path, &fs).expect("moving the root into the store");
        stored.image("busybox", MAP, "0", config);
        stored
    }

    pub(crate) fn new() -> Stored {
        Stored::with(json!({}))
    }

    /// Creates a directory of alice's that no other user can enter, and those above it.
    fn own_dir(&self, dir: &Path) {
        fs::create_dir_all(dir).expect("making a directory of the store");
        let own = dir.ancestors().take_while(|above| *above != self.alice.home);
        own.for_each(|above| give(above, &self.alice, 0o700));
    }

    /// Makes an empty layer whose diff ID has only this digit. Returns the directory of its files.
    pub(crate) fn layer(&self, map: &str, digit: char) -> PathBuf {
        let dir = self.store.join("layers").join(key(map)).join(id(digit));
        self.own_dir(&dir);
        let fs = dir.join("fs");
        fs::create_dir(&fs).expect("making the files of a layer");
        give(&fs, &self.alice, 0o755);
        fs
    }

    /// The directory of the files of a layer for the default maps.
    pub(crate) fn files(&self, digit: char) -> PathBuf {
        self.store.join("layers").join(key(MAP)).join(id(digit)).join("fs")
    }

    /// Writes a run file and the name of an image with these layers, the lowest first.
    pub(crate) fn image(&self, name: &str, map: &str, layers: &str, config: Value) {
        let name = canonical(name);
        self.write_run_file(&name, map, &run_file(&name, map, layers, config));
        self.name(&name);
    }

    pub(crate) fn write_run_file(&self, name: &str, map: &str, content: &Value) {
        let path = self.run_file(name, map);
        fs::write(&path, content.to_string()).expect("writing a run file");
        give(&path, &self.alice, 0o644);
    }

    pub(crate) fn run_file(&self, name: &str, map: &str) -> PathBuf {
        let encoded = name.replace('/', "%2F").replace(':', "%3A");
        self.store.join("run").join(format!("{encoded}-{}-{}.json", key(name), key(map)))
    }

    /// Writes an index that has only this name.
    pub(crate) fn name(&self, name: &str) {
        let annotations = json!({"org.opencontainers.image.ref.name": canonical(name)});
        let index = json!({"schemaVersion": 2, "manifests": [{"annotations": annotations}]});
        let path = self.store.join("index.json");
        fs::write(&path, index.to_string()).expect("writing an index");
        give(&path, &self.alice, 0o644);
    }

    pub(crate) fn subroot(&self, words: &[&str]) -> Command {
        let mut command = self.alice.command("subroot");
        command.args(words);
        command
    }

    pub(crate) fn says(&self, words: &[&str]) -> Outcome {
        self.host.output(&mut self.subroot(words))
    }

    /// What a launch prints that prints nothing on standard error.
    #[track_caller]
    pub(crate) fn prints(&self, words: &[&str]) -> String {
        let outcome = self.says(words);
        assert_eq!(outcome.stderr, "", "{words:?}");
        outcome.ok()
    }

    /// Installs this script as subroot-image.
    pub(crate) fn install_script(&self, script: &str) {
        let path = "/usr/local/bin/subroot-image";
        let dir = Path::new(&launcher()).parent().expect("a directory").join("subroot-image");
        let path = if dir.parent().is_some_and(Path::is_dir) { dir } else { path.into() };
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("writing subroot-image");
        give(&path, &self.host.user("root"), 0o755);
    }
}

fn launcher() -> String {
    let found = Command::new("sh").args(["-c", "command -v subroot"]).output().expect("starting sh");
    String::from_utf8(found.stdout).expect("UTF-8").trim().to_owned()
}

pub(crate) fn canonical(name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { format!("docker.io/library/{name}:latest") }
}

pub(crate) fn run_file(name: &str, map: &str, layers: &str, config: Value) -> Value {
    let mut whole = json!({
        "env": [], "entrypoint": [], "cmd": [], "user": "", "workdir": "", "labels": {}, "stop_signal": "",
        "volumes": [],
    });
    for (key, value) in config.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    json!({
        "version": 1, "name": name, "map": map, "manifest": format!("sha256:{}", id('f')),
        "layers": layers.chars().map(id).collect::<Vec<_>>(), "stamp": null, "config": whole,
    })
}

pub(crate) fn id(digit: char) -> String {
    digit.to_string().repeat(64)
}

/// The 64-bit FNV-1a hash of a text.
pub(crate) fn key(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Writes a file of alice's into a layer.
pub(crate) fn put(stored: &Stored, fs: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = fs.join(name);
    let dir = path.parent().expect("a directory");
    fs::create_dir_all(dir).expect("making a directory in a layer");
    chown(dir, Some(stored.alice.uid), Some(stored.alice.gid)).expect("giving a directory to alice");
    fs::write(&path, content).expect("writing into a layer");
    give(&path, &stored.alice, 0o644);
}

/// Replaces a file of a layer by a symbolic link.
pub(crate) fn link(stored: &Stored, fs: &Path, name: &str, target: &str) {
    let path = fs.join(name);
    // Error ignored: there may be none.
    let _ = fs::remove_file(&path);
    symlink(target, &path).expect("making a link");
    lchown(&path, Some(stored.alice.uid), Some(stored.alice.gid)).expect("giving a link to alice");
}
