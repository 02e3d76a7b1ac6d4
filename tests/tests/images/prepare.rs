//! `subroot-image prepare`, which the launcher runs before it runs an image that is not unpacked for its map.

use crate::store::{files, images, layers, store};
use crate::{archive, host, subroot};
use serde_json::Value;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};
use subroot_tests::sandbox::assert_refused;
use subroot_tests::{Host, User};

fn prepare(alice: &User, words: &[&str]) -> Command {
    let mut command = alice.command("subroot-image");
    command.arg("prepare").args(words);
    command
}

/// A host on which alice has an image `web`, and its layout and archives in her home.
fn with_layouts() -> (Host, User) {
    let (host, alice) = host();
    archive(&alice, "web.tar", "echo web >name; chown 5:6 name; tar -cf $0 --numeric-owner name");
    host.output(&mut subroot(&alice, &["import", "web.tar", "web"])).ok();
    let from = format!("oci:{}:docker.io/library/web:latest", store(&alice).display());
    for to in ["oci:layout:web", "docker-archive:docker.tar:web:latest", "oci-archive:oci.tar:web", "dir:dir"]
    {
        host.output(alice.command("skopeo").args(["--insecure-policy", "copy", "-q", &from, to])).ok();
    }
    host.output(&mut subroot(&alice, &["rmi", "web"])).ok();
    (host, alice)
}

fn run_files(alice: &User) -> Vec<Value> {
    let read = |name: String| fs::read(store(alice).join("run").join(name)).expect("a run file");
    files(alice, "run").into_iter().map(|name| serde_json::from_slice(&read(name)).expect("JSON")).collect()
}

#[test]
fn each_transport_is_copied_unpacked_and_kept_until_prune() {
    let (host, alice) = with_layouts();
    let home = alice.home.display();
    for (image, stamped) in [
        (format!("oci:{home}/layout:web"), "layout/index.json"),
        (format!("docker-archive:{home}/docker.tar"), "docker.tar"),
        (format!("oci-archive:{home}/oci.tar:web"), "oci.tar"),
        (format!("dir:{home}/dir"), "dir/manifest.json"),
        (format!("archive:{home}/web.tar"), "web.tar"),
        (format!("archive:{home}/docker.tar"), "docker.tar"),
    ] {
        host.output(&mut prepare(&alice, &["--", &image])).ok();
        let [file] = run_files(&alice).try_into().expect("one run file");
        let found = fs::metadata(alice.home.join(stamped)).expect("the file");
        assert_eq!((&file["name"], &file["stamp"]["ino"]), (&Value::from(image), &Value::from(found.ino())));
        let layer = &layers(&alice)[0];
        assert!(layer.ends_with(file["layers"][0].as_str().expect("a layer")));
        assert_eq!(fs::metadata(layer.join("fs/name")).expect("a file").uid(), 100_004);
        let listed = images(&host, &alice);
        assert_eq!((listed.len(), &listed[0]["name"]), (1, &Value::Null));
        host.output(&mut subroot(&alice, &["images", "prune"])).ok();
        assert!(
            images(&host, &alice).is_empty() && layers(&alice).is_empty() && files(&alice, "run").is_empty()
        );
    }
}

#[test]
fn images_of_every_transport_get_a_name_by_import() {
    let (host, alice) = with_layouts();
    host.output(&mut alice.shell("gzip -k docker.tar")).ok();
    for (number, source) in [
        "oci:layout:web",
        "docker-archive:docker.tar",
        "oci-archive:oci.tar",
        "dir:dir",
        "docker.tar",
        "docker.tar.gz",
    ]
    .iter()
    .enumerate()
    {
        let name = format!("web:{number}");
        let imported = host.output(&mut subroot(&alice, &["import", source, &name]));
        assert!(imported.stderr.contains("as web") && imported.stderr.contains("1 layer, "), "{imported:?}");
    }
    assert_eq!((images(&host, &alice).len(), layers(&alice).len()), (6, 1));
    // The compressed archive itself is not kept.
    let archive = fs::metadata(alice.home.join("docker.tar.gz")).expect("the archive").len();
    for name in files(&alice, "blobs/sha256") {
        let blob = fs::metadata(store(&alice).join("blobs/sha256").join(&name)).expect("a blob");
        assert_ne!(blob.len(), archive, "{name}");
    }
    assert!(files(&alice, "tmp").is_empty());
}

