//! Real images, by umoci, skopeo and podman, in every format: the tree is that of `umoci unpack` as root, entry by
//! entry.

use crate::{LISTING, archive, host, listing_inside, names, subroot, with_input};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use subroot_tests::sandbox::{assert_refused, give};
use subroot_tests::{Host, User, skip};

/// An image of three layers, with whiteouts, an opaque directory, and entries that replace others of another kind.
const IMAGE: &str = r#"
    layer() { tar -C "$1" --format=pax --xattrs --numeric-owner -cf "$1.tar" .; umoci raw add-layer --image layout:three "$1.tar"; }
    umoci init --layout layout; umoci new --image layout:three
    mkdir -p 1/d/deep 1/opaque/sub 1/replaced 1/gone 1/setgid 1/kept
    echo one >1/d/file; ln 1/d/file 1/d/hard; echo deep >1/d/deep/f; echo old >1/opaque/old; echo old >1/opaque/sub/f
    echo x >1/replaced/f; echo x >1/gone/f; echo link >1/becomes-dir; ln -s /etc/passwd 1/absolute; ln -s d 1/link
    mkfifo 1/fifo; echo s >1/suid; chown 7:8 1/fifo 1/d/deep; chmod 6755 1/suid; chgrp 50 1/setgid; chmod 2775 1/setgid
    truncate -s 3M 1/sparse; printf 'x' >"1/$(printf 'bad\377name')"; cp /bin/true 1/capable; setcap cap_net_raw=ep 1/capable || true
    setfattr -n user.a -v 1 1/d/file 1/kept || true; touch -d '2001-02-03 04:05:06.123456789' 1/d/file 1/d 1/kept; layer 1
    mkdir -p 2/d 2/opaque 2/becomes-dir; : >2/.wh.gone; : >2/d/.wh.deep; echo two >2/d/file; echo in >2/becomes-dir/f
    echo file >2/replaced; ln -s nowhere 2/.hidden; chmod 700 2/d; layer 2
    mkdir -p 3/opaque 3/kept 3/again; echo new >3/opaque/new; : >3/opaque/.wh..wh..opq; : >3/.wh.link; echo x >3/again/f; truncate -s 2M 3/again/zeros
    chown 1000:1000 3/kept; touch -d '2030-01-01' 3/again 3/kept; layer 3
"#;

/// The image in alice's home, made as root with the tree that umoci unpacks. `None` if umoci is not here, or cannot.
pub(crate) fn image(alice: &User) -> Option<(PathBuf, String)> {
    let dir = Path::new("/tmp/image");
    // Error ignored: there is none yet.
    let _ = fs::remove_dir_all(dir);
    fs::create_dir(dir).expect("a directory in a fresh tmpfs");
    script(IMAGE).ok()?;
    script("umoci unpack --image layout:three bundle").ok()?;
    let listed = Command::new("sh")
        .args(["-c", LISTING, "/tmp/image/bundle/rootfs"])
        .stderr(Stdio::inherit())
        .output();
    let listed = listed.expect("starting sh").stdout;
    script(&format!(
        "cp -r layout {0} && chown -R {1}:{2} {0}/layout",
        alice.home.display(),
        alice.uid,
        alice.gid
    ))
    .expect("copying the layout");
    Some((alice.home.join("layout"), String::from_utf8_lossy(&listed).into_owned()))
}

/// Runs a script as root in the directory of the image.
fn script(text: &str) -> Result<(), String> {
    let done = Command::new("sh").args(["-ec", text]).current_dir("/tmp/image").stdin(Stdio::null()).output();
    let done = done.map_err(|error| error.to_string())?;
    if done.status.success() { Ok(()) } else { Err(format!("{done:?}")) }
}

#[track_caller]
fn assert_imported(host: &Host, alice: &User, source: &str, tree: &str) {
    let outcome = host.output(&mut subroot(alice, &["import", source, "./dir"]));
    assert!(outcome.stderr.contains(&format!("imported {source} into ./dir: 3 layers, ")), "{outcome:?}");
    outcome.ok();
    assert_eq!(listing_inside(host, alice, "dir"), tree, "{source}");
    host.output(&mut subroot(alice, &["rm", "dir"])).ok();
}

