//! The store when several processes use it, when they are killed, and on filesystems that are full or cannot keep
//! what layers need.

use crate::store::{files, images, layers, store};
use crate::{archive, host, subroot};
use nix::sys::signal::{Signal, kill};
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use subroot_tests::{Host, Started, User, skip};

const PATIENCE: Duration = Duration::from_secs(60);
/// A tree whose every file has the same content, so that a half-made layer is noticed.
const MANY: &str =
    "for i in $(seq 150); do echo content >f$i; done; chown 3:4 f7; tar -cf $0 --numeric-owner .";

/// A number below `limit`.
fn random(limit: u64) -> u64 {
    RandomState::new().build_hasher().finish() % limit
}

/// Checks that every image can be read and that every layer of it is complete.
fn assert_whole(host: &Host, alice: &User) {
    for image in images(host, alice) {
        let id = image["id"].as_str().expect("an ID");
        host.output(&mut subroot(alice, &["inspect", id])).ok();
    }
    for layer in layers(alice) {
        let names: Vec<_> = fs::read_dir(layer.join("fs")).expect("a layer").collect();
        assert!(
            layer.join("layer.json").exists() && names.len() == 150,
            "{} has {}",
            layer.display(),
            names.len()
        );
        for name in names {
            let path = name.expect("an entry").path();
            assert_eq!(fs::read_to_string(&path).expect("a file"), "content\n", "{}", path.display());
        }
    }
}

/// What the launcher would use: every run file leads to an image and layers that exist.
fn assert_runnable(host: &Host, alice: &User) {
    let manifests: Vec<String> = images(host, alice)
        .iter()
        .map(|image| image["digest"].as_str().expect("a digest").to_owned())
        .collect();
    for name in files(alice, "run") {
        let text = fs::read(store(alice).join("run").join(&name)).expect("a run file");
        let file: serde_json::Value =
            serde_json::from_slice(&text).unwrap_or_else(|_| panic!("{name} is not JSON"));
        assert!(manifests.iter().any(|manifest| file["manifest"] == **manifest), "{file}");
        for layer in file["layers"].as_array().expect("layers") {
            let layer = layer.as_str().expect("a layer");
            assert!(layers(alice).iter().any(|path| path.ends_with(layer)), "{file}");
        }
    }
}

#[test]
fn two_imports_of_the_same_archive_at_once_unpack_it_once() {
    let (host, alice) = host();
    archive(&alice, "a.tar", MANY);
    let import = || Started::new(&mut subroot(&alice, &["import", "a.tar", "web"]));
    let (one, two) = (import(), import());
    one.end_within(PATIENCE).ok();
    two.end_within(PATIENCE).ok();
    assert_eq!(
        (images(&host, &alice).len(), layers(&alice).len(), files(&alice, "blobs/sha256").len()),
        (1, 1, 3)
    );
    assert!(files(&alice, "tmp").is_empty());
    assert_whole(&host, &alice);
}

#[test]
fn imports_of_different_archives_at_once_all_get_their_names() {
    let (host, alice) = host();
    for number in 0..4 {
        archive(&alice, &format!("{number}.tar"), &format!("{MANY}; echo {number} >>$0"));
    }
    let started: Vec<Started> = (0..4)
        .map(|number| {
            let (file, name) = (format!("{number}.tar"), format!("image-{number}"));
            Started::new(&mut subroot(&alice, &["import", &file, &name]))
        })
        .collect();
    started.into_iter().for_each(|import| drop(import.end_within(PATIENCE).ok()));
    assert_eq!(images(&host, &alice).len(), 4);
    assert_whole(&host, &alice);
}

#[test]
fn killed_imports_and_prunes_leave_a_store_that_works() {
    let (host, alice) = host();
    for name in ["keep", "a", "b", "c", "d", "e"] {
        archive(
            &alice,
            &format!("{name}.tar"),
            &format!("{MANY}; echo {name} | gzip >/dev/null; printf {name} >>$0"),
        );
    }
    host.output(&mut subroot(&alice, &["import", "keep.tar", "keep"])).ok();
    let kept = |host: &Host| {
        images(host, &alice).into_iter().find(|image| image["name"] == "docker.io/library/keep:latest")
    };
    let before = kept(&host).expect("the image");
    for _ in 0..12 {
        let imports = ["a", "b", "c", "d", "e"].map(|name| {
            let file = format!("{name}.tar");
            Started::new(&mut subroot(&alice, &["import", &file, name]))
        });
        let prunes = [(); 5].map(|()| {
            sleep(Duration::from_millis(random(20)));
            Started::new(&mut subroot(&alice, &["images", "prune"]))
        });
        for started in imports.into_iter().chain(prunes) {
            sleep(Duration::from_millis(random(40)));
            kill(started.pid(), Signal::SIGKILL).expect("killing");
            started.end_within(PATIENCE);
        }
        assert_eq!(kept(&host), Some(before.clone()));
        assert_whole(&host, &alice);
        assert_runnable(&host, &alice);
    }
    for name in ["a", "b", "c", "d", "e"] {
        let file = format!("{name}.tar");
        host.output(&mut subroot(&alice, &["import", &file, name])).ok();
    }
    host.output(&mut subroot(&alice, &["images", "prune"])).ok();
    assert_eq!(images(&host, &alice).len(), 6);
    assert!(files(&alice, "tmp").is_empty(), "{:?}", files(&alice, "tmp"));
    assert_whole(&host, &alice);
    assert_runnable(&host, &alice);
}

