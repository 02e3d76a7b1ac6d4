//! OCI image layouts, harmless and hostile.

use crate::layout::{CONFIG, INDEX, LAYER, Layout, MANIFEST, file};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;

/// This machine and another one, in Go's words.
fn platforms() -> [&'static str; 2] {
    if cfg!(target_arch = "aarch64") { ["arm64", "amd64"] } else { ["amd64", "arm64"] }
}

fn for_platform(mut descriptor: Value, architecture: &str) -> Value {
    descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
    descriptor
}

fn named(mut descriptor: Value, name: &str) -> Value {
    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    descriptor
}

#[test]
fn an_image_has_the_bytes_and_the_layers_of_its_manifest() {
    let layout = Layout::of(Layout::image);
    let image = layout.open(None).unwrap();
    assert_eq!(
        image.manifest,
        fs::read(layout.path(&format!("blobs/sha256/{}", image.manifest_digest.hex()))).unwrap()
    );
    let [layer] = image.layers.as_slice() else { panic!("{:?}", image.layers) };
    assert_eq!((layer.blob, layer.media_type.as_str()), (layer.diff_id, LAYER));
    assert_eq!(layer.open().unwrap().length(), layer.size);
}

/// CVE-2024-3727.
#[test]
fn a_digest_is_never_a_path() {
    for digest in
        ["sha256:../../../../etc/passwd", "sha256:", "../x", "sha512:00", "sha256:../blobs/sha256/x"]
    {
        for part in ["config", "layers"] {
            let layout = Layout::of(|layout| {
                layout.image_with(|manifest| match part {
                    "layers" => manifest["layers"][0]["digest"] = digest.into(),
                    _ => manifest["config"]["digest"] = digest.into(),
                })
            });
            assert!(layout.refusal().contains("invalid digest"), "{part}: {}", layout.refusal());
        }
        let layout = Layout::of(|_| json!({"mediaType": MANIFEST, "digest": digest, "size": 5}));
        assert!(layout.refusal().contains("invalid digest"), "{digest}");
    }
}

/// CVE-2021-41190.
#[test]
fn what_could_be_a_manifest_and_an_index_is_refused() {
    for media_type in [MANIFEST, INDEX, ""] {
        let layout = Layout::of(|layout| {
            let other = layout.image();
            let mut both = layout.image_with(|manifest| {
                manifest["manifests"] = json!([other]);
                manifest["mediaType"] = media_type.into();
            });
            both["mediaType"] = media_type.into();
            both
        });
        let refusal = layout.refusal();
        assert!(
            refusal.contains("both layers and manifests") || refusal.contains("not that of a"),
            "{refusal}"
        );
    }
}

#[test]
fn a_document_is_what_its_descriptor_and_itself_say() {
    for (declared, own) in [(INDEX, MANIFEST), (MANIFEST, INDEX), (CONFIG, CONFIG), (LAYER, LAYER)] {
        let layout = Layout::of(|layout| {
            let mut image = layout.image_with(|manifest| manifest["mediaType"] = own.into());
            image["mediaType"] = declared.into();
            image
        });
        let refusal = layout.refusal();
        assert!(refusal.contains("was declared as") || refusal.contains("not that of a"), "{refusal}");
    }
    let artifact = Layout::of(|layout| {
        layout.image_with(|manifest| {
            manifest["config"]["mediaType"] = "application/vnd.oci.empty.v1+json".into()
        })
    });
    assert!(artifact.refusal().contains("it is not that of an image"));
    for media_type in ["application/vnd.oci.image.layer.v1.tar+encrypted", "application/octet-stream", ""] {
        let layout = Layout::of(|layout| {
            layout.image_with(|manifest| manifest["layers"][0]["mediaType"] = media_type.into())
        });
        assert!(layout.refusal().contains("are not supported"), "{media_type}");
    }
    let old = Layout::of(|layout| layout.image_with(|manifest| manifest["schemaVersion"] = 1.into()));
    assert!(old.refusal().contains("version 1 of its schema"));
}

#[test]
fn documents_must_have_their_digest_and_size() {
    let changed = |change: fn(&Layout, &Value)| {
        let layout = Layout::new();
        let image = layout.image();
        layout.index(std::slice::from_ref(&image));
        change(&layout, &image);
        layout.refusal()
    };
    assert!(
        changed(|layout, image| {
            let mut content = fs::read(layout.path(&file(image))).unwrap();
            *content.last_mut().unwrap() = b' ';
            fs::write(layout.path(&file(image)), content).unwrap();
        })
        .contains("its digest is sha256:")
    );
    assert!(
        changed(|layout, image| {
            fs::write(layout.path(&file(image)), "{}").unwrap();
        })
        .contains("it has 2 bytes, and its descriptor says")
    );
    assert!(
        changed(|layout, image| fs::remove_file(layout.path(&file(image))).unwrap()).contains("is missing")
    );
}

#[test]
fn the_size_of_documents_is_limited() {
    let padded = |layout: &Layout| {
        let image = fs::read(layout.path(&file(&layout.image()))).unwrap();
        layout.blob(MANIFEST, &[image, vec![b' '; 5 << 20]].concat())
    };
    assert!(Layout::of(padded).refusal().contains("4194304 are allowed"));
    let layout = Layout::of(Layout::image);
    fs::File::create(layout.path("index.json")).unwrap().set_len(1 << 40).unwrap();
    assert!(layout.refusal().contains("4194304 are allowed"));
}