#[test]
fn an_image_of_the_store_is_unpacked_once_for_each_map() {
    let (host, alice) = with_layouts();
    host.output(&mut subroot(&alice, &["import", "oci:layout:web", "web"])).ok();
    for options in [
        &["--userns=keep-id"] as &[&str],
        &["--userns=host-id"],
        &["--userns=subids"],
        &["--userns=given", "--uidmap=0:0:1", "--uidmap=1:1:100", "--gidmap=0:0:1", "--gidmap=1:1:100"],
    ] {
        let before = layers(&alice).len();
        for _ in 0..2 {
            host.output(&mut prepare(&alice, &[options, &["--", "docker.io/library/web:latest"]].concat()))
                .ok();
            assert_eq!(layers(&alice).len(), before + 1, "{options:?}");
        }
    }
    let mut owners: Vec<[u32; 2]> = layers(&alice)
        .iter()
        .map(|layer| ["fs", "fs/name"].map(|name| fs::metadata(layer.join(name)).expect("a file").uid()))
        .collect();
    owners.sort_unstable();
    let own = alice.uid;
    // The root and the file: as given, the default, squashed to alice, as keep-id (1000 is hers), and as subids.
    let expected = [[own, own], [own, 100_004], [own, 100_004], [100_000, 100_005], [100_000, 100_005]];
    assert_eq!(owners, expected);
    host.output(&mut subroot(&alice, &["rmi", "web"])).ok();
    assert!(layers(&alice).is_empty());
}

#[test]
fn what_cannot_be_prepared_is_refused() {
    let (host, alice) = with_layouts();
    for (image, why) in [
        ("oci:/home/alice/missing", "No such file"),
        ("oci:/home/alice/layout:other", "no image other"),
        ("./web.tar", "neither a stored image nor a transport"),
    ] {
        assert_refused(&host.output(&mut prepare(&alice, &["--", image])), 125, &[why]);
    }
    let outcome =
        host.output(&mut prepare(&alice, &["--pull=never", "--", "docker.io/library/other:latest"]));
    assert_refused(&outcome, 125, &["the store has no image of this name"]);
    assert!(files(&alice, "tmp").is_empty() && files(&alice, "blobs/sha256").is_empty());
}

#[test]
fn an_imported_image_runs_and_is_not_removed_meanwhile() {
    let (host, alice) = host();
    let root = "mkdir bin; cp /bin/busybox bin/; ln -s busybox bin/sh; chown 7:8 bin/sh; tar -cf $0 --numeric-owner .";
    archive(&alice, "box.tar", root);
    host.output(&mut subroot(&alice, &["import", "box.tar", "box"])).ok();
    assert_eq!(
        host.output(&mut subroot(&alice, &["run", "box", "--", "sh", "-c", "echo $((6*7))"])).ok(),
        "42\n"
    );
    let words = ["run", "--name", "box-rmi", "box", "--", "sh", "-c", "echo started; read line"];
    let mut running = subroot(&alice, &words);
    let mut running = running.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starting subroot");
    let mut line = [0; 8];
    running.stdout.as_mut().expect("a pipe").read_exact(&mut line).expect("its line");
    let refused = host.output(&mut subroot(&alice, &["rmi", "box"]));
    assert_refused(&refused, 125, &["removing box: the running sandbox box-rmi uses it"]);
    drop(running.stdin.take());
    running.wait().expect("waiting for subroot");
    host.output(&mut subroot(&alice, &["rmi", "box"])).ok();
    let gone = host.output(&mut subroot(&alice, &["run", "box", "--", "true"]));
    assert_eq!(gone.code(), 125, "{gone:?}");
}