#[test]
fn every_format_gives_the_tree_of_umoci() {
    let (host, alice) = host();
    let Some((_, tree)) = image(&alice) else { skip!("no umoci, or it cannot unpack here") };
    assert!(
        tree.contains("d/file f 644") && !tree.contains("gone") && !tree.contains("opaque/old"),
        "{tree}"
    );
    for source in ["oci:layout", "oci:layout:three", "oci:/home/alice/layout:three"] {
        assert_imported(&host, &alice, source, &tree);
    }
    let copy = |to: &str| script(&format!("skopeo --insecure-policy copy -q oci:layout:three {to}"));
    if copy("dir:plain").is_err() {
        skip!("no skopeo, or it cannot copy here");
    }
    for (to, source) in [
        ("oci-archive:x", "oci-archive:x"),
        ("oci-archive:x:name", "oci-archive:x:name"),
        ("oci-archive:x", "x"),
        ("docker-archive:x:name:1", "docker-archive:x"),
        ("docker-archive:x:name:1", "docker-archive:x:name:1"),
        ("docker-archive:x:name:1", "x"),
        ("dir:x", "dir:x"),
        ("-f v2s2 dir:x", "dir:x"),
        ("--dest-compress-format zstd oci:x:name", "oci:x:name"),
    ] {
        // skopeo compresses anew what is not compressed.
        let from_dir = "rm -rf x u; skopeo --insecure-policy copy -q --dest-decompress oci:layout:three dir:u; skopeo --insecure-policy copy -q dir:u";
        let copied = if to.contains("zstd") {
            script(&format!("{from_dir} {to}"))
        } else {
            script("rm -rf x").and_then(|()| copy(to))
        };
        copied.expect("copying the image");
        script(&format!("rm -rf {0}/x; cp -r x {0}; chown -R {1} {0}/x", alice.home.display(), alice.uid))
            .expect("a copy");
        assert_imported(&host, &alice, source, &tree);
    }
}

