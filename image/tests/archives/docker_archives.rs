//! Archives of images, harmless and hostile: nothing in them has a name outside of them.

use crate::builder::{Scratch, Tar};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Read as _;
use subroot::images::source::TransportKind;
use subroot_image::Error;
use subroot_image::digest::Digest;
use subroot_image::source::image::Image;
use subroot_image::source::open::image_in_archive;

fn layer() -> Vec<u8> {
    Tar::default().file("f", "text").end()
}

fn config(layers: usize) -> Vec<u8> {
    let ids = vec![Digest::of(&layer()).to_string(); layers];
    json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ids}})
        .to_string()
        .into_bytes()
}

/// An image's entry in manifest.json.
fn entry(tags: &[&str], layers: &[&str]) -> Value {
    let config = format!("{}.json", Digest::of(&config(layers.len())).hex());
    json!({"Config": config, "RepoTags": tags, "Layers": layers})
}

/// An archive with these images, the configurations for one and two layers, and a layer.
fn archive(images: &[Value]) -> Tar {
    let mut tar = Tar::default();
    for count in [1, 2] {
        let config = config(count);
        tar = tar.entry(b'0', &format!("{}.json", Digest::of(&config).hex()), "", &config);
    }
    tar.entry(b'0', "layer.tar", "", &layer()).file("manifest.json", &Value::from(images).to_string())
}

fn read(tar: Tar, reference: Option<&str>) -> Result<Option<Image>, Error> {
    read_as(TransportKind::DockerArchive, tar, reference)
}

fn read_as(kind: TransportKind, tar: Tar, reference: Option<&str>) -> Result<Option<Image>, Error> {
    let scratch = Scratch::new();
    let path = scratch.0.join("archive.tar");
    fs::write(&path, tar.end()).unwrap();
    image_in_archive(kind, File::open(&path).unwrap(), reference)
}

#[track_caller]
fn refusal(tar: Tar) -> String {
    read(tar, None).expect_err("accepted").to_string()
}

fn content(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.layers.last().unwrap().open().unwrap().reader().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn layers_are_read_where_they_are() {
    let image = read(archive(&[entry(&["a:1"], &["layer.tar"])]), None).unwrap().unwrap();
    assert_eq!(content(&image), layer());
    assert_eq!(image.manifest_digest, Digest::of(&image.manifest));
    let manifest: Value = serde_json::from_slice(&image.manifest).unwrap();
    assert_eq!(manifest["layers"][0]["digest"], Digest::of(&layer()).to_string());
    assert_eq!(manifest["config"]["digest"], Digest::of(&config(1)).to_string());
}

/// docker save writes symlinks for layers that an image has twice.
#[test]
fn links_lead_to_other_members() {
    let tar = archive(&[entry(&[], &["layer.tar", "id/layer.tar"])]);
    let image = read(tar.clone().symlink("id/layer.tar", "../layer.tar"), None).unwrap().unwrap();
    assert_eq!((image.layers.len(), content(&image)), (2, layer()));
    let image = read(tar.hard_link("id/layer.tar", "layer.tar"), None).unwrap().unwrap();
    assert_eq!(content(&image), layer());
}

#[test]
fn no_name_or_link_leads_out_of_the_archive() {
    for name in ["../layer.tar", "/etc/passwd", "a/../../x", "./layer.tar", "..", ""] {
        let refused = refusal(archive(&[entry(&[], &[name])]));
        assert!(refused.contains("is not a name in the archive"), "{name}: {refused}");
        let mut image = entry(&[], &["layer.tar"]);
        image["Config"] = name.into();
        assert!(refusal(archive(&[image])).contains("is not a name in the archive"), "{name}");
    }
    let linked = || archive(&[entry(&[], &["link"])]);
    for target in ["/etc/passwd", "../layer.tar", "a/../../x"] {
        assert!(refusal(linked().symlink("link", target)).contains("leads out of the archive"), "{target}");
    }
    for target in ["etc/passwd", "missing"] {
        assert!(refusal(linked().symlink("link", target)).contains("a link to nothing"), "{target}");
    }
    assert!(refusal(linked().symlink("link", "link")).contains("links follow each other"));
    assert!(refusal(linked().file("../x", "")).contains("leads up"));
}

#[test]
fn what_is_no_file_is_no_layer() {
    let image = || archive(&[entry(&[], &["x"])]);
    assert!(refusal(image()).contains("x: it is missing"));
    assert!(refusal(image().dir("x")).contains("it is a directory"));
    assert!(refusal(image().entry(b'6', "x", "", b"")).contains("not a regular file"));
    let sparse: [(&str, &[u8]); 2] = [("GNU.sparse.map", b"0,1"), ("GNU.sparse.size", b"9")];
    assert!(refusal(image().pax(&sparse).file("x", "a")).contains("a sparse file"));
}

/// Other programs read either the first or the last of them.
#[test]
fn two_members_of_one_name_are_refused() {
    let image = || archive(&[entry(&[], &["layer.tar"])]);
    for tar in [image().file("layer.tar", "x"), image().symlink("./layer.tar", "x"), image().dir("layer.tar")]
    {
        assert!(refusal(tar).contains("two members have this name"));
    }
    read(image().dir("d").dir("d"), None).unwrap();
}

#[test]
fn digests_and_counts_are_compared() {
    let mut image = entry(&[], &["layer.tar"]);
    image["Config"] = format!("{}.json", "0".repeat(64)).into();
    let tar = archive(&[image]).entry(b'0', &format!("{}.json", "0".repeat(64)), "", &config(1));
    assert!(refusal(tar).contains("its digest is"));
    let mut image = entry(&[], &["layer.tar"]);
    image["Layers"] = json!(["layer.tar", "layer.tar"]);
    assert!(refusal(archive(&[image])).contains("digests of 1 layers, and the image has 2"));
}

#[test]
fn an_image_is_chosen_by_its_tag() {
    let tar = || {
        archive(&[entry(&["a:latest", "b:2"], &["layer.tar"]), entry(&["c:1"], &["layer.tar", "layer.tar"])])
    };
    for (reference, layers) in [("a", 1), ("docker.io/library/a:latest", 1), ("b:2", 1), ("c:1", 2)] {
        assert_eq!(read(tar(), Some(reference)).unwrap().unwrap().layers.len(), layers, "{reference}");
    }
    assert!(refusal(tar()).contains("several images, name one after a colon; it has a:latest, b:2, c:1"));
    let missing = read(tar(), Some("b")).err().unwrap().to_string();
    assert_eq!(missing, "it has no image b; it has a:latest, b:2, c:1");
}

#[test]
fn an_archive_without_a_manifest_is_a_tree() {
    let tree = || Tar::default().file("index.json", "{}").file("etc/passwd", "");
    assert!(read_as(TransportKind::Archive, tree(), None).unwrap().is_none());
    assert!(read(tree(), None).err().unwrap().to_string().contains("manifest.json: it is missing"));
    let of_layout = read_as(TransportKind::OciArchive, tree(), None).err().unwrap().to_string();
    assert!(of_layout.contains("oci-layout: it is missing"), "{of_layout}");
}

#[test]
fn the_number_of_members_is_limited() {
    let mut tar = archive(&[entry(&[], &["layer.tar"])]);
    for number in 0..20_001 {
        tar = tar.file(&format!("f{number}"), "");
    }
    assert!(refusal(tar).contains("more than 20000 members"));
}
