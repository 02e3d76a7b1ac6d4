//! What is kept of an entry.

use crate::builder::{Scratch, Tar, header, seal};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

#[test]
fn modes_and_times_are_kept_also_of_directories() {
    let scratch = Scratch::new();
    let mut dir = header(b'5', "d", "", 0);
    dir[100..107].copy_from_slice(b"0001555");
    seal(&mut dir);
    let mtime: [(&str, &[u8]); 1] = [("mtime", b"981173106.123456789")];
    let old: [(&str, &[u8]); 1] = [("mtime", b"-1.5")];
    let tar = Tar::default().pax(&mtime).0;
    let tar = Tar([tar, dir].concat()).file("d/in", "x").pax(&old).file("old", "").end();
    scratch.apply(tar).unwrap();
    let found = fs::metadata(scratch.root().join("d")).unwrap();
    assert_eq!(found.mode() & 0o7777, 0o1555);
    assert_eq!((found.mtime(), found.mtime_nsec()), (981_173_106, 123_456_789));
    let found = fs::metadata(scratch.root().join("old")).unwrap();
    assert_eq!((found.mtime(), found.mtime_nsec()), (-2, 500_000_000));
}

#[test]
fn setuid_bits_survive_the_content() {
    let scratch = Scratch::new();
    let mut file = header(b'0', "f", "", 4);
    file[100..107].copy_from_slice(b"0006755");
    seal(&mut file);
    file.extend(b"text");
    file.resize(1024, 0);
    scratch.apply(Tar(file).end()).unwrap();
    assert_eq!(fs::metadata(scratch.root().join("f")).unwrap().mode() & 0o7777, 0o6755);
}

#[test]
fn fifos_and_names_of_any_bytes_are_kept() {
    let scratch = Scratch::new();
    let tar =
        Tar::default().entry(b'6', "fifo", "", b"").pax(&[("path", b"bad\xff\nname")]).file("x", "text");
    scratch.apply(tar.end()).unwrap();
    assert!(fs::metadata(scratch.root().join("fifo")).unwrap().file_type().is_fifo());
    let names: Vec<_> =
        fs::read_dir(scratch.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name.as_bytes() == b"bad\xff\nname"), "{names:?}");
}

#[test]
fn missing_directories_are_made() {
    let scratch = Scratch::new();
    scratch.apply(Tar::default().file("a/b/c", "text").end()).unwrap();
    assert_eq!(fs::metadata(scratch.root().join("a/b")).unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn headers_across_buffers_are_read() {
    let scratch = Scratch::new();
    let mut tar = Tar::default().file("large", &"x".repeat((1 << 20) - 1200));
    for number in 0..20 {
        tar = tar.pax(&[("comment", &[b'c'; 700])]).file(&format!("f{number}"), "text");
    }
    assert_eq!(scratch.apply(tar.end()).unwrap().entries, 21);
    assert_eq!(scratch.text("f19"), "text");
}

#[test]
fn a_global_time_holds_for_entries_without_their_own() {
    let scratch = Scratch::new();
    let global = crate::builder::pax(&[("mtime", b"5")]);
    let tar =
        Tar::default().entry(b'g', "g", "", &global).file("a", "").pax(&[("mtime", b"6")]).file("b", "");
    scratch.apply(tar.end()).unwrap();
    let time = |name: &str| fs::metadata(scratch.root().join(name)).unwrap().mtime();
    assert_eq!((time("a"), time("b")), (5, 6));
}
