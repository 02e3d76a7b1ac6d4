//! Archives that try to write outside of the root, or to make other entries than other programs see.

use crate::builder::{Scratch, Tar, header, pax, seal};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

/// A directory beside the root, with a file that no archive may change.
fn with_outside() -> Scratch {
    let scratch = Scratch::new();
    fs::create_dir(scratch.0.join("outside")).unwrap();
    fs::write(scratch.0.join("outside/file"), "untouched").unwrap();
    fs::set_permissions(scratch.0.join("outside"), fs::Permissions::from_mode(0o700)).unwrap();
    scratch
}

fn assert_outside_is_untouched(scratch: &Scratch) {
    let outside = scratch.0.join("outside");
    let names: Vec<_> = fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["file"]);
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "untouched");
    assert_eq!(fs::metadata(&outside).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(fs::metadata(outside.join("file")).unwrap().nlink(), 1);
}

#[test]
fn a_name_that_leads_up_is_refused() {
    for name in ["../outside/x", "a/../../outside/x", "..", "/../outside/x"] {
        let scratch = with_outside();
        assert!(scratch.refusal(Tar::default().file(name, "x").end()).contains("leads up"), "{name}");
        assert_outside_is_untouched(&scratch);
    }
}

#[test]
fn absolute_names_and_links_are_below_the_root() {
    let scratch = Scratch::new();
    let tar = Tar::default().file("/etc/name", "inside").hard_link("link", "/etc/name").end();
    scratch.apply(tar).unwrap();
    assert_eq!(scratch.text("link"), "inside");
    assert_eq!(fs::metadata(scratch.root().join("etc/name")).unwrap().nlink(), 2);
}

#[test]
fn nothing_is_written_through_a_symlink_of_an_earlier_entry() {
    let outside = |scratch: &Scratch| scratch.0.join("outside").display().to_string();
    for target in ["../outside".to_owned(), outside(&with_outside())] {
        let scratch = with_outside();
        let tar = Tar::default().symlink("out", &target).file("out/file", "changed").end();
        scratch.refusal(tar);
        assert_outside_is_untouched(&scratch);
    }
    let scratch = with_outside();
    let tar = Tar::default().symlink("file", "../outside/file").file("file", "changed").end();
    scratch.apply(tar).unwrap();
    assert_eq!(scratch.text("file"), "changed");
    assert_outside_is_untouched(&scratch);
}

#[test]
fn a_symlink_to_a_directory_inside_is_followed() {
    let scratch = Scratch::new();
    let tar = Tar::default().dir("usr/lib").symlink("lib", "/usr/lib").file("lib/x", "x").end();
    scratch.apply(tar).unwrap();
    assert_eq!(scratch.text("usr/lib/x"), "x");
}

#[test]
fn a_directory_replaces_a_symlink_and_does_not_change_where_it_leads() {
    let scratch = with_outside();
    let tar = Tar::default().symlink("d", "../outside").dir("d").file("d/file", "changed").end();
    scratch.apply(tar).unwrap();
    assert!(fs::symlink_metadata(scratch.root().join("d")).unwrap().is_dir());
    assert_outside_is_untouched(&scratch);
}

#[test]
fn the_root_must_be_a_directory() {
    for name in [".", "./", "/"] {
        let scratch = with_outside();
        let tar = Tar::default().symlink(name, "../outside").file("file", "changed").end();
        assert!(scratch.refusal(tar).contains("the root is not a directory"), "{name}");
        assert_outside_is_untouched(&scratch);
    }
}

#[test]
fn hard_links_stay_inside_and_are_never_written_through() {
    let scratch = with_outside();
    let tar = Tar::default().symlink("out", "../outside").hard_link("link", "out/file").end();
    scratch.refusal(tar);
    assert_outside_is_untouched(&scratch);
    let tar = Tar::default().hard_link("link", "../outside/file").end();
    assert!(scratch.refusal(tar).contains("leads up"));
    let scratch = Scratch::new();
    scratch.apply(Tar::default().file("a", "first").hard_link("b", "a").file("b", "second").end()).unwrap();
    assert_eq!((scratch.text("a"), scratch.text("b")), ("first".into(), "second".into()));
}

#[test]
fn a_hard_link_may_come_before_its_target() {
    let scratch = Scratch::new();
    scratch.apply(Tar::default().hard_link("b", "a").file("a", "text").end()).unwrap();
    assert_eq!(scratch.text("b"), "text");
    assert!(scratch.refusal(Tar::default().hard_link("c", "missing").end()).contains("No such file"));
}

