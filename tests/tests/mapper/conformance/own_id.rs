//! The exception for the caller's own ID: count 1, and the caller's own uid in a uid map or own gid in a gid
//! map.

use crate::conformance::case::case;
use crate::conformance::effect::{Expected, written, written_without_setgroups};
use subroot_tests::Kind;

#[test]
fn the_own_id_needs_no_grant() {
    for words in ["0 1002 1", "1002 1002 1", "4294967294 1002 1"] {
        case(words).by(|host| host.user("carol")).same(written_without_setgroups(words));
    }
}

#[test]
fn the_exception_is_for_one_id() {
    for words in ["0 1002 2", "0 1001 2", "0 1001 3", "0 1002 65536", "0 1002 4294960000", "0 1002 0"] {
        case(words).by(|host| host.user("carol")).same(Expected::Refused);
    }
}

#[test]
fn the_exception_does_not_reach_another_id() {
    for words in ["0 1000 1", "0 1001 1", "0 1003 1", "0 0 1", "0 65534 1"] {
        case(words).by(|host| host.user("carol")).same(Expected::Refused);
    }
}

#[test]
fn the_own_id_stands_beside_granted_ones() {
    for (words, map) in [
        ("0 1000 1 1 100000 65536", "0 1000 1,1 100000 65536"),
        ("1 100000 65536 0 1000 1", "0 1000 1,1 100000 65536"),
        ("0 100000 1000 1000 1000 1 1001 101000 64536", "0 100000 1000,1000 1000 1,1001 101000 64536"),
    ] {
        case(words).same(written(map));
    }
}

#[test]
fn the_own_id_does_not_join_a_grant_beside_it() {
    for grant in ["alice:1001:1\n", "alice:999:1\n", "alice:1001:1\nalice:999:1\n"] {
        for words in ["0 1000 2", "0 999 2", "0 999 3"] {
            case(words).with_grants(grant).same(Expected::Refused);
        }
    }
    case("0 1000 1 1 1500 1").with_grants("alice:1500:1\n").same(written("0 1000 1,1 1500 1"));
}

#[test]
fn the_own_id_twice_is_refused() {
    let twice = case("0 1000 1 1 1000 1");
    twice.differs("refusal-without-effect", Expected::Refused, Expected::RefusedWithoutSetgroups);
}

#[test]
fn the_own_uid_is_no_gid_and_the_own_gid_no_uid() {
    let dave = |words, kind| {
        case(words).with_accounts("dave:x:1003:2003::/:/bin/sh\n").by(|host| host.user("dave")).only(kind)
    };
    dave("0 1003 1", Kind::Uid).same(written("0 1003 1"));
    dave("0 2003 1", Kind::Gid).same(written_without_setgroups("0 2003 1"));
    dave("0 2003 1", Kind::Uid).same(Expected::Refused);
    dave("0 1003 1", Kind::Gid).same(Expected::Refused);
}

#[test]
fn the_grants_of_others_are_not_ones_own() {
    for words in ["0 165536 1", "0 165536 65536", "0 100000 65537"] {
        case(words).same(Expected::Refused);
    }
    case("0 100000 1").by(|host| host.user("bob")).same(Expected::Refused);
    case("0 100000 1").by(|host| host.user("carol")).same(Expected::Refused);
}

#[test]
fn the_id_that_stands_for_any_other_is_nobodys_own() {
    let nobody = case("0 65534 1").by(|host| host.user("nobody"));
    nobody.differs("own-id-of-nobody", Expected::Refused, written_without_setgroups("0 65534 1"));
    let granted = case("0 100000 9").by(|host| host.user("nobody")).with_grants("nobody:100000:9\n");
    granted.same(written("0 100000 9"));
}
