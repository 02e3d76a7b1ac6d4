//! What authorisation grants and refuses, case by case: the caller's own ID, the host's ID 0, and when
//! setgroups is denied.
#![allow(clippy::unwrap_used)]

use subroot_idmap::{Account, Caller, Granted, IdKind, MapLine, RequestedMap, authorize};

const UID: u32 = 1000;
const GID: u32 = 100;

/// Asks as an account with these IDs and with grants of the form `start:count`. Returns `backed_by_grants`.
fn ask_as(ids: (u32, u32), kind: IdKind, grants: &[&str], map: &str) -> Result<bool, MapLine> {
    let mut caller = Caller::new(ids.0, ids.1);
    caller.add_account(&Account { name: b"alice", uid: Some(ids.0), gid: Some(ids.1), is_whole: true });
    let mut granted = Granted::NONE;
    for grant in grants {
        granted.add_line(&caller, 1, format!("alice:{grant}").as_bytes());
    }
    let mut requested = RequestedMap::EMPTY;
    requested.push_text(map.as_bytes()).unwrap();
    authorize(kind, &requested, &caller, &granted).map(|map| map.backed_by_grants())
}

fn ask(kind: IdKind, grants: &[&str], map: &str) -> Result<bool, MapLine> {
    ask_as((UID, GID), kind, grants, map)
}

fn not_granted(inside: u32, first: u32, count: u32) -> Result<bool, MapLine> {
    Err(MapLine { inside, outside: first, count })
}

#[test]
fn the_callers_own_id_needs_no_grant_and_uses_none() {
    assert_eq!(ask(IdKind::Uid, &[], "0:1000:1"), Ok(false));
    assert_eq!(ask(IdKind::Gid, &[], "0:100:1"), Ok(false));
    assert_eq!(ask(IdKind::Uid, &["100000:65536"], "4711:1000:1"), Ok(false));
}

#[test]
fn the_callers_own_id_is_that_of_the_maps_kind() {
    assert_eq!(ask(IdKind::Uid, &[], "0:100:1"), not_granted(0, 100, 1));
    assert_eq!(ask(IdKind::Gid, &[], "0:1000:1"), not_granted(0, 1000, 1));
}

#[test]
fn the_callers_own_id_does_not_include_its_neighbours() {
    for (map, first) in [("0:1000:2", 1000), ("0:999:2", 999)] {
        assert_eq!(ask(IdKind::Uid, &[], map), not_granted(0, first, 2));
    }
    assert_eq!(ask(IdKind::Uid, &["1001:10"], "0:1000:2"), not_granted(0, 1000, 2));
}

#[test]
fn the_callers_own_id_and_granted_neighbours_may_be_separate_lines() {
    assert_eq!(ask(IdKind::Uid, &["1001:10"], "0:1000:1,1:1001:10"), Ok(true));
}

#[test]
fn the_hosts_id_0_is_never_granted_not_even_to_root() {
    for kind in IdKind::BOTH {
        assert_eq!(ask_as((0, 0), kind, &[], "0:0:1"), not_granted(0, 0, 1));
        assert_eq!(ask_as((0, 0), kind, &["0:65536", "1:65535"], "0:0:2"), not_granted(0, 0, 2));
    }
    assert_eq!(ask(IdKind::Uid, &["0:1", "0:65536"], "0:0:1"), not_granted(0, 0, 1));
}

#[test]
fn an_account_whose_group_is_0_may_not_map_it() {
    assert_eq!(ask_as((1000, 0), IdKind::Gid, &[], "0:0:1"), not_granted(0, 0, 1));
    assert_eq!(ask_as((1000, 0), IdKind::Uid, &[], "0:1000:1"), Ok(false));
}

#[test]
fn root_is_not_exempt() {
    assert_eq!(ask_as((0, 0), IdKind::Uid, &[], "0:100000:1"), not_granted(0, 100_000, 1));
}

#[test]
fn a_map_uses_a_grant_when_any_line_is_backed_by_one() {
    let grants = ["100000:65536"];
    assert_eq!(ask(IdKind::Gid, &grants, "0:100000:65536"), Ok(true));
    assert_eq!(ask(IdKind::Gid, &grants, "0:100:1,1:100000:65536"), Ok(true));
    assert_eq!(ask(IdKind::Gid, &grants, "0:100000:10,10:100:1"), Ok(true));
    assert_eq!(ask(IdKind::Gid, &["100:1"], "0:100:1"), Ok(true));
}

#[test]
fn one_line_that_is_not_granted_refuses_the_whole_map_and_is_named() {
    let grants = ["100000:10"];
    assert_eq!(ask(IdKind::Gid, &grants, "0:100:1,1:100000:10,11:44:1"), not_granted(11, 44, 1));
    assert_eq!(ask(IdKind::Gid, &grants, "7:45:1,1:44:1"), not_granted(1, 44, 1));
}

#[test]
fn adjacent_or_overlapping_grants_join_and_grants_with_a_gap_do_not() {
    assert_eq!(ask(IdKind::Uid, &["20:10", "10:10"], "0:10:20"), Ok(true));
    assert_eq!(ask(IdKind::Uid, &["10:10", "15:20", "12:2"], "0:10:25"), Ok(true));
    assert_eq!(ask(IdKind::Uid, &["10:10", "21:10"], "0:10:20"), not_granted(0, 10, 20));
    assert_eq!(ask(IdKind::Uid, &["10:10"], "0:9:2"), not_granted(0, 9, 2));
    assert_eq!(ask(IdKind::Uid, &["10:10"], "0:19:2"), not_granted(0, 19, 2));
}

/// In a nested user namespace, every ID without a mapping looks like this one, including other users'.
#[test]
fn the_overflow_id_is_never_the_callers_own() {
    let nobody = (65534, 65534);
    for kind in IdKind::BOTH {
        assert_eq!(ask_as(nobody, kind, &[], "0:65534:1"), not_granted(0, 65534, 1));
        assert_eq!(ask_as(nobody, kind, &["65534:1"], "0:65534:1"), Ok(true));
    }
}
