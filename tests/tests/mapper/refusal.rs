//! A request that exceeds the grants is refused completely: nothing is written, and the message names the
//! grants.

use crate::{GRANTED, assert_refused, attempt, granted_maps};
use subroot_tests::{Host, Maps};

#[test]
fn a_refusal_names_the_range_asked_for_the_ranges_granted_and_the_file() {
    let host = Host::new();
    host.write("/etc/subuid", "alice:100000:65536\nbob:165536:65536\nalice:300000:10\n");
    let line = "uid range [5-15) -> [165530-165540) not allowed: /etc/subuid grants you [100000-165536) [300000-300010)";
    assert_refused(&host, &host.user("alice"), "--uid-map 5:165530:10", 1, line);
}

#[test]
fn a_user_without_a_line_sees_that_nothing_is_granted() {
    let host = Host::new();
    let line = "gid range [0-1) -> [100000-100001) not allowed: /etc/subgid grants you nothing";
    assert_refused(&host, &host.user("carol"), "--gid-map 0:100000:1", 1, line);
}

#[test]
fn many_granted_ranges_are_named_in_part() {
    let host = Host::new();
    let line = |n: u32| format!("alice:{}:1\n", 100_000 + 10 * n);
    host.write("/etc/subuid", (0..9).map(line).collect::<String>());
    let (outcome, _) = attempt(&host, &host.user("alice"), "--uid-map 0:5:1");
    assert!(outcome.stderr.ends_with(" [100070-100071) and more\n"), "{outcome:?}");
}

#[test]
fn a_granted_uid_map_is_not_written_when_the_gid_map_is_refused() {
    let host = Host::new();
    let line = "gid range [0-65536) -> [165536-231072) not allowed: /etc/subgid grants you [100000-165536)";
    let words = "--uid-map 0:100000:65536 --gid-map 0:165536:65536";
    assert_refused(&host, &host.user("alice"), words, 1, line);
}

#[test]
fn a_granted_gid_map_is_not_written_when_the_uid_map_is_refused() {
    let host = Host::new();
    let line = "uid range [0-65536) -> [165536-231072) not allowed: /etc/subuid grants you [100000-165536)";
    let words = "--uid-map 0:165536:65536 --gid-map 0:100000:65536";
    assert_refused(&host, &host.user("alice"), words, 1, line);
}

#[test]
fn one_refused_range_refuses_the_granted_ones_beside_it() {
    let host = Host::new();
    let line = "uid range [9-10) -> [7-8) not allowed: /etc/subuid grants you [100000-165536)";
    assert_refused(&host, &host.user("alice"), "--uid-map 0:1000:1,1:100000:8,9:7:1,10:100010:5", 1, line);
}

#[test]
fn setgroups_is_not_denied_for_a_refused_request() {
    let host = Host::new();
    let line = "gid range [0-1) -> [7-8) not allowed: /etc/subgid grants you [100000-165536)";
    assert_refused(&host, &host.user("alice"), "--gid-map 0:7:1 --setgroups deny", 1, line);
}

#[test]
fn the_same_grants_serve_a_user_and_no_other() {
    let host = Host::new();
    let (outcome, maps) = attempt(&host, &host.user("alice"), GRANTED);
    assert_eq!((outcome.code(), maps), (0, granted_maps()));
    let line = "uid range [0-65536) -> [100000-165536) not allowed: /etc/subuid grants you [165536-231072)";
    assert_refused(&host, &host.user("bob"), GRANTED, 1, line);
}

#[test]
fn root_is_not_exempt() {
    let host = Host::new();
    let line = "uid range [0-1) -> [100000-100001) not allowed: /etc/subuid grants you nothing";
    assert_refused(&host, &host.user("root"), "--uid-map 0:100000:1", 1, line);
    let line = "uid range [0-1) -> [0-1) not allowed: /etc/subuid grants you nothing";
    assert_refused(&host, &host.user("root"), "--uid-map 0:0:1", 1, line);
}

#[test]
fn root_with_its_own_grants_is_served() {
    let host = Host::new();
    host.write("/etc/subuid", "root:200000:10\n");
    let (outcome, maps) = attempt(&host, &host.user("root"), "--uid-map 0:200000:10");
    assert_eq!((outcome.code(), maps), (0, Maps::new("0 200000 10", "", "allow")), "{outcome:?}");
}

#[test]
fn the_hosts_root_is_never_mapped() {
    let host = Host::new();
    host.write("/etc/subuid", "alice:0:65536\nalice:1:5\n");
    host.write("/etc/passwd", "alice:x:1000:1000::/home/alice:/bin/sh\n");
    let line = "uid range [0-1) -> [0-1) not allowed: /etc/subuid grants you [1-6); line 1 grants nothing: the range holds ID 0";
    assert_refused(&host, &host.user("alice"), "--uid-map 0:0:1", 1, line);
}
