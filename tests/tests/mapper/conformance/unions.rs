//! Several lines of one owner are combined.

use crate::conformance::case::{Case, case};
use crate::conformance::effect::{Expected, written};
use std::fmt::Write;

const ALL: &str = "0 300000 30";

fn with(lines: &[&str]) -> Case {
    case(ALL).with_grants(lines.join("\n"))
}

#[test]
fn adjacent_lines_are_one_grant() {
    with(&["alice:300000:10", "alice:300010:20"]).same(written(ALL));
    with(&["alice:300010:20", "alice:300000:10"]).same(written(ALL));
    with(&["alice:300020:10", "bob:300000:30", "alice:300000:10", "# between", "alice:300010:10"])
        .same(written(ALL));
}

#[test]
fn overlapping_lines_are_one_grant() {
    with(&["alice:300000:20", "alice:300010:20"]).same(written(ALL));
    with(&["alice:300005:1", "alice:300000:6", "alice:300004:40"]).same(written(ALL));
    with(&["alice:300000:30", "alice:300000:30"]).same(written(ALL));
    with(&["alice:300000:1", "alice:300000:30"]).same(written(ALL));
}

#[test]
fn names_and_numbers_add_up() {
    with(&["alice:300000:10", "1000:300010:20"]).same(written(ALL));
    with(&["1000:300000:10", "alice:300010:20"]).same(written(ALL));
}

#[test]
fn a_gap_stays_a_gap() {
    with(&["alice:300000:10", "alice:300011:19"]).same(Expected::Refused);
    with(&["alice:300000:10", "bob:300010:1", "alice:300011:19"]).same(Expected::Refused);
    with(&["alice:300001:29"]).same(Expected::Refused);
    with(&["alice:300000:29"]).same(Expected::Refused);
    with(&["alice:300000:15", "bob:300015:15"]).same(Expected::Refused);
}

#[test]
fn two_lines_serve_two_lines_of_a_request() {
    let grants = "alice:300000:10\nalice:400000:10\n";
    case("0 300000 10 10 400000 10").with_grants(grants).same(written("0 300000 10,10 400000 10"));
    case("0 400000 10 10 300000 10").with_grants(grants).same(written("0 400000 10,10 300000 10"));
    case("0 300000 11 11 400000 10").with_grants(grants).same(Expected::Refused);
}

/// One ID for each line.
fn single_ids(count: u32) -> String {
    let mut lines = String::new();
    for n in 0..count {
        writeln!(lines, "alice:{}:1\nbob:{}:1", 300_000 + n, 400_000 + n).expect("writing to memory");
    }
    lines
}

#[test]
fn many_lines_add_up() {
    for count in [30, 340, 341, 1000] {
        let words = format!("0 300000 {count}");
        case(&words).with_grants(single_ids(count)).same(written(&words));
    }
}

#[test]
fn of_an_owners_lines_the_first_four_thousand_and_ninety_six_count() {
    case("0 304095 1").with_grants(single_ids(4096)).same(written("0 304095 1"));
    case("0 300000 30").with_grants(single_ids(4097)).same(written("0 300000 30"));
    let more = case("0 304096 1").with_grants(single_ids(4097));
    more.differs("more-than-4096-lines-of-one-owner", Expected::Refused, written("0 304096 1"));
}

#[test]
fn the_lines_of_others_are_without_number() {
    let mut lines = String::new();
    for n in 0..20_000_u32 {
        writeln!(lines, "user{n}:{}:10", 400_000 + 10 * n).expect("writing to memory");
    }
    case(ALL).with_grants(format!("{lines}alice:300000:30\n")).same(written(ALL));
}