#[test]
fn archives_of_podman_are_read() {
    let (host, alice) = host();
    let Some((_, tree)) = image(&alice) else { skip!("no umoci, or it cannot unpack here") };
    host.cover_what_podman_uses();
    host.output(Command::new("mkdir").args(["-p", "/etc/containers"])).ok();
    host.write("/etc/containers/policy.json", r#"{"default":[{"type":"insecureAcceptAnything"}]}"#);
    let podman = "podman --root /tmp/image/storage --runroot /tmp/image/run --storage-driver vfs";
    let pull = format!("{podman} pull -q oci:layout:three >id");
    if let Err(why) = script(&pull) {
        skip!("podman cannot pull here: {}", why.chars().take(300).collect::<String>());
    }
    for format in ["docker-archive", "oci-archive"] {
        script(&format!("rm -f x; {podman} save -q --format {format} -o x $(cat id)"))
            .expect("saving the image");
        fs::copy("/tmp/image/x", alice.home.join("x")).expect("copying the archive");
        give(&alice.home.join("x"), &alice, 0o644);
        for source in ["x".to_owned(), format!("{format}:x")] {
            assert_imported(&host, &alice, &source, &tree);
        }
    }
}

#[test]
fn archives_of_images_may_be_compressed_or_come_through_a_pipe() {
    let (host, alice) = host();
    let Some((_, tree)) = image(&alice) else { skip!("no umoci, or it cannot unpack here") };
    script("tar -C layout -cf plain .").expect("an archive");
    for filter in ["cat", "gzip", "zstd -q", "xz -T1"] {
        script(&format!("{filter} <plain >{}/x", alice.home.display())).expect("an archive");
        give(&alice.home.join("x"), &alice, 0o644);
        for source in ["x", "oci-archive:x:three"] {
            assert_imported(&host, &alice, source, &tree);
        }
        host.output(&mut with_input(subroot(&alice, &["import", "-", "./dir"]), &alice.home.join("x"))).ok();
        assert_eq!(listing_inside(&host, &alice, "dir"), tree, "{filter}");
        host.output(&mut subroot(&alice, &["rm", "dir"])).ok();
        host.output(&mut alice.shell("cat x | subroot import - ./dir")).ok();
        assert_eq!(listing_inside(&host, &alice, "dir"), tree, "{filter}");
        host.output(&mut subroot(&alice, &["rm", "dir"])).ok();
    }
    assert_eq!(names(&alice), ["layout", "x"]);
}

#[test]
fn a_layer_with_another_digest_leaves_nothing() {
    let (host, alice) = host();
    let Some((layout, _)) = image(&alice) else { skip!("no umoci, or it cannot unpack here") };
    let blobs = fs::read_dir(layout.join("blobs/sha256"))
        .expect("the blobs")
        .map(|blob| blob.expect("a blob").path());
    let is_layer = |path: &PathBuf| fs::read(path).expect("a blob").starts_with(&[0x1f, 0x8b]);
    let largest = blobs.filter(is_layer).max_by_key(|path| fs::metadata(path).expect("a blob").len());
    let layer = largest.expect("a layer");
    let content = fs::read(&layer).expect("a layer");
    // The time in the header of gzip changes the blob, and not the layer.
    let mut changed = content.clone();
    changed[4] ^= 1;
    fs::write(&layer, changed).expect("changing the layer");
    let refused = |why: &str| {
        let outcome = host.output(&mut subroot(&alice, &["import", "oci:layout", "./dir"]));
        assert_refused(&outcome, 125, &["importing oci:layout: ", why]);
        assert_eq!(names(&alice), ["layout"]);
    };
    refused("checking the layer: its digest is sha256:");
    fs::write(&layer, &content[..content.len() - 1]).expect("truncating the layer");
    refused("and its descriptor says");
    fs::remove_file(&layer).expect("removing the layer");
    refused("it is missing");
}

#[test]
fn a_directory_that_is_not_an_image_is_refused_with_a_command_that_works() {
    let (host, alice) = host();
    let subroot_says = |source: &str| host.output(&mut subroot(&alice, &["import", source, "./new"]));
    host.output(&mut alice.shell("mkdir -p tree/etc; echo text >tree/etc/file")).ok();
    for source in ["tree", "./tree", "dir:tree"] {
        let outcome = subroot_says(source);
        assert_eq!(outcome.code(), 125, "{outcome:?}");
        assert!(outcome.stderr.contains("it is a directory without a manifest of an image"), "{outcome:?}");
        let fix = outcome.stderr.lines().find_map(|line| line.strip_prefix("subroot: fix: ")).expect("a fix");
        host.output(&mut alice.shell(fix)).ok();
        let text = host.output(&mut subroot(&alice, &["unshare", "--", "cat", "new/etc/file"])).ok();
        assert_eq!(text, "text\n");
        host.output(&mut subroot(&alice, &["rm", "new"])).ok();
    }
    let Some(_) = image(&alice) else { skip!("no umoci, or it cannot unpack here") };
    let outcome = subroot_says("layout");
    assert!(outcome.stderr.contains("fix: subroot import oci:layout ./new"), "{outcome:?}");
    assert_refused(&subroot_says("oci:tree"), 125, &["oci-layout: it is missing"]);
    assert_refused(&subroot_says("oci:layout:two"), 125, &["it has no image two; it has three"]);
    assert_refused(&subroot_says("docker://Busybox"), 125, &["it is not the name of an image"]);
    archive(&alice, "a.tar", "echo x >x; tar -cf $0 x");
    assert_refused(&subroot_says("docker-archive:a.tar"), 125, &["manifest.json: it is missing"]);
}

/// The limit holds for all layers together.
#[test]
fn the_size_of_all_layers_is_limited() {
    let (host, alice) = host();
    let Some(_) = image(&alice) else { skip!("no umoci, or it cannot unpack here") };
    let outcome = host.output(&mut subroot(&alice, &["import", "--max-size=4M", "oci:layout", "./dir"]));
    assert_refused(&outcome, 125, &["--max-size"]);
    assert_eq!(names(&alice), ["layout"]);
}