#[test]
fn no_file_of_a_layout_is_a_symlink_or_a_fifo() {
    for name in ["oci-layout", "index.json", "blobs", "blobs/sha256", "blob", "layer"] {
        let layout = Layout::new();
        let image = layout.image();
        layout.index(std::slice::from_ref(&image));
        let manifest: Value = serde_json::from_slice(&fs::read(layout.path(&file(&image))).unwrap()).unwrap();
        let name = match name {
            "blob" => file(&image),
            "layer" => file(&manifest["layers"][0]),
            name => name.to_owned(),
        };
        let other = layout.0.0.join("other");
        fs::rename(layout.path(&name), &other).unwrap();
        symlink(&other, layout.path(&name)).unwrap();
        assert!(layout.refusal().contains("symlink"), "{name}: {}", layout.refusal());
        fs::remove_file(layout.path(&name)).unwrap();
        mkfifo(&layout.path(&name), Mode::S_IRWXU).unwrap();
        let refusal = layout.refusal();
        assert!(
            refusal.contains("not a regular file") || refusal.contains("Not a directory"),
            "{name}: {refusal}"
        );
    }
}

#[test]
fn every_layer_has_one_digest_in_the_configuration() {
    for count in [0, 2] {
        let layout = Layout::of(|layout| {
            layout.image_with(|manifest| {
                let layer = manifest["layers"][0].clone();
                manifest["layers"] = vec![layer; count].into();
            })
        });
        let refusal = layout.refusal();
        assert!(refusal.contains(&format!("digests of 1 layers, and the image has {count}")), "{refusal}");
    }
    let layout = Layout::of(|layout| {
        layout.image_with(|manifest| manifest["layers"] = vec![manifest["layers"][0].clone(); 1001].into())
    });
    assert!(layout.refusal().contains("more than 1000 layers"));
}

/// CVE-2020-15157: other addresses are never used.
#[test]
fn a_layer_must_be_in_the_layout_whatever_its_urls() {
    let layout = Layout::of(|layout| {
        layout.image_with(|manifest| {
            fs::remove_file(layout.path(&file(&manifest["layers"][0]))).unwrap();
            manifest["layers"][0]["urls"] = json!(["https://localhost/layer"]);
            manifest["layers"][0]["mediaType"] =
                "application/vnd.oci.image.layer.nondistributable.v1.tar".into();
        })
    });
    assert!(layout.refusal().contains("it is missing"));
}

#[test]
fn a_layer_must_have_the_size_of_its_descriptor() {
    for size in [0_u64, 5, 1 << 40] {
        let layout =
            Layout::of(|layout| layout.image_with(|manifest| manifest["layers"][0]["size"] = size.into()));
        assert!(layout.refusal().contains(&format!("its descriptor says {size}")));
    }
    let layout =
        Layout::of(|layout| layout.image_with(|manifest| manifest["layers"][0]["size"] = (-1).into()));
    assert!(layout.refusal().contains("malformed"));
}

#[test]
fn the_image_for_this_machine_is_found_in_indexes() {
    let [own, other] = platforms();
    let layout = Layout::new();
    let ours = for_platform(layout.image(), own);
    let foreign =
        for_platform(layout.image_with(|manifest| manifest["annotations"] = json!({"a": "b"})), other);
    let nested = layout
        .document(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [foreign, ours]}));
    layout.index(std::slice::from_ref(&nested));
    assert_eq!(layout.open(None).unwrap().manifest_digest.to_string(), ours["digest"]);
    let again =
        layout.document(INDEX, &json!({"schemaVersion": 2, "manifests": [for_platform(nested, own)]}));
    layout.index(&[again]);
    assert_eq!(layout.open(None).unwrap().manifest_digest.to_string(), ours["digest"]);

    let unknown = json!({"mediaType": MANIFEST, "digest": ours["digest"], "size": ours["size"],
        "platform": {"os": "unknown", "architecture": "unknown"}});
    let foreign = layout.document(INDEX, &json!({"schemaVersion": 2, "manifests": [foreign, unknown]}));
    layout.index(&[foreign]);
    let refusal = layout.refusal();
    assert!(
        refusal.contains(&format!("no image for linux/{own}; it has linux/{other}, unknown/unknown")),
        "{refusal}"
    );
}

#[test]
fn indexes_are_not_nested_without_end() {
    let layout = Layout::new();
    let mut nested = for_platform(layout.image(), platforms()[0]);
    for _ in 0..5 {
        let index = layout.document(INDEX, &json!({"schemaVersion": 2, "manifests": [nested]}));
        nested = for_platform(index, platforms()[0]);
    }
    layout.index(&[nested]);
    assert!(layout.refusal().contains("indexes are nested"));
}

#[test]
fn an_image_is_chosen_by_its_name() {
    let layout = Layout::new();
    let one = named(layout.image(), "one");
    let other = named(layout.image_with(|manifest| manifest["annotations"] = json!({"a": "b"})), "other:1");
    layout.index(&[one.clone(), other.clone()]);
    assert_eq!(layout.open(Some("other:1")).unwrap().manifest_digest.to_string(), other["digest"]);
    assert!(layout.refusal().contains("several images, name one after a colon; it has one, other:1"));
    let missing = layout.open(Some("two")).err().unwrap().to_string();
    assert_eq!(missing, "it has no image two; it has one, other:1");
    layout.index(&[for_platform(one.clone(), platforms()[1]), for_platform(one, platforms()[0])]);
    layout.open(Some("one")).unwrap();
}

#[test]
fn a_key_that_is_twice_is_refused() {
    let layout = Layout::of(|layout| {
        let image = fs::read_to_string(layout.path(&file(&layout.image()))).unwrap();
        layout.blob(MANIFEST, image.replacen('{', r#"{"layers":[],"#, 1).as_bytes())
    });
    assert!(layout.refusal().contains("duplicate field"));
}
