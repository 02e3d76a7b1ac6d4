//! The files that grants depend on are trusted only if root alone can have written them (property P6).

use crate::{GRANTED, assert_refused, attempt, granted_maps};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use subroot_tests::{Host, is_nested};

const FILES: [&str; 5] =
    ["/etc/passwd", "/etc/nsswitch.conf", "/etc/subroot/mapper.conf", "/etc/subuid", "/etc/subgid"];
const NOT_ROOTS: &str = "not owned by root (it, or a directory on the way)";
const WRITABLE: &str = "writable by group or others (it, or a directory on the way)";

/// Checks that a request is granted, and is refused after `spoil` has changed one of the files.
#[track_caller]
fn assert_refused_once_spoiled(spoil: impl Fn(&str), why: &str) {
    for path in FILES {
        let host = Host::new();
        host.configure_mapper("log = none\n");
        let alice = host.user("alice");
        let (outcome, maps) = attempt(&host, &alice, GRANTED);
        assert_eq!((outcome.code(), maps), (0, granted_maps()), "{outcome:?}");
        spoil(path);
        assert_refused(&host, &alice, GRANTED, 4, &format!("reading {path}: {why}"));
    }
}

fn set_mode(path: &str, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("changing a mode");
}

/// Moves a file away and leaves a symlink to its new path.
fn move_behind_link(path: &str, dir: &str) -> String {
    let place = format!("{dir}/moved");
    fs::create_dir_all(dir).expect("a directory");
    fs::copy(path, &place).expect("a copy of the file");
    fs::remove_file(path).expect("taking the file away");
    symlink(&place, path).expect("a link to the file");
    place
}

#[test]
fn a_file_that_its_group_may_write_is_not_trusted() {
    assert_refused_once_spoiled(|path| set_mode(path, 0o664), &format!("not trusted: {WRITABLE}"));
}

#[test]
fn a_file_that_others_may_write_is_not_trusted() {
    assert_refused_once_spoiled(|path| set_mode(path, 0o646), &format!("not trusted: {WRITABLE}"));
}

#[test]
fn a_file_that_is_not_roots_is_not_trusted() {
    assert_refused_once_spoiled(
        |path| chown(path, Some(1001), None).expect("giving it away"),
        &format!("not trusted: {NOT_ROOTS}"),
    );
}

#[test]
fn a_link_to_a_file_that_its_group_may_write_is_not_trusted() {
    let spoil = |path: &str| set_mode(&move_behind_link(path, "/etc/elsewhere"), 0o664);
    assert_refused_once_spoiled(spoil, &format!("not trusted: {WRITABLE}"));
}

#[test]
fn a_link_to_a_file_that_is_not_roots_is_not_trusted() {
    let spoil = |path: &str| {
        chown(move_behind_link(path, "/etc/elsewhere"), Some(1000), None).expect("giving it away")
    };
    assert_refused_once_spoiled(spoil, &format!("not trusted: {NOT_ROOTS}"));
}

#[test]
fn a_link_through_a_directory_that_others_may_write_is_not_trusted() {
    for mode in [0o775, 0o757] {
        let spoil = |path: &str| {
            move_behind_link(path, "/etc/shared/elsewhere");
            set_mode("/etc/shared", mode);
        };
        assert_refused_once_spoiled(spoil, &format!("not trusted: {WRITABLE}"));
    }
}

/// A sticky bit keeps other users from removing root's entries, but does not protect a file's content.
#[test]
fn a_sticky_file_that_its_group_may_write_is_not_trusted() {
    assert_refused_once_spoiled(|path| set_mode(path, 0o1664), &format!("not trusted: {WRITABLE}"));
    let spoil = |path: &str| set_mode(&move_behind_link(path, "/etc/elsewhere"), 0o1664);
    assert_refused_once_spoiled(spoil, &format!("not trusted: {WRITABLE}"));
}

/// As on NixOS: a symlink of root's, a second symlink after it, and a store in which builders can create
/// entries.
#[test]
fn links_through_a_sticky_directory_of_roots_are_followed() {
    for mode in [0o1775, 0o1777] {
        let host = Host::new();
        host.configure_mapper("log = none\n");
        for path in FILES {
            let place = move_behind_link(path, &format!("/etc/store/x-etc{path}"));
            fs::rename(place, format!("/etc/store/y{}", path.replace('/', "-"))).expect("moving a file");
            symlink(format!("../../../y{}", path.replace('/', "-")), format!("/etc/store/x-etc{path}/moved"))
                .expect("a second link");
        }
        fs::create_dir_all("/etc/store/x-etc/etc/subroot").expect("a directory");
        set_mode("/etc/store", mode);
        let (outcome, maps) = attempt(&host, &host.user("alice"), GRANTED);
        assert_eq!((outcome.code(), maps), (0, granted_maps()), "{outcome:?}");
    }
}

