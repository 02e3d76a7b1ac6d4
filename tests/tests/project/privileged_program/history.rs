//! docs/security-history.md, docs/threat-model.md and docs/peers.md name existing tests.

use std::fs;
use subroot_tests::workspace;

#[test]
fn every_flaw_has_a_test_that_is_there() {
    assert_every_row_has_a_test("docs/security-history.md", 30);
}

#[test]
fn every_feature_has_a_test_that_is_there() {
    assert_every_row_has_a_test("docs/peers.md", 30);
}

#[test]
fn every_place_that_can_be_disturbed_has_a_test_that_is_there() {
    assert_every_row_has_a_test("docs/threat-model.md", 60);
}

#[track_caller]
fn assert_every_row_has_a_test(page: &str, least: usize) {
    let page = fs::read_to_string(workspace(page)).expect("reading the page");
    let is_row = |line: &&str| line.starts_with("| ") && !line.ends_with("| test |");
    let rows: Vec<&str> = page.lines().filter(is_row).collect();
    assert!(rows.len() >= least, "{} rows", rows.len());
    for row in rows {
        let names: Vec<&str> = row.split('`').filter(|word| word.matches("::").count() >= 2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            assert!(is_there(name), "{name}");
        }
    }
}

fn is_there(name: &str) -> bool {
    let (module, test) = name.rsplit_once("::").expect("a module and a test");
    // The tests of the applier are in its own package.
    let tests = if module.starts_with("archives::") { "image/tests" } else { "tests/tests" };
    let file = workspace(tests).join(format!("{}.rs", module.replace("::", "/")));
    fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("#[test]\nfn {test}() {{")))
}
