//! `subroot commit --image IMAGE DIR NAME`.

use crate::store::{files, images};
use crate::{archive, host, subroot};
use std::fs;
use std::path::Path;
use std::process::Command;
use subroot_tests::running::Running;
use subroot_tests::sandbox::assert_refused;
use subroot_tests::{Host, Outcome, User, skip};

/// A root with a shell, and files that a sandbox removes and replaces.
const WEB: &str = r#"
    mkdir -p bin dev proc sys tmp etc opaque/sub gone kept; cp "$(command -v busybox)" bin/busybox
    for name in sh ls cat rm mkdir ln chown chmod mkfifo find stat touch sort mv; do ln -s busybox bin/$name; done
    echo old >opaque/old; echo old >opaque/sub/f; echo x >gone/f; echo one >kept/f; ln kept/f kept/hard; echo file >becomes-dir
    tar -cf $0 --numeric-owner --owner=0 --group=0 .
"#;

const CHANGES: &str = "rm -r /opaque /gone /becomes-dir; mkdir -p /opaque/sub /becomes-dir /new/deep; echo new >/opaque/new
    echo two >/kept/f; echo in >/becomes-dir/f; echo deep >/new/deep/f; ln /new/deep/f /new/hard; ln -s nowhere /new/link
    chown 5:6 /new/deep/f; chmod 4750 /new/deep/f; chmod 2755 /new; mkfifo /new/fifo; rm /kept/hard; touch -d '2001-02-03 04:05:06' /new/hard";

/// What a sandbox sees.
const SEEN: &str = "cd / && for name in $(find opaque gone becomes-dir kept new 2>/dev/null | sort); do
    stat -c '%n %F %a %u:%g' $name; [ ! -f $name ] || { stat -c %h $name; cat $name; }; done; stat -c %Y new/hard";

/// A host on which alice has an image, and a directory with what a sandbox has changed in it.
fn with_changes() -> (Host, User) {
    let (host, alice) = host();
    archive(&alice, "web.tar", WEB);
    says(&host, &alice, &["-q", "import", "web.tar", "web"]).ok();
    says(&host, &alice, &["run", "--overlay=changes", "web", "sh", "-c", CHANGES]).ok();
    (host, alice)
}

fn says(host: &Host, alice: &User, words: &[&str]) -> Outcome {
    host.output(&mut subroot(alice, words))
}

#[test]
fn the_changes_become_a_layer_that_every_tool_reads() {
    let (host, alice) = with_changes();
    let seen = says(&host, &alice, &["run", "--overlay=changes", "web", "sh", "-c", SEEN]).ok();
    assert!(seen.contains("becomes-dir/f") && !seen.contains("gone") && !seen.contains("old"), "{seen}");
    let outcome = says(&host, &alice, &["commit", "--image", "web", "changes", "new:1"]);
    assert!(outcome.stderr.starts_with("subroot: committed changes as new:1: a layer of "), "{outcome:?}");
    outcome.ok();
    assert_eq!(says(&host, &alice, &["run", "new:1", "sh", "-c", SEEN]).ok(), seen);
    // As the image specification writes deletions.
    says(&host, &alice, &["-q", "export", "new:1", "new.oci"]).ok();
    says(&host, &alice, &["-q", "import", "new.oci", "./flat"]).ok();
    assert_eq!(says(&host, &alice, &["run", "./flat", "sh", "-c", SEEN]).ok(), seen);
    assert_eq!(says(&host, &alice, &["run", "web", "cat", "gone/f"]).ok(), "x\n");
    assert!(files(&alice, "tmp").is_empty());
    let dir = Path::new("/tmp/unpacked");
    fs::create_dir(dir).expect("a directory in a fresh tmpfs");
    let script = "skopeo --insecure-policy copy -q oci-archive:$0 oci:layout:new && umoci unpack --image layout:new bundle >/dev/null 2>&1 && ls bundle/rootfs/opaque bundle/rootfs";
    let unpacked =
        Command::new("sh").args(["-ec", script]).arg(alice.home.join("new.oci")).current_dir(dir).output();
    let unpacked = unpacked.expect("starting sh");
    if !unpacked.status.success() {
        skip!("umoci cannot unpack here");
    }
    let listed = String::from_utf8_lossy(&unpacked.stdout).into_owned();
    assert!(listed.contains("new\nsub\n") && !listed.contains("old") && !listed.contains("gone"), "{listed}");
}

#[test]
fn an_image_keeps_its_configuration_and_shares_its_layers() {
    let (host, alice) = with_changes();
    says(&host, &alice, &["-q", "commit", "--image", "web", "changes", "new"]).ok();
    let described = |name: &str| -> serde_json::Value {
        serde_json::from_str(&says(&host, &alice, &["inspect", name]).ok()).expect("a description")
    };
    let (web, new) = (described("web"), described("new"));
    let layers =
        |image: &serde_json::Value| image[0]["RootFS"]["Layers"].as_array().cloned().expect("layers");
    assert_eq!(layers(&new)[..1], layers(&web)[..]);
    assert_eq!((layers(&new).len(), &new[0]["Config"]), (2, &web[0]["Config"]));
    assert_eq!(new[0]["History"][1]["created_by"], "subroot commit");
    // Once more: a layer on top of the committed one.
    says(&host, &alice, &["run", "--overlay=more", "new", "sh", "-c", "rm -r /new; echo x >/more"]).ok();
    says(&host, &alice, &["-q", "commit", "--image", "new", "more", "newer"]).ok();
    assert_eq!(
        says(&host, &alice, &["run", "newer", "sh", "-c", "cat /more; ls -d /new 2>&1"]).stdout,
        "x\nls: /new: No such file or directory\n"
    );
}

#[test]
fn changes_that_are_in_use_or_are_none_are_refused() {
    let (host, alice) = with_changes();
    let sleeping = ["run", "--overlay=changes", "web", "sh", "-c", "echo ready; read word"];
    let running = Running::new(subroot(&alice, &sleeping).stdin(std::process::Stdio::piped()));
    let refused = says(&host, &alice, &["commit", "--image", "web", "changes", "new"]);
    assert_refused(&refused, 125, &["committing changes: a running sandbox uses it"]);
    running.signal(15);
    running.end();
    host.output(&mut alice.shell("mkdir empty")).ok();
    for (words, why) in [
        (["--image=web", "empty", "new"], "committing empty: it has no changes"),
        (["--image=web", "missing", "new"], "committing missing: No such file or directory"),
        (["--image=wec", "changes", "new"], "the store has no image of this name (there is web)"),
        (["--image=web", "changes", "New"], "committing as New: it is not the name of an image"),
    ] {
        assert_refused(&says(&host, &alice, &[&["commit"], &words[..]].concat()), 125, &[why]);
    }
    let script = "setfattr -n user.overlay.redirect -v /kept changes/upper/new";
    host.output(&mut subroot(&alice, &["unshare", "--", "sh", "-c", script])).ok();
    let refused = says(&host, &alice, &["commit", "--image", "web", "changes", "new"]);
    assert_refused(&refused, 125, &["committing changes: reading new/: it has user.overlay.redirect"]);
    assert_eq!(images(&host, &alice).len(), 1);
}
