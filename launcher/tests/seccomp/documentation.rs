//! docs/seccomp.md agrees with the default filter.

use crate::default_filter::each;
use crate::interpreter::{ALLOW, answer};
use std::collections::BTreeSet;
use subroot::seccomp::default_filter::{ABSENT, ALLOWED_PERSONALITY, DENIED};

const PAGE: &str = include_str!("../../../docs/seccomp.md");

/// The cells of the rows whose first cell starts with code.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// The code spans in a cell.
fn in_code(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split('`').skip(1).step_by(2)
}

/// The calls in rows with this verdict in the column for subroot.
fn calls(verdict: &str) -> Vec<&'static str> {
    let rows = rows().filter(|cells| cells.len() == 5 && cells[3] == verdict);
    rows.flat_map(|cells| in_code(cells[0]).collect::<Vec<_>>()).collect()
}

#[test]
fn every_row_has_a_verdict_and_a_reason() {
    for cells in rows().filter(|cells| cells.len() != 3) {
        assert!(cells.len() == 5 && !cells[4].is_empty(), "{cells:?}");
        assert!(["denied", "absent", "allowed", "by argument"].contains(&cells[3]), "{cells:?}");
        for verdict in &cells[1..3] {
            assert!(["denied", "absent", "allowed", "5 values"].contains(verdict), "{cells:?}");
        }
    }
}

#[test]
fn the_denied_and_the_absent_calls_are_those_of_the_tables_in_the_code() {
    for (verdict, names) in [("denied", DENIED), ("absent", ABSENT)] {
        let documented = calls(verdict);
        let unique: BTreeSet<&str> = documented.iter().copied().collect();
        assert_eq!(unique.len(), documented.len(), "a call is in two rows: {documented:?}");
        assert_eq!(unique, names.iter().copied().collect());
    }
}

#[test]
fn the_allowed_calls_are_allowed() {
    let documented = calls("allowed");
    assert!(documented.len() > 50, "{documented:?}");
    for name in documented {
        assert!(each(name).count() > 0, "no architecture has {name}");
        for (program, call) in each(name) {
            assert_eq!(answer(&program, call), ALLOW, "{name}: {call:?}");
        }
    }
}

#[test]
fn the_calls_that_depend_on_an_argument_are_those_with_rules_for_one() {
    let documented: BTreeSet<&str> = calls("by argument").into_iter().collect();
    assert_eq!(documented, ["ioctl", "personality", "socket", "socketpair"].into());
}

#[test]
fn the_bits_of_a_personality_are_those_of_the_code() {
    let bits = rows().filter(|cells| cells.len() == 3).map(|cells| {
        let digits = cells[0].trim_matches('`').trim_start_matches("0x");
        u32::from_str_radix(digits, 16).unwrap()
    });
    assert_eq!(bits.fold(0, |sum, bit| sum | bit), ALLOWED_PERSONALITY);
}
