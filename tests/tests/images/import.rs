//! `subroot import SOURCE DIR`.

use crate::{archive, host, names, subroot, with_input};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use subroot_tests::Outcome;
use subroot_tests::sandbox::assert_refused;

const FILES: &str = "mkdir -p etc home; echo text >etc/file; chown 5:6 etc/file; chown 1000:1000 home; tar -cf $0 --numeric-owner .";

#[test]
fn owners_are_those_of_the_archive_as_seen_inside() {
    let (host, alice) = host();
    archive(&alice, "a.tar", FILES);
    let outcome = host.output(&mut subroot(&alice, &["import", "a.tar", "./dir"]));
    assert_eq!(outcome.stderr, "subroot: imported a.tar into ./dir: 3 entries, 5 bytes\n");
    outcome.ok();
    let owner = |name: &str| {
        fs::symlink_metadata(alice.home.join("dir").join(name)).map(|found| (found.uid(), found.gid()))
    };
    assert_eq!(owner("etc/file").expect("the file"), (100_004, 100_005));
    assert_eq!(owner("etc").expect("the directory"), (alice.uid, alice.gid));
    assert_eq!(names(&alice), ["a.tar", "dir"]);
}

#[test]
fn an_archive_is_known_by_its_first_bytes_and_may_come_from_standard_input() {
    let (host, alice) = host();
    for filter in ["cat", "gzip", "zstd -q", "xz -T1"] {
        archive(&alice, "archive", &format!("mkdir etc; echo text >etc/file; tar -c . | {filter} >$0"));
        let import = subroot(&alice, &["import", "-", "./dir"]);
        host.output(&mut with_input(import, &alice.home.join("archive"))).ok();
        assert_eq!(fs::read_to_string(alice.home.join("dir/etc/file")).expect("the file"), "text\n");
        host.output(&mut subroot(&alice, &["rm", "dir"])).ok();
    }
    archive(&alice, "archive", "echo x >x; tar -cj . >$0 2>/dev/null || printf BZh91AY >$0");
    let outcome = host.output(&mut subroot(&alice, &["import", "archive", "./dir"]));
    assert_refused_with_fix(
        &outcome,
        &["bzip2 is not supported", "fix: bzip2 -dc archive | subroot import - ./dir"],
    );
}

#[test]
fn a_directory_with_content_is_never_replaced() {
    let (host, alice) = host();
    archive(&alice, "a.tar", FILES);
    host.output(&mut alice.shell("mkdir full empty; echo mine >full/file; echo mine >file")).ok();
    for (dir, why) in [
        ("full", "is not empty"),
        ("file", "not a directory"),
        (".", "name a directory"),
        ("/etc", "is not empty"),
        ("./no/dir", "No such file"),
    ] {
        assert_refused(&host.output(&mut subroot(&alice, &["import", "a.tar", dir])), 125, &[why]);
    }
    assert_eq!(fs::read_to_string(alice.home.join("full/file")).expect("the file"), "mine\n");
    host.output(&mut subroot(&alice, &["import", "a.tar", "empty"])).ok();
    assert!(alice.home.join("empty/etc/file").exists());
}

#[test]
fn an_archive_that_is_refused_leaves_nothing() {
    let (host, alice) = host();
    archive(&alice, "a.tar", "head -c 3000000 /dev/urandom >large; tar -c . | head -c 1000000 >$0");
    assert_refused(&host.output(&mut subroot(&alice, &["import", "a.tar", "./dir"])), 125, &["truncated"]);
    archive(&alice, "b.tar", "head -c 3000000 /dev/zero >large; tar -czf $0 .");
    assert_refused(
        &host.output(&mut subroot(&alice, &["import", "--max-size=2M", "b.tar", "./dir"])),
        125,
        &["--max-size"],
    );
    assert_refused(
        &host.output(&mut subroot(&alice, &["import", "--max-size=2x", "b.tar", "./dir"])),
        125,
        &["invalid size 2x"],
    );
    assert_refused(
        &host.output(&mut subroot(&alice, &["import", "missing", "./dir"])),
        125,
        &["opening missing", "No such file"],
    );
    assert_eq!(names(&alice), ["a.tar", "b.tar"]);
}

#[test]
fn a_grant_that_is_too_small_stops_at_the_first_file_and_squashing_goes_on() {
    let (host, alice) = host();
    for file in ["/etc/subuid", "/etc/subgid"] {
        host.write(file, "alice:100000:20\n");
    }
    archive(&alice, "a.tar", FILES);
    let outcome = host.output(&mut subroot(&alice, &["import", "a.tar", "./dir"]));
    assert_refused_with_fix(
        &outcome,
        &[
            "./home/",
            "user ID 1000 is not mapped",
            "--squash-ids",
            "fix: subroot grants suggest 1000 --count 65536",
        ],
    );
    assert_eq!(names(&alice), ["a.tar"]);
    host.output(&mut subroot(&alice, &["import", "--squash-ids", "a.tar", "./dir"])).ok();
    let owner = |name: &str| fs::metadata(alice.home.join("dir").join(name)).expect("a file").uid();
    assert_eq!((owner("home"), owner("etc/file")), (alice.uid, 100_004));
}

#[test]
fn without_grants_every_file_is_the_callers() {
    let (host, alice) = host();
    for file in ["/etc/subuid", "/etc/subgid"] {
        host.write(file, "");
    }
    archive(&alice, "a.tar", FILES);
    let outcome = host.output(&mut subroot(&alice, &["import", "a.tar", "./dir"]));
    assert!(outcome.stderr.contains("only your own ID is mapped"), "{outcome:?}");
    outcome.ok();
    assert_eq!(fs::metadata(alice.home.join("dir/home")).expect("a directory").uid(), alice.uid);
}

#[test]
fn the_program_that_unpacks_must_be_installed() {
    let host = subroot_tests::Host::new();
    let outcome = host.output(&mut subroot(&host.user("alice"), &["import", "a.tar", "./dir"]));
    assert_refused(&outcome, 125, &["starting subroot-image: it is not installed"]);
}

#[test]
fn nothing_is_inherited_from_the_directory_above() {
    let (host, alice) = host();
    archive(&alice, "a.tar", "mkdir d; echo x >d/f; chmod 644 d/f; tar -cf $0 .");
    let prepare = "mkdir above && chmod 2775 above && setfacl -d -m u:nobody:rwx,o::rwx above";
    if host.output(&mut alice.shell(prepare)).code() != 0 {
        subroot_tests::skip!("no access control lists on this filesystem");
    }
    host.output(&mut subroot(&alice, &["import", "a.tar", "./above/dir"])).ok();
    for (name, mode) in [("above/dir/d/f", 0o644), ("above/dir/d", 0o755)] {
        assert_eq!(fs::metadata(alice.home.join(name)).expect("a file").mode() & 0o7777, mode, "{name}");
    }
}

#[track_caller]
fn assert_refused_with_fix(outcome: &Outcome, words: &[&str]) {
    assert_eq!((outcome.code(), outcome.stderr.lines().count()), (125, 2), "{outcome:?}");
    words.iter().for_each(|word| assert!(outcome.stderr.contains(word), "no {word}: {outcome:?}"));
}