#[test]
fn devices_are_skipped_and_counted() {
    let scratch = Scratch::new();
    let tar = Tar::default().entry(b'3', "null", "", b"").entry(b'4', "disk", "", b"").file("x", "").end();
    let summary = scratch.apply(tar).unwrap();
    assert_eq!((summary.devices, summary.entries), (2, 1));
    assert_eq!(scratch.names(), ["x"]);
}

#[test]
fn attributes_of_overlayfs_are_never_applied() {
    let scratch = Scratch::new();
    let records: [(&str, &[u8]); 2] =
        [("SCHILY.xattr.user.overlay.opaque", b"y"), ("SCHILY.xattr.trusted.overlay.redirect", b"/etc")];
    let tar = Tar::default().pax(&records).dir("d").pax(&records).file("f", "x").end();
    assert_eq!(scratch.apply(tar).unwrap().attributes, 4);
}

#[test]
fn pax_records_go_by_their_length() {
    let scratch = Scratch::new();
    let name = b"one\n20 path=../outside";
    scratch
        .apply(Tar::default().pax(&[("comment", name), ("path", b"two")]).file("x", "text").end())
        .unwrap();
    assert_eq!(scratch.names(), ["two"]);
}

#[test]
fn a_pax_record_that_overrides_is_checked_like_a_header() {
    let scratch = with_outside();
    let refused =
        |records: &[(&str, &[u8])]| scratch.refusal(Tar::default().pax(records).file("x", "text").end());
    assert!(refused(&[("path", b"../outside/x")]).contains("leads up"));
    assert!(refused(&[("path", b"a\0b")]).contains("NUL"));
    for value in [&b"-5"[..], b"+5", b"", b"5 ", b"0x5", b"99999999999999999999"] {
        assert!(refused(&[("size", value)]).contains("malformed"), "{value:?}");
        assert!(refused(&[("uid", value)]).contains("malformed"), "{value:?}");
    }
    assert_outside_is_untouched(&scratch);
}

#[test]
fn a_malformed_pax_record_ends_the_import() {
    for records in ["5 a=b\n", "x path=y\n", "7 path=\n", "8 path=y", "10 path\n", "999 path=y\n", "path=y\n"]
    {
        let scratch = Scratch::new();
        let tar = Tar::default().entry(b'x', "pax", "", records.as_bytes()).file("f", "x").end();
        scratch.refusal(tar);
        assert!(scratch.names().is_empty(), "{records:?}");
    }
}

#[test]
fn a_global_header_cannot_name_or_size_entries() {
    for key in ["path", "linkpath", "size", "GNU.sparse.size", "SCHILY.xattr.user.x"] {
        let scratch = Scratch::new();
        let global = pax(&[(key, b"7")]);
        let tar = Tar::default().entry(b'g', "global", "", &global).file("f", "x").end();
        assert!(scratch.refusal(tar).contains("global"), "{key}");
    }
    let scratch = Scratch::new();
    let tar = Tar::default().pax(&[("path", b"named")]).entry(b'g', "g", "", &pax(&[("comment", b"x")]));
    assert!(scratch.refusal(tar.file("f", "x").end()).contains("global"));
}

/// Each of these would show a reader that believes the size another sequence of entries.
#[test]
fn links_and_directories_have_no_content() {
    for kind in [b'1', b'2', b'5'] {
        let scratch = Scratch::new();
        let mut dir = header(kind, "first", "f", 512);
        seal(&mut dir);
        let tar = Tar(dir).file("f", "x").end();
        scratch.apply(tar).unwrap();
        assert_eq!(scratch.names(), ["f", "first"]);
    }
}

#[test]
fn the_last_entry_of_a_name_counts() {
    let scratch = Scratch::new();
    let tar =
        Tar::default().file("x", "1").dir("x").file("x/y", "2").dir("x").file("z", "3").symlink("z", "x");
    scratch.apply(tar.clone().end()).unwrap();
    assert_eq!(scratch.names(), ["x", "x/y", "z"]);
    scratch.apply(tar.file("x", "4").end()).unwrap();
    assert_eq!((scratch.names(), scratch.text("x")), (vec!["x".into(), "z".into()], "4".into()));
}

#[test]
fn an_entry_of_an_unknown_type_ends_the_import() {
    let scratch = Scratch::new();
    let tar = Tar::default().entry(b'M', "part", "", b"x").end();
    assert!(scratch.refusal(tar).contains("type M"));
}
