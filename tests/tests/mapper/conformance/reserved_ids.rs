//! ID 0 of the host, 4294967295 (not a valid ID), and ranges that wrap: in a request and in a grant.

use crate::conformance::case::case;
use crate::conformance::effect::{Expected, written};

#[test]
fn a_request_may_not_hold_the_reserved_id() {
    let asked = |words| case(words).with_grants("alice:4294967200:95\nalice:100000:10\n");
    for words in ["0 4294967290 6", "0 4294967295 1", "4294967295 100000 1", "4294967290 100000 6"] {
        asked(words).same(Expected::Refused);
    }
    for words in ["0 4294967290 5", "0 4294967294 1", "4294967294 100000 1", "4294967290 100000 5"] {
        asked(words).same(written(words));
    }
}

#[test]
fn a_request_that_wraps_is_refused() {
    let asked = |words| case(words).with_grants("alice:4294967200:95\nalice:1:200000\n");
    for words in [
        "0 4294967294 2",
        "0 4294967290 100",
        "4294967290 100000 10",
        "0 100000 4294967295",
        "1 100000 4294967295",
    ] {
        asked(words).same(Expected::Refused);
    }
}

#[test]
fn a_grant_that_holds_the_reserved_id_grants_nothing() {
    for grant in [
        "alice:100000:4294867296",
        "alice:100000:4294967295",
        "alice:100000:8589934592",
        "alice:1:4294967295",
    ] {
        let case = case("0 100000 5").with_grants(grant);
        case.differs("grant-past-the-last-id", Expected::Refused, written("0 100000 5"));
    }
    let last = case("0 4294967294 1").with_grants("alice:4294967294:2\n");
    last.differs("grant-past-the-last-id", Expected::Refused, written("0 4294967294 1"));
}

#[test]
fn a_grant_up_to_the_last_id_counts() {
    case("0 3000000000 5").with_grants("alice:2000000000:2294967295\n").same(written("0 3000000000 5"));
    case("0 4294967294 1").with_grants("alice:4294967294:1\n").same(written("0 4294967294 1"));
}

#[test]
fn a_grant_of_more_than_64_bits_grants_nothing() {
    for grant in ["alice:100000:18446744073709551616", "alice:18446744073709651616:5", "alice:4295067296:5"] {
        case("0 100000 5").with_grants(grant).same(Expected::Refused);
    }
}

#[test]
fn a_grant_that_holds_root_grants_nothing() {
    for (grant, words) in [
        ("alice:0:1", "0 0 1"),
        ("alice:0:10", "0 0 1"),
        ("alice:0:10", "0 5 4"),
        ("alice:0:200000", "0 100000 5"),
    ] {
        let case = case(words).with_grants(grant);
        case.differs("grant-that-holds-root", Expected::Refused, written(words));
    }
}

#[test]
fn a_grant_of_no_ids_is_no_grant_of_all() {
    for words in ["0 100000 5", "0 4000000000 5", "0 0 1"] {
        let case = case(words).with_grants("alice:0:0\n");
        case.differs("grant-of-zero-from-zero", Expected::Refused, written(words));
    }
    case("0 100000 1").with_grants("alice:100000:0\n").same(Expected::Refused);
}
