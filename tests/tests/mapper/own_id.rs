//! The exception for the caller's own ID, and the rule for setgroups that it requires: CVE-2014-8989,
//! CVE-2018-7169.

use crate::{GRANTED, assert_refused, attempt};
use std::fs;
use subroot_tests::{Host, Maps, Target};

#[test]
fn ones_own_uid_and_gid_need_no_grant_and_deny_setgroups() {
    let host = Host::new();
    let (outcome, maps) = attempt(&host, &host.user("carol"), "--uid-map 0:1002:1 --gid-map 0:1002:1");
    assert_eq!((outcome.code(), maps), (0, Maps::new("0 1002 1", "0 1002 1", "deny")), "{outcome:?}");
}

#[test]
fn the_callers_own_gid_next_to_a_granted_range_leaves_setgroups_alone() {
    let host = Host::new();
    let (outcome, maps) = attempt(&host, &host.user("alice"), "--gid-map 0:1000:1,1:100000:65536");
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!((maps.gid_map.len(), maps.setgroups.as_str()), (2, "allow"));
}

#[test]
fn the_callers_own_gid_leaves_setgroups_alone_if_a_line_grants_it() {
    let host = Host::new();
    host.write("/etc/subgid", "alice:1000:1\n");
    let (outcome, maps) = attempt(&host, &host.user("alice"), "--gid-map 0:1000:1");
    assert_eq!((outcome.code(), maps), (0, Maps::new("", "0 1000 1", "allow")), "{outcome:?}");
}

#[test]
fn an_own_uid_alone_leaves_setgroups_alone() {
    let host = Host::new();
    let (outcome, maps) = attempt(&host, &host.user("carol"), "--uid-map 0:1002:1");
    assert_eq!((outcome.code(), maps), (0, Maps::new("0 1002 1", "", "allow")), "{outcome:?}");
}

#[test]
fn setgroups_is_denied_on_demand_for_a_granted_map() {
    let host = Host::new();
    let (outcome, maps) = attempt(&host, &host.user("alice"), &format!("{GRANTED} --setgroups deny"));
    let expected = Maps::new("0 100000 65536", "0 100000 65536", "deny");
    assert_eq!((outcome.code(), maps), (0, expected), "{outcome:?}");
}

#[test]
fn a_setgroups_that_was_denied_before_stays_denied() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    fs::write(target.path("setgroups"), "deny").expect("denying setgroups as root");
    host.output(&mut alice.maps(&target, GRANTED)).ok();
    assert_eq!(target.maps().setgroups, "deny");
}

#[test]
fn the_exception_is_for_one_id_only() {
    let host = Host::new();
    let line = "uid range [0-2) -> [1002-1004) not allowed: /etc/subuid grants you nothing";
    assert_refused(&host, &host.user("carol"), "--uid-map 0:1002:2", 1, line);
}

#[test]
fn the_exception_does_not_reach_another_users_id() {
    let host = Host::new();
    let line = "uid range [0-1) -> [1000-1001) not allowed: /etc/subuid grants you nothing";
    assert_refused(&host, &host.user("carol"), "--uid-map 0:1000:1", 1, line);
}

#[test]
fn the_own_uid_is_no_gid_and_the_own_gid_no_uid() {
    let host = Host::new();
    host.write("/etc/passwd", "dave:x:1003:2003::/:/bin/sh\n");
    let dave = host.user("dave");
    let line = "uid range [0-1) -> [2003-2004) not allowed: /etc/subuid grants you nothing";
    assert_refused(&host, &dave, "--uid-map 0:2003:1", 1, line);
    let line = "gid range [0-1) -> [1003-1004) not allowed: /etc/subgid grants you nothing";
    assert_refused(&host, &dave, "--gid-map 0:1003:1", 1, line);
    let (outcome, maps) = attempt(&host, &dave, "--uid-map 0:1003:1 --gid-map 0:2003:1");
    assert_eq!((outcome.code(), maps), (0, Maps::new("0 1003 1", "0 2003 1", "deny")), "{outcome:?}");
}

#[test]
fn a_uid_without_an_account_has_its_own_id_and_numeric_lines() {
    let host = Host::new();
    host.write("/etc/subuid", "4711:200000:100\n");
    let (outcome, maps) =
        attempt(&host, &host.uid(4711), "--uid-map 0:4711:1,1:200000:100 --gid-map 0:4711:1");
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!((maps.uid_map.len(), maps.setgroups.as_str()), (2, "deny"));
}

#[test]
fn the_own_id_needs_no_grant_files_at_all() {
    let host = Host::new();
    for path in ["/etc/subuid", "/etc/subgid", "/etc/passwd"] {
        host.remove(path);
    }
    let (outcome, maps) = attempt(&host, &host.uid(1000), "--uid-map 0:1000:1 --gid-map 0:1000:1");
    assert_eq!((outcome.code(), maps), (0, Maps::new("0 1000 1", "0 1000 1", "deny")), "{outcome:?}");
    let line = "uid range [0-1) -> [100000-100001) not allowed: /etc/subuid grants you nothing; \
        your account is not a local one, which takes newidmap-helper-nss";
    assert_refused(&host, &host.uid(1000), "--uid-map 0:100000:1", 1, line);
}