#[test]
fn after_a_signal_nothing_of_an_import_has_a_name() {
    let (host, alice) = host();
    archive(&alice, "a.tar", MANY);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (_reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).expect("a pipe");
        let mut command = subroot(&alice, &["import", "-", "web"]);
        let started = Started::new(command.stdin(std::process::Stdio::from(_reader)));
        while !store(&alice).join("tmp").exists() || files(&alice, "tmp").is_empty() {
            sleep(Duration::from_millis(5));
        }
        kill(started.pid(), signal).expect("sending a signal");
        assert_eq!(started.end_within(PATIENCE).code(), 128 + signal as i32);
        drop(writer);
        assert!(files(&alice, "tmp").is_empty() && files(&alice, "blobs/sha256").is_empty());
    }
    assert!(images(&host, &alice).is_empty());
}

/// Mounts something for alice in the test's own mount namespace.
fn mount(words: &[&str], at: &str, alice: &User) -> bool {
    fs::create_dir(at).expect("a directory");
    let mounted = Command::new(words[0]).args(&words[1..]).arg(at).output().expect("starting mount");
    if mounted.status.success() {
        chown(at, Some(alice.uid), Some(alice.gid)).expect("giving it to alice");
        fs::set_permissions(at, fs::Permissions::from_mode(0o700)).expect("closing it");
    }
    mounted.status.success()
}

#[test]
fn a_full_disk_names_the_store_and_how_to_free_space() {
    let (host, alice) = host();
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs"], "/tmp/small", &alice) {
        skip!("no tmpfs can be mounted here");
    }
    let in_small = |words: &[&str]| {
        let mut command = subroot(&alice, words);
        command.env("SUBROOT_STORE", "/tmp/small/store");
        command
    };
    archive(&alice, "small.tar", "echo x >f; tar -cf $0 .");
    // The first one does not fit as a blob, the other one as a layer.
    archive(&alice, "blob.tar", "head -c 4000000 /dev/urandom >f; tar -cf $0 .");
    archive(&alice, "layer.tar", "head -c 4000000 /dev/zero >f; tar -czf $0 .");
    host.output(&mut in_small(&["import", "small.tar", "small"])).ok();
    for name in ["blob.tar", "layer.tar"] {
        let outcome = host.output(&mut in_small(&["import", name, "large"]));
        assert_eq!((outcome.code(), outcome.stderr.lines().count()), (125, 2), "{outcome:?}");
        for word in ["/tmp/small/store", "No space left on device", "fix: subroot images prune"] {
            assert!(outcome.stderr.contains(word), "no {word}: {outcome:?}");
        }
        host.output(&mut in_small(&["images", "prune"])).ok();
        assert_eq!(host.output(&mut in_small(&["images", "-q"])).ok().lines().count(), 1);
        let left = fs::read_dir("/tmp/small/store/blobs/sha256").expect("the blobs").count();
        assert_eq!(left, 3);
    }
    host.output(&mut in_small(&["import", "small.tar", "again"])).ok();
    host.output(&mut in_small(&["rmi", "small", "again"])).ok();
}

#[test]
fn a_filesystem_that_cannot_keep_owners_is_named() {
    let (host, alice) = host();
    fs::create_dir("/tmp/below").expect("a directory");
    chown("/tmp/below", Some(alice.uid), Some(alice.gid)).expect("giving it to alice");
    let words = ["bindfs", "-o", "allow_other", "--chown-deny", "--chgrp-deny", "/tmp/below"];
    if !mount_bindfs(&words, "/tmp/fuse") {
        skip!("bindfs cannot mount here");
    }
    archive(&alice, "a.tar", MANY);
    let mut command = subroot(&alice, &["import", "a.tar", "web"]);
    let outcome = host.output(command.env("SUBROOT_STORE", "/tmp/fuse/store"));
    drop(Command::new("umount").arg("/tmp/fuse").status());
    assert_eq!((outcome.code(), outcome.stderr.lines().count()), (125, 2), "{outcome:?}");
    for word in [
        "the image store /tmp/fuse/store is on fuse",
        "cannot keep owners",
        "fix: export SUBROOT_STORE=/var/tmp/",
    ] {
        assert!(outcome.stderr.contains(word), "no {word}: {outcome:?}");
    }
    assert_eq!(fs::metadata("/tmp/below").expect("a directory").uid(), alice.uid);
}

fn mount_bindfs(words: &[&str], at: &str) -> bool {
    fs::create_dir(at).expect("a directory");
    let mounted = Command::new(words[0]).args(&words[1..]).arg(at).output();
    mounted.is_ok_and(|mounted| mounted.status.success()) && Path::new(at).exists()
}
