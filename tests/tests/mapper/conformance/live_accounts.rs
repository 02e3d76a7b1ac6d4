//! A line of more than one ID that contains the ID of a local account.

use crate::conformance::case::case;
use crate::conformance::effect::{Expected, written};
use subroot_tests::Kind;

#[test]
fn a_line_over_an_account_grants_nothing() {
    for (grant, words) in [
        ("alice:1000:100\n", "0 1050 1"),
        ("alice:1001:2\n", "0 1001 2"),
        ("alice:999:2\n", "0 999 1"),
        ("alice:1:200000\n", "0 100000 5"),
        ("alice:1001:2\nalice:1050:1\n", "0 1001 1"),
    ] {
        let over = case(words).with_grants(grant);
        over.differs("range-over-a-live-account", Expected::Refused, written(words));
    }
}

#[test]
fn an_account_made_later_voids_the_line() {
    for late in ["late:x:165535:165535::/:/bin/sh\n", "late:x:100000:100000::/:/bin/sh\n"] {
        let over = case("0 100001 5").with_accounts(late);
        over.differs("range-over-a-live-account", Expected::Refused, written("0 100001 5"));
    }
}

#[test]
fn a_line_beside_an_account_counts() {
    for beside in ["late:x:165536:165536::/:/bin/sh\n", "late:x:99999:99999::/:/bin/sh\n"] {
        case("0 100000 65536").with_accounts(beside).same(written("0 100000 65536"));
    }
}

#[test]
fn a_line_of_one_id_is_meant() {
    for (grants, words) in [
        ("alice:1001:1\n", "0 1001 1"),
        ("alice:1001:1\nalice:100000:9\n", "0 1001 1 1 100000 9"),
        ("alice:1001:1\nalice:1002:1\n", "0 1001 2"),
    ] {
        let map = words.replace(" 1 1 ", " 1,1 ");
        case(words).with_grants(grants).same(written(&map));
    }
}

#[test]
fn the_other_lines_still_count() {
    case("0 300000 9").with_grants("alice:1000:100\nalice:300000:9\n").same(written("0 300000 9"));
}

#[test]
fn uids_are_alive_in_both_files_and_primary_gids_in_subgid() {
    let beside = |kind| case("0 300000 9").with_grants("alice:300000:100\n").only(kind);
    let uid_within = "late:x:300050:65534::/:/bin/sh\n";
    let gid_within = "late:x:65533:300050::/:/bin/sh\n";
    for (kind, account) in [(Kind::Uid, uid_within), (Kind::Gid, uid_within), (Kind::Gid, gid_within)] {
        let over = beside(kind).with_accounts(account);
        over.differs("range-over-a-live-account", Expected::Refused, written("0 300000 9"));
    }
    beside(Kind::Uid).with_accounts(gid_within).same(written("0 300000 9"));
}

#[test]
fn a_group_without_an_account_is_not_alive() {
    let group =
        case("0 100000 9").with(|host| host.write("/etc/group", "alice:x:1000:\nusers:x:100100:alice\n"));
    group.same(written("0 100000 9"));
}
