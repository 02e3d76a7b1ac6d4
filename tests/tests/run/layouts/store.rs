//! /etc as symlinks into a store, as on NixOS, and settings of the distribution in /usr/etc, as on openSUSE.

use crate::layouts::{fix, told};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::process::Command;
use subroot_tests::sandbox::{FULL_MAP, Sandbox, assert_warned, map_lines};

const MAPS: &str = "cat /proc/self/uid_map /proc/self/gid_map";
const LINKED: [&str; 4] = ["nsswitch.conf", "passwd", "subgid", "subuid"];

/// /etc/NAME is a symlink to /etc/static/NAME, /etc/static one to a directory of the store, and NAME there
/// one to a file of the store.
fn linked_into_store() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir_all("/etc/store/a1-etc/etc").expect("a store");
    for name in LINKED {
        fs::rename(format!("/etc/{name}"), format!("/etc/store/b2-{name}")).expect("moving a file");
        symlink(format!("/etc/store/b2-{name}"), format!("/etc/store/a1-etc/etc/{name}")).expect("a link");
        symlink(format!("/etc/static/{name}"), format!("/etc/{name}")).expect("a link");
    }
    symlink("/etc/store/a1-etc/etc", "/etc/static").expect("a link");
    fs::set_permissions("/etc/store", Permissions::from_mode(0o1775)).expect("changing a mode");
    sandbox
}

#[test]
fn files_that_link_into_a_sticky_store_are_trusted_by_all() {
    let sandbox = linked_into_store();
    let outcome = sandbox.output(&[], MAPS);
    assert_eq!(outcome.stderr, "");
    assert_eq!(map_lines(&outcome.ok()), [FULL_MAP, FULL_MAP].concat());
    assert!(told(&sandbox, "grants lint").ok().starts_with("findings: 0,"));
    told(&sandbox, "idmap explain --uid-map 0:100000:65536").ok();
    assert!(!told(&sandbox, "doctor").stdout.contains("does not trust"));
}

#[test]
fn what_the_mapper_does_not_trust_on_the_way_is_named_with_its_fix() {
    let store = |mode| {
        move || {
            fs::set_permissions("/etc/store", Permissions::from_mode(mode)).expect("changing a mode");
        }
    };
    let link = || lchown("/etc/store/a1-etc/etc/subuid", Some(1001), None).expect("giving it away");
    let file = || lchown("/etc/store/b2-subuid", Some(1001), None).expect("giving it away");
    let cases: [(&str, &str, &dyn Fn()); 4] = [
        ("/etc/store", "writable by group or others", &store(0o775)),
        ("/etc/store", "writable by group or others", &store(0o757)),
        ("/etc/store/a1-etc/etc/subuid", "not owned by root", &link),
        ("/etc/store/b2-subuid", "not owned by root", &file),
    ];
    for (path, why, spoil) in cases {
        let sandbox = linked_into_store();
        spoil();
        let outcome = sandbox.output(&[], MAPS);
        assert_warned(&outcome, &["only your own ID is mapped", "not trusted", path]);
        assert_eq!(map_lines(&outcome.stdout), ["0 1000 1", "0 1000 1"]);
        let (lint, doctor) = (told(&sandbox, "grants lint"), told(&sandbox, "doctor"));
        assert!(lint.stdout.contains(&format!("not-trusted: {path} is {why}")), "{lint:?}");
        assert!(doctor.stdout.contains(&format!("{path} is {why}, so that")), "{doctor:?}");
        let explained = told(&sandbox, "idmap explain --uid-map 0:100000:1");
        assert!(explained.stderr.contains(&format!("{path} is {why}")), "{explained:?}");
        sandbox.host.output(&mut sandbox.host.user("root").shell(fix(&outcome.stderr))).ok();
        assert_eq!(map_lines(&sandbox.output(&[], MAPS).ok()), [FULL_MAP, FULL_MAP].concat(), "{path}");
    }
}

/// On openSUSE, glibc and shadow read the distribution's own files if /etc does not have them.
#[test]
fn the_distributions_own_settings_are_in_usr_etc() {
    let sandbox = Sandbox::new();
    sandbox.host.remove("/etc/nsswitch.conf");
    fs::remove_file("/etc/login.defs").expect("taking a file away");
    let arrange = "
        mkdir -p /mnt/usr/etc /mnt/usr/libexec/subroot && chmod 755 /mnt/usr /mnt/usr/etc &&
        echo 'passwd: compat' >/mnt/usr/etc/nsswitch.conf &&
        printf 'SUB_UID_MIN 500000\\nSUB_GID_MIN 500000\\n' >/mnt/usr/etc/login.defs &&
        mount -t overlay -o lowerdir=/mnt/usr:/usr usr /usr &&
        mount --bind /mnt/mapper /usr/libexec/subroot && mount --bind /mnt/programs /usr/local/bin";
    sandbox.host.output(&mut sandbox.host.user("root").shell(arrange)).ok();
    assert_eq!(map_lines(&sandbox.output(&[], MAPS).ok()), [FULL_MAP, FULL_MAP].concat());
    assert!(told(&sandbox, "grants lint").ok().contains("from 500000 to "));
    assert!(told(&sandbox, "grants suggest carol").ok().starts_with("[500000-565536) is free; as root:"));
    // The administrator's file takes precedence.
    sandbox.host.write("/etc/login.defs", "SUB_UID_MIN 600000\nSUB_GID_MIN 600000\n");
    assert!(told(&sandbox, "grants suggest carol").ok().starts_with("[600000-665536) is free; as root:"));
    let unmounted = Command::new("umount").args(["--lazy", "/usr"]).status().expect("starting umount");
    assert!(unmounted.success());
}
