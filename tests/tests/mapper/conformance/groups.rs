//! Callers and targets with a different group than the account's in passwd.

use crate::conformance::case::case;
use crate::conformance::effect::{Expected, written, written_without_setgroups};
use subroot_tests::{Host, Kind, Target, User};

/// alice after newgrp(1).
fn alice_in_another_group(host: &Host) -> User {
    User { gid: 1001, ..host.user("alice") }
}

#[test]
fn a_caller_may_have_changed_his_group() {
    let asked = case("0 100000 9").by(alice_in_another_group);
    asked.differs("caller-in-another-group", written("0 100000 9"), Expected::Refused);
}

#[test]
fn the_own_gid_is_the_current_one() {
    let asked = |words| case(words).by(alice_in_another_group).only(Kind::Gid);
    let written = written_without_setgroups("0 1001 1");
    asked("0 1001 1").differs("caller-in-another-group", written, Expected::Refused);
    asked("0 1000 1").same(Expected::Refused);
}

#[test]
fn a_target_may_be_in_another_group() {
    let in_another_group = |host: &Host, _: &User| Target::new(&alice_in_another_group(host));
    let asked = case("0 100000 9").for_target(in_another_group);
    asked.differs("target-in-another-group", written("0 100000 9"), Expected::Refused);
}

#[test]
fn grant_aux_group_subids_changes_nothing() {
    let asked = case("0 100000 9").by(alice_in_another_group);
    let asked = asked.with(|host| host.write("/etc/login.defs", "GRANT_AUX_GROUP_SUBIDS yes\n"));
    asked.same(written("0 100000 9"));
}

#[test]
fn supplementary_groups_grant_nothing() {
    let member = case("0 1001 1").with(|host| host.write("/etc/group", "alice:x:1000:\nbob:x:1001:alice\n"));
    member.same(Expected::Refused);
    for owner in ["%bob", "@bob", "bob,alice"] {
        case("0 100000 9").with_grants(format!("{owner}:100000:9\n")).same(Expected::Refused);
    }
}
