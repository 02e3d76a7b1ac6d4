//! The grant files themselves: missing, not regular, writable by others, behind symlinks; and what replaces
//! them.

use crate::conformance::case::{Case, case, grant_file};
use crate::conformance::effect::{Expected, written, written_without_setgroups};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use subroot_tests::{Host, Kind};

const GRANTED: &str = "0 100000 9";
const OWN: &str = "0 1000 1";
const GRANT_FILES: [&str; 2] = ["/etc/subuid", "/etc/subgid"];

/// A request after a change to both grant files.
fn spoiled(words: &str, spoil: impl Fn(&Host, &str) + 'static) -> Case {
    case(words).with(move |host| GRANT_FILES.iter().for_each(|path| spoil(host, path)))
}

fn set_mode(path: &str, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("changing a mode");
}

/// Moves a file away and leaves a symlink to its new path.
fn move_behind_link(path: &str, place: &str) {
    fs::copy(path, place).expect("a copy of the file");
    fs::remove_file(path).expect("taking the file away");
    symlink(place, path).expect("a link to the file");
}

#[test]
fn a_missing_file_grants_nothing() {
    spoiled(GRANTED, Host::remove).same(Expected::Refused);
}

#[test]
fn a_missing_file_leaves_the_own_id() {
    let own = spoiled(OWN, Host::remove);
    own.differs("missing-grant-file", written_without_setgroups(OWN), Expected::Refused);
}

#[test]
fn the_file_of_the_other_kind_is_not_needed() {
    for (kind, other) in [(Kind::Uid, Kind::Gid), (Kind::Gid, Kind::Uid)] {
        let without = case(GRANTED).only(kind).with(move |host| host.remove(grant_file(other)));
        without.same(written(GRANTED));
        let untrusted = case(GRANTED).only(kind).with(move |_| set_mode(grant_file(other), 0o666));
        untrusted.same(written(GRANTED));
    }
}

#[test]
fn a_file_that_others_may_write_is_not_trusted() {
    for mode in [0o664, 0o646, 0o666, 0o622] {
        let writable = spoiled(GRANTED, move |_, path| set_mode(path, mode));
        writable.differs("file-that-others-may-write", Expected::Refused, written(GRANTED));
    }
    let owned = spoiled(GRANTED, |_, path| chown(path, Some(1000), None).expect("giving it away"));
    owned.differs("file-that-others-may-write", Expected::Refused, written(GRANTED));
}

#[test]
fn passwd_and_nsswitch_are_held_to_the_same() {
    for path in ["/etc/passwd", "/etc/nsswitch.conf"] {
        let writable = case(GRANTED).with(move |_| set_mode(path, 0o666));
        writable.differs("file-that-others-may-write", Expected::Refused, written(GRANTED));
    }
}

#[test]
fn a_mode_that_lets_nobody_else_write_is_fine() {
    for mode in [0o644, 0o444, 0o604, 0o755] {
        spoiled(GRANTED, move |_, path| set_mode(path, mode)).same(written(GRANTED));
    }
    spoiled(GRANTED, |_, path| chown(path, None, Some(1000)).expect("changing the group"))
        .same(written(GRANTED));
}

#[test]
fn a_file_that_the_caller_may_not_read_is_not_read_for_him() {
    for mode in [0o600, 0o400, 0o000] {
        let closed = spoiled(GRANTED, move |_, path| set_mode(path, mode));
        closed.differs("file-the-caller-may-not-read", Expected::Refused, written(GRANTED));
    }
}

fn put_fifo(_: &Host, path: &str) {
    fs::remove_file(path).expect("taking the file away");
    mkfifo(path, Mode::from_bits_truncate(0o644)).expect("a fifo");
}

fn put_dir(_: &Host, path: &str) {
    fs::remove_file(path).expect("taking the file away");
    fs::create_dir(path).expect("a directory");
}

#[test]
fn what_is_not_a_regular_file_grants_nothing() {
    spoiled(GRANTED, put_fifo).same(Expected::Refused);
    spoiled(GRANTED, put_dir).same(Expected::Refused);
    spoiled(OWN, put_dir).same(Expected::Refused);
}

#[test]
fn a_fifo_in_the_place_of_a_file_refuses_the_own_id() {
    let own = spoiled(OWN, put_fifo);
    own.differs("file-that-is-not-regular", Expected::Refused, written_without_setgroups(OWN));
}