/// Everything that a user can create in a sticky directory of root's: a file, a directory, or a symlink to a
/// file of root's.
#[test]
fn entries_of_others_in_a_sticky_directory_are_not_trusted() {
    let store = |path: &str| {
        let place = move_behind_link(path, "/etc/store/made");
        set_mode("/etc/store", 0o1777);
        place
    };
    let file = |path: &str| chown(store(path), Some(1000), None).expect("giving it away");
    let dir = |path: &str| {
        store(path);
        chown("/etc/store/made", Some(1000), None).expect("giving it away");
    };
    let link = |path: &str| {
        store(path);
        fs::rename("/etc/store/made", "/etc/alternatives/made").expect("moving a directory");
        symlink("/etc/alternatives/made", "/etc/store/made").expect("a link");
        lchown("/etc/store/made", Some(1000), None).expect("giving it away");
    };
    assert_refused_once_spoiled(file, &format!("not trusted: {NOT_ROOTS}"));
    assert_refused_once_spoiled(dir, &format!("not trusted: {NOT_ROOTS}"));
    assert_refused_once_spoiled(link, &format!("not trusted: {NOT_ROOTS}"));
}

#[test]
fn a_link_through_a_users_directory_is_not_trusted() {
    let spoil = |path: &str| drop(move_behind_link(path, "/home/bob/elsewhere"));
    assert_refused_once_spoiled(spoil, &format!("not trusted: {NOT_ROOTS}"));
}

#[test]
fn a_fifo_is_not_trusted_and_not_waited_for() {
    let spoil = |path: &str| {
        fs::remove_file(path).expect("taking the file away");
        mkfifo(path, Mode::from_bits_truncate(0o644)).expect("a fifo");
    };
    assert_refused_once_spoiled(spoil, "not trusted: not a regular file");
}

#[test]
fn a_directory_is_not_trusted() {
    let spoil = |path: &str| {
        fs::remove_file(path).expect("taking the file away");
        fs::create_dir(path).expect("a directory");
    };
    assert_refused_once_spoiled(spoil, "not trusted: not a regular file");
}

#[test]
fn a_link_to_a_directory_or_a_device_is_not_trusted() {
    let link = |place: &'static str| {
        move |path: &str| {
            fs::remove_file(path).expect("taking the file away");
            symlink(place, path).expect("a link");
        }
    };
    assert_refused_once_spoiled(link("/etc/alternatives"), "not trusted: not a regular file");
    // The root of a user namespace does not own the host's /dev either.
    let why = if is_nested() { NOT_ROOTS } else { "not a regular file" };
    assert_refused_once_spoiled(link("/dev/zero"), &format!("not trusted: {why}"));
}

#[test]
fn a_link_that_goes_in_circles_is_an_error() {
    let spoil = |path: &str| {
        fs::remove_file(path).expect("taking the file away");
        symlink(path, path).expect("a link to itself");
    };
    assert_refused_once_spoiled(spoil, "Too many levels of symbolic links");
}

#[test]
fn a_file_that_the_caller_may_not_read_is_an_error() {
    assert_refused_once_spoiled(|path| set_mode(path, 0o600), "Permission denied");
}

#[test]
fn links_among_roots_own_directories_are_followed() {
    let host = Host::new();
    host.configure_mapper("log = none\n");
    for path in FILES {
        move_behind_link(path, &format!("/etc/site{path}"));
    }
    // A second symlink on the way: relative, and going up and down.
    fs::rename("/etc/site", "/etc/site-2").expect("moving a directory");
    symlink("alternatives/.././site-2", "/etc/site").expect("a relative link to a directory");
    let (outcome, maps) = attempt(&host, &host.user("alice"), GRANTED);
    assert_eq!((outcome.code(), maps), (0, granted_maps()), "{outcome:?}");
}

#[test]
fn a_link_to_nothing_is_a_missing_file() {
    let host = Host::new();
    host.remove("/etc/subuid");
    symlink("/etc/nothing", "/etc/subuid").expect("a link to nothing");
    let line = "uid range [0-65536) -> [100000-165536) not allowed: /etc/subuid grants you nothing";
    assert_refused(&host, &host.user("alice"), GRANTED, 1, line);
}

#[test]
fn a_file_that_is_not_needed_is_not_looked_at() {
    let host = Host::new();
    set_mode("/etc/subgid", 0o666);
    let (outcome, maps) = attempt(&host, &host.user("alice"), "--uid-map 0:100000:65536");
    assert_eq!((outcome.code(), maps.uid_map.len()), (0, 1), "{outcome:?}");
}
