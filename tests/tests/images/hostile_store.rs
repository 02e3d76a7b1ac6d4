//! A store whose content another program, or the user, has changed: nothing outside of it is touched, and nothing
//! is taken for what it is not.

use crate::store::{files, images, layers, store};
use crate::{archive, host, subroot};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use subroot_tests::sandbox::{assert_refused, give};
use subroot_tests::{Host, User};

fn with_web() -> (Host, User) {
    let (host, alice) = host();
    archive(&alice, "web.tar", "echo web >name; tar -cf $0 .");
    host.output(&mut subroot(&alice, &["import", "web.tar", "web"])).ok();
    (host, alice)
}

fn write(alice: &User, name: &str, content: &str) -> PathBuf {
    let path = store(alice).join(name);
    fs::write(&path, content).expect("writing into the store");
    give(&path, alice, 0o600);
    path
}

#[test]
fn a_digest_is_never_a_path() {
    let (host, alice) = with_web();
    fs::write("/tmp/secret", "{}").expect("a file");
    let index = store(&alice).join("index.json");
    let original = fs::read_to_string(&index).expect("the index");
    for digest in
        ["sha256:../../../../../../../tmp/secret", "../secret", "sha256:", "md5:00", "sha256:/tmp/secret"]
    {
        let mut changed: Value = serde_json::from_str(&original).expect("JSON");
        changed["manifests"][0]["digest"] = digest.into();
        write(&alice, "index.json", &changed.to_string());
        for words in [
            &["images"] as &[&str],
            &["rmi", "web"],
            &["inspect", "web"],
            &["images", "prune"],
            &["import", "web.tar", "x"],
        ] {
            let outcome = host.output(&mut subroot(&alice, words));
            assert_eq!(outcome.code(), 125, "{words:?} {outcome:?}");
            assert!(outcome.stderr.contains("index.json"), "{outcome:?}");
        }
    }
    write(&alice, "index.json", &original);
    assert_eq!(fs::read_to_string("/tmp/secret").expect("the file"), "{}");
    assert_eq!((files(&alice, "blobs/sha256").len(), layers(&alice).len()), (3, 1));
}

#[test]
fn a_blob_with_another_content_is_not_used_and_can_be_removed() {
    let (host, alice) = with_web();
    let digest = images(&host, &alice)[0]["digest"].as_str().expect("a digest").replace("sha256:", "");
    write(&alice, &format!("blobs/sha256/{digest}"), r#"{"schemaVersion": 2}"#);
    assert_refused(
        &host.output(&mut subroot(&alice, &["inspect", "web"])),
        125,
        &["does not have this digest"],
    );
    let listed = host.output(&mut subroot(&alice, &["images"]));
    assert!(listed.code() == 1 && listed.stderr.contains("does not have this digest"), "{listed:?}");
    // What it needs is unknown, so nothing is removed.
    let pruned = host.output(&mut subroot(&alice, &["images", "prune"]));
    assert_eq!((pruned.code(), layers(&alice).len()), (125, 1), "{pruned:?}");
    host.output(&mut subroot(&alice, &["rmi", "web"])).ok();
    assert!(files(&alice, "blobs/sha256").is_empty() && layers(&alice).is_empty());
    host.output(&mut subroot(&alice, &["import", "web.tar", "web"])).ok();
}

#[test]
fn links_in_the_store_are_not_followed() {
    let (host, alice) = with_web();
    host.make_dir("/tmp/outside", &alice);
    fs::write("/tmp/outside/file", "kept").expect("a file");
    give(Path::new("/tmp/outside/file"), &alice, 0o600);
    // Garbage that leads outside.
    symlink("/tmp/outside", store(&alice).join("tmp/link")).expect("a link");
    symlink("/tmp/outside/file", store(&alice).join("blobs/sha256").join("0".repeat(64))).expect("a link");
    symlink("/tmp/outside/file", store(&alice).join("locks/link")).expect("a link");
    host.output(&mut subroot(&alice, &["images", "prune"])).ok();
    assert_eq!(fs::read_to_string("/tmp/outside/file").expect("the file"), "kept");
    assert_eq!((files(&alice, "tmp").len(), files(&alice, "blobs/sha256").len()), (0, 3));
    for name in ["layers", "run", "locks", "tmp", "blobs"] {
        let (path, aside) = (store(&alice).join(name), store(&alice).join("aside"));
        fs::rename(&path, &aside).expect("moving a directory");
        symlink("/tmp/outside", &path).expect("a link");
        for words in [&["images", "prune"] as &[&str], &["import", "web.tar", "new"], &["rmi", "web"]] {
            let outcome = host.output(&mut subroot(&alice, words));
            assert_eq!(outcome.code(), 125, "{name} {words:?} {outcome:?}");
        }
        fs::remove_file(&path).expect("removing the link");
        fs::rename(&aside, &path).expect("moving it back");
    }
    let outside: Vec<_> = fs::read_dir("/tmp/outside").expect("a directory").collect();
    assert_eq!(outside.len(), 1, "{outside:?}");
    host.output(&mut subroot(&alice, &["inspect", "web"])).ok();
}

#[test]
fn files_that_are_not_regular_do_not_make_it_wait() {
    let (host, alice) = with_web();
    for name in ["index.json", "run/fifo", "locks/index"] {
        let (path, aside) = (store(&alice).join(name), store(&alice).join("aside"));
        // Error ignored: the run file does not exist.
        let _ = fs::rename(&path, &aside);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("a fifo");
        give(&path, &alice, 0o600);
        let outcome = host.output(&mut subroot(&alice, &["images", "prune"]));
        assert!(name == "locks/index" || outcome.code() == 125, "{name} {outcome:?}");
        fs::remove_file(&path).expect("removing the fifo");
        let _ = fs::rename(&aside, &path);
    }
    host.output(&mut subroot(&alice, &["images", "prune"])).ok();
}

#[test]
fn a_layer_of_other_maps_under_this_maps_key_is_refused() {
    let (host, alice) = with_web();
    let record = layers(&alice)[0].join("layer.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&record).expect("the record")).expect("JSON");
    value["map"] = json!("0:0:4294967295;0:0:4294967295");
    fs::write(&record, value.to_string()).expect("writing the record");
    let outcome = host.output(&mut subroot(&alice, &["import", "web.tar", "web"]));
    assert_refused(&outcome, 125, &["layer.json", "other ID maps"]);
}

#[test]
fn a_run_file_of_an_image_that_does_not_exist_is_garbage() {
    let (host, alice) = with_web();
    let name = files(&alice, "run").remove(0);
    let path = store(&alice).join("run").join(&name);
    let mut value: Value = serde_json::from_slice(&fs::read(&path).expect("the run file")).expect("JSON");
    value["manifest"] = format!("sha256:{}", "0".repeat(64)).into();
    write(&alice, &format!("run/{name}"), &value.to_string());
    write(&alice, "run/other.json", "not JSON");
    host.output(&mut subroot(&alice, &["images", "prune"])).ok();
    assert!(files(&alice, "run").is_empty());
    host.output(&mut subroot(&alice, &["import", "web.tar", "web"])).ok();
    assert_eq!(files(&alice, "run"), [name]);
}