#[test]
fn a_link_within_etc_is_followed() {
    let within = |_: &Host, path: &str| move_behind_link(path, &format!("{path}.real"));
    spoiled(GRANTED, within).differs("symlinked-grant-file", written(GRANTED), Expected::Refused);
    let own = spoiled(OWN, within);
    own.differs("symlinked-grant-file", written_without_setgroups(OWN), Expected::Refused);
}

#[test]
fn a_link_to_a_trusted_file_elsewhere_is_followed() {
    let out_of_etc = |_: &Host, path: &str| move_behind_link(path, &path.replace("/etc/", "/root/"));
    let open = |_: &Host| set_mode("/root", 0o755);
    let elsewhere = spoiled(GRANTED, out_of_etc).with(open);
    elsewhere.differs("symlinked-grant-file", written(GRANTED), Expected::Refused);
    let in_sticky = |_: &Host, path: &str| move_behind_link(path, &path.replace("/etc/", "/tmp/"));
    spoiled(GRANTED, in_sticky).differs("symlinked-grant-file", written(GRANTED), Expected::Refused);
}

#[test]
fn a_link_to_what_is_not_trusted_is_refused() {
    let to_shared = |_: &Host, path: &str| {
        fs::create_dir_all("/etc/shared").expect("a directory");
        move_behind_link(path, &path.replace("/etc/", "/etc/shared/"));
        set_mode("/etc/shared", 0o777);
    };
    let to_a_home = |_: &Host, path: &str| move_behind_link(path, &path.replace("/etc/", "/home/bob/"));
    let to_writable = |_: &Host, path: &str| {
        move_behind_link(path, &format!("{path}.real"));
        set_mode(&format!("{path}.real"), 0o666);
    };
    let circle = |_: &Host, path: &str| {
        fs::remove_file(path).expect("taking the file away");
        symlink(path, path).expect("a link to itself");
    };
    for words in [GRANTED, OWN] {
        spoiled(words, to_shared).same(Expected::Refused);
        spoiled(words, to_a_home).same(Expected::Refused);
        spoiled(words, to_writable).same(Expected::Refused);
        spoiled(words, circle).same(Expected::Refused);
    }
}

#[test]
fn a_link_to_nothing_is_a_missing_file() {
    let dangling = |_: &Host, path: &str| {
        fs::remove_file(path).expect("taking the file away");
        symlink("/etc/nothing", path).expect("a link to nothing");
    };
    spoiled(GRANTED, dangling).same(Expected::Refused);
    let own = spoiled(OWN, dangling);
    own.differs("missing-grant-file", written_without_setgroups(OWN), Expected::Refused);
}

#[test]
fn an_editors_lock_does_not_delay_a_mapping() {
    let locked = |host: &Host, path: &str| {
        host.write(&format!("{path}.lock"), "1\n");
        host.write("/etc/.pwd.lock", "");
    };
    spoiled(GRANTED, locked).same(written(GRANTED));
}

const LONG_NAME: &str = "subid: a-plugin-with-a-name-of-more-than-fifty-characters-in-all";

fn with_nsswitch(words: &str, line: &'static str) -> Case {
    case(words)
        .with(move |host| host.write("/etc/nsswitch.conf", format!("passwd: files\ngroup: files\n{line}\n")))
}

#[test]
fn files_keep_the_grants_where_nothing_else_is_said() {
    for line in [
        "",
        "subid: files",
        "subid:files",
        "#subid: sss",
        "subid:",
        "# subid: none",
        "sub: sss",
        "subid: # sss",
    ] {
        with_nsswitch(GRANTED, line).same(written(GRANTED));
    }
    case(GRANTED).with(|host| host.remove("/etc/nsswitch.conf")).same(written(GRANTED));
}

#[test]
fn a_plugin_that_cannot_be_asked_is_not_replaced_by_the_files() {
    for line in ["subid: nosuch", "subid:\tnosuch", "subid: nosuch files", "SUBID: nosuch", LONG_NAME] {
        let plugin = with_nsswitch(GRANTED, line);
        plugin.differs("plugin-that-cannot-be-asked", Expected::Refused, written(GRANTED));
    }
    with_nsswitch(OWN, "subid: nosuch").same(written_without_setgroups(OWN));
}
