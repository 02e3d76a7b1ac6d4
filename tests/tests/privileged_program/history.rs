//! docs/security-history.md and docs/peers.md name tests that are there.

use std::fs;
use subroot_tests::workspace;

#[test]
fn every_flaw_has_a_test_that_is_there() {
    every_row_has_a_test("docs/security-history.md", 10);
}

#[test]
fn every_feature_has_a_test_that_is_there() {
    every_row_has_a_test("docs/peers.md", 30);
}

#[track_caller]
fn every_row_has_a_test(page: &str, least: usize) {
    let page = fs::read_to_string(workspace(page)).expect("reading the page");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= least, "{} rows", rows.len());
    for row in rows {
        let names: Vec<&str> = row.split('`').filter(|word| word.matches("::").count() == 2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            assert!(is_there(name), "{name}");
        }
    }
}

fn is_there(name: &str) -> bool {
    let parts: Vec<&str> = name.split("::").collect();
    let file = workspace("tests/tests").join(parts[0]).join(format!("{}.rs", parts[1]));
    fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("#[test]\nfn {}() {{", parts[2])))
}
