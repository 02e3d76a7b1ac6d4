//! The ranges allowed in one request: counts, overlaps, order, and how many.

use crate::conformance::case::{Case, case, words_case};
use crate::conformance::effect::{Expected, written};

#[test]
fn a_count_of_zero_is_refused() {
    for words in ["0 100000 0", "0 0 0", "0 1000 0", "0 100000 1 1 100001 0", "0 100000 0 0 100000 1"] {
        case(words).same(Expected::Refused);
    }
}

#[test]
fn any_part_of_a_grant_may_be_mapped_anywhere() {
    for words in ["0 100000 65536", "0 100000 1", "0 165535 1", "5000 130000 7", "100000 100000 65536"] {
        case(words).same(written(words));
    }
}

#[test]
fn a_range_that_passes_a_grant_by_one_is_refused() {
    for words in ["0 99999 1", "0 99999 2", "0 100000 65537", "0 165535 2", "0 165536 1", "0 0 1", "0 1 1"] {
        case(words).same(Expected::Refused);
    }
}

#[test]
fn one_line_that_is_not_granted_refuses_all() {
    for words in ["0 100000 1 1 165536 1", "0 165536 1 1 100000 1", "0 1000 1 1 100000 1 2 1001 1"] {
        case(words).same(Expected::Refused);
    }
}

#[test]
fn lines_that_overlap_inside_are_refused() {
    for words in
        ["0 100000 5 4 100010 5", "4 100010 5 0 100000 5", "0 100000 9 3 100010 2", "0 100000 1 0 100001 1"]
    {
        case(words).same(Expected::Refused);
    }
}

#[test]
fn lines_that_overlap_outside_are_refused() {
    for words in
        ["0 100000 5 9 100004 5", "9 100004 5 0 100000 5", "0 100000 9 20 100003 2", "0 100000 1 1 100000 1"]
    {
        case(words).same(Expected::Refused);
    }
}

#[test]
fn the_same_line_twice_is_refused() {
    case("0 100000 5 0 100000 5").same(Expected::Refused);
}

#[test]
fn lines_may_come_in_any_order() {
    let map = "0 100000 5,10 100010 5,20 100005 5";
    for words in [
        "0 100000 5 10 100010 5 20 100005 5",
        "20 100005 5 10 100010 5 0 100000 5",
        "10 100010 5 0 100000 5 20 100005 5",
    ] {
        case(words).same(written(map));
    }
}

#[test]
fn adjacent_lines_are_one_map_however_they_are_written() {
    for words in
        ["0 100000 10", "0 100000 5 5 100005 5", "5 100005 5 0 100000 5", "0 100000 1 1 100001 8 9 100009 1"]
    {
        case(words).same(written("0 100000 10"));
    }
}

#[test]
fn lines_that_are_adjacent_on_one_side_only_stay_two() {
    for (words, map) in [
        ("0 100000 5 5 100010 5", "0 100000 5,5 100010 5"),
        ("0 100000 5 10 100005 5", "0 100000 5,10 100005 5"),
        ("0 100005 5 5 100000 5", "0 100005 5,5 100000 5"),
    ] {
        case(words).same(written(map));
    }
}

/// This many lines of one ID, with short numbers because the kernel accepts less than one page of text.
fn many(count: u32, outside: impl Fn(u32) -> u32) -> (Case, String) {
    let lines: Vec<String> = (0..count).map(|n| format!("{n} {} 1", outside(n))).collect();
    (case(&lines.join(" ")).with_grants("alice:10000:10000\n"), lines.join(","))
}

#[test]
fn three_hundred_and_forty_lines_are_what_the_kernel_takes() {
    for count in [6, 339, 340] {
        let (case, map) = many(count, |n| 10_000 + 2 * n);
        case.same(written(&map));
    }
    for count in [341, 400, 5000] {
        let (case, _) = many(count, |n| 10_000 + 2 * (n % 5000));
        case.same(Expected::Refused);
    }
}

#[test]
fn more_lines_that_join_are_few() {
    for count in [341, 4096] {
        let (case, _) = many(count, |n| 10_000 + n);
        case.differs("lines-are-joined", written(&format!("0 10000 {count}")), Expected::Refused);
    }
    let (case, _) = many(4097, |n| 10_000 + n);
    case.same(Expected::Refused);
}

#[test]
fn a_page_of_text_is_too_much() {
    let lines = |count: u32| {
        let line = |n: u32| format!("{} {} 1", 1_000_000_000 + 2 * n, 100_000 + 2 * n);
        (0..count).map(line).collect::<Vec<_>>()
    };
    // 20 bytes each.
    case(&lines(204).join(" ")).same(written(&lines(204).join(",")));
    case(&lines(205).join(" ")).same(Expected::Refused);
    case(&lines(340).join(" ")).same(Expected::Refused);
}

#[test]
fn a_line_takes_three_words() {
    for words in ["0", "0 100000", "0 100000 1 1", "0 100000 1 1 100001"] {
        case(words).same(Expected::Refused);
    }
    words_case(["0", "100000", "1", ""]).same(Expected::Refused);
    words_case(["0 100000 1"]).same(Expected::Refused);
}

#[test]
fn no_line_at_all_is_refused() {
    case("").differs("refusal-without-effect", Expected::Refused, Expected::RefusedWithoutSetgroups);
}
