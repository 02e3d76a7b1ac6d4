//! Layers over others: whiteouts, which delete what the layers below have.

use crate::builder::{Scratch, Tar};
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use subroot_image::apply::Whiteouts;

/// A directory that has a lower layer.
fn with_lower() -> Scratch {
    let scratch = Scratch::new();
    let tar =
        Tar::default().file("d/old", "1").file("d/sub/deep", "2").file("other", "3").symlink("link", "d");
    scratch.apply(tar.end()).unwrap();
    scratch
}

fn over(scratch: &Scratch, tar: Tar) {
    scratch.apply_with(tar.end(), |options| options.has_lower = true).unwrap();
}

#[test]
fn a_whiteout_deletes_from_the_layers_below() {
    let scratch = with_lower();
    over(&scratch, Tar::default().file("d/.wh.sub", "").file(".wh.other", "").file("missing/.wh.x", ""));
    assert_eq!(scratch.names(), ["d", "d/old", "link"]);
}

#[test]
fn a_whiteout_keeps_what_its_own_layer_has() {
    let scratch = with_lower();
    over(
        &scratch,
        Tar::default().file("d/new", "").file(".wh.d", "").file("other", "4").file(".wh.other", ""),
    );
    assert_eq!(scratch.names(), ["d", "d/new", "link", "other"]);
    assert_eq!(scratch.text("other"), "4");
}

#[test]
fn an_opaque_directory_hides_the_layers_below_wherever_its_mark_is() {
    for first in [true, false] {
        let scratch = with_lower();
        let mark = |tar: Tar| tar.file("d/.wh..wh..opq", "");
        let files = |tar: Tar| tar.file("d/new", "").file("d/sub/new", "");
        over(&scratch, if first { files(mark(Tar::default())) } else { mark(files(Tar::default())) });
        assert_eq!(scratch.names(), ["d", "d/new", "d/sub", "d/sub/new", "link", "other"]);
    }
}

/// Layers rarely have an entry for the root, which every user must be able to search.
#[test]
fn a_root_without_an_entry_has_the_usual_mode_or_that_of_the_layers_below() {
    let scratch = Scratch::new();
    let set = |mode| fs::set_permissions(scratch.root(), fs::Permissions::from_mode(mode)).unwrap();
    let mode = || fs::metadata(scratch.root()).unwrap().mode() & 0o7777;
    set(0o700);
    scratch.apply(Tar::default().file("file", "").end()).unwrap();
    assert_eq!(mode(), 0o755);
    set(0o1711);
    over(&scratch, Tar::default().file("other", ""));
    assert_eq!(mode(), 0o1711);
    over(&scratch, Tar::default().dir("./").file("other", ""));
    assert_ne!(mode(), 0o1711);
}

#[test]
fn a_whiteout_must_name_a_file() {
    for name in [".wh.", ".wh..", ".wh...", "d/.wh..", "d/.wh."] {
        let scratch = with_lower();
        let before = scratch.names();
        let refused = scratch.refusal(Tar::default().file(name, "").end());
        assert!(refused.contains("does not name a file"), "{name}: {refused}");
        assert_eq!(scratch.names(), before);
    }
}

#[test]
fn a_whiteout_does_not_follow_a_symlink() {
    let scratch = with_lower();
    over(&scratch, Tar::default().file(".wh.link", ""));
    assert_eq!(scratch.names(), ["d", "d/old", "d/sub", "d/sub/deep", "other"]);
}

/// As in overlayfs, where the directory of the upper layer is the one that is seen.
#[test]
fn a_directory_has_no_attributes_of_the_layers_below() {
    let scratch = Scratch::new();
    let tar = Tar::default().pax(&[("SCHILY.xattr.user.lower", b"1")]).dir("d").file("d/f", "");
    if scratch.apply(tar.end()).unwrap().attributes > 0 {
        return eprintln!("SKIPPED: no user.* attributes in {}", scratch.0.display());
    }
    over(&scratch, Tar::default().pax(&[("SCHILY.xattr.user.upper", b"2")]).dir("d"));
    let found = std::process::Command::new("getfattr")
        .args(["--absolute-names", "-d"])
        .arg(scratch.root().join("d"))
        .output();
    let Ok(found) = found else { return eprintln!("SKIPPED: no getfattr, of attr") };
    let found = String::from_utf8_lossy(&found.stdout);
    assert!(found.contains("user.upper") && !found.contains("user.lower"), "{found}");
    assert_eq!(scratch.names(), ["d", "d/f"]);
}

#[test]
fn overlayfs_gets_devices_0_0_and_its_own_mark() {
    let scratch = Scratch::new();
    let tar =
        Tar::default().file("d/.wh.gone", "").file("o/.wh..wh..opq", "").file(".wh.again", "").dir("again");
    let applied = scratch.apply_with(tar.end(), |options| options.whiteouts = Whiteouts::Overlay);
    if let Err(error) = applied {
        let why = error.to_string();
        assert!(why.contains("not supported") || why.contains("not permitted"), "{why}");
        return eprintln!(
            "SKIPPED: no devices 0:0 or no user.* attributes in {}: {why}",
            scratch.0.display()
        );
    }
    let found = fs::symlink_metadata(scratch.root().join("d/gone")).unwrap();
    assert!(found.file_type().is_char_device() && found.rdev() == 0);
    assert!(fs::symlink_metadata(scratch.root().join("again")).unwrap().is_dir());
    let opaque = std::process::Command::new("getfattr")
        .args(["--absolute-names", "--only-values", "-n", "user.overlay.opaque"])
        .args([scratch.root().join("o"), scratch.root().join("again")])
        .output();
    let Ok(opaque) = opaque else { return eprintln!("SKIPPED: no getfattr, of attr") };
    assert_eq!(String::from_utf8_lossy(&opaque.stdout), "yy");
}
