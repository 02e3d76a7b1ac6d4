//! When newgidmap denies setgroups. CVE-2018-7169: shadow did not.

use crate::conformance::case::case;
use crate::conformance::effect::{Expected, written, written_without_setgroups};
use std::fs;
use subroot_tests::{Host, Kind, Target, User};

fn denied_before(_: &Host, caller: &User) -> Target {
    let target = Target::new(caller);
    fs::write(target.path("setgroups"), "deny").expect("denying setgroups as root");
    target
}

const OWN: &str = "0 1000 1";
const GRANTED: &str = "0 100000 9";
const BOTH: &str = "0 1000 1 1 100000 9";
const BOTH_MAP: &str = "0 1000 1,1 100000 9";

#[test]
fn only_the_callers_own_gid_denies_setgroups() {
    case(OWN).same(written_without_setgroups(OWN));
    case(OWN).with_grants("").same(written_without_setgroups(OWN));
}

#[test]
fn granted_gids_leave_setgroups_alone() {
    case(GRANTED).same(written(GRANTED));
}

#[test]
fn the_callers_own_gid_next_to_granted_ones_leaves_setgroups_alone() {
    case(BOTH).same(written(BOTH_MAP));
    case("1 100000 9 0 1000 1").same(written(BOTH_MAP));
}

#[test]
fn a_granted_own_gid_leaves_setgroups_alone() {
    for grants in ["alice:1000:1\n", "1000:1000:1\n", "bob:5000:1\nalice:1000:1\nalice:100000:9\n"] {
        case(OWN).with_grants(grants).same(written(OWN));
    }
}

#[test]
fn a_grant_of_uids_is_none_of_gids() {
    let without_gids = |words| case(words).with(|host| host.write("/etc/subgid", "bob:100000:9\n"));
    without_gids(OWN).only(Kind::Gid).same(written_without_setgroups(OWN));
    without_gids(GRANTED).only(Kind::Gid).same(Expected::Refused);
    without_gids(BOTH).only(Kind::Gid).same(Expected::Refused);
    without_gids(BOTH).only(Kind::Uid).same(written(BOTH_MAP));
}

#[test]
fn an_existing_deny_stays() {
    for (words, map) in [(OWN, OWN), (GRANTED, GRANTED), (BOTH, BOTH_MAP)] {
        let expected = written_without_setgroups(map);
        case(words).for_target(denied_before).only(Kind::Gid).same(expected);
    }
    let refused = case("0 100000 65537").for_target(denied_before).only(Kind::Gid);
    refused.same(Expected::RefusedWithoutSetgroups);
}

#[test]
fn a_refusal_does_not_deny_setgroups() {
    for words in ["0 1000 2", "0 1000 1 1 1001 1", "0 1000 1 1 165536 1", "0 1000 0", "0 1000", "0 1000 1 x"]
    {
        case(words).same(Expected::Refused);
    }
}

#[test]
fn a_map_that_the_kernel_would_refuse_does_not_deny_setgroups() {
    let overlap = case("0 1002 1 0 1002 1").by(|host| host.user("carol"));
    overlap.differs("refusal-without-effect", Expected::Refused, Expected::RefusedWithoutSetgroups);
}
