//! Each package says what it is in one line.

use crate::documents::read;

/// The widest line that a package manager prints whole.
const COLUMNS: usize = 80;

#[test]
fn each_synopsis_is_one_line() {
    let crates = ["launcher", "newidmap-helper", "newidmap-helper/nss", "idmap"]
        .map(|dir| format!("{dir}/Cargo.toml"));
    for path in crates {
        assert_is_one_line(&read(&path), "description = \"");
    }
    let spec = read("packaging/rpm/subroot.spec");
    for (at, _) in spec.match_indices("Summary:        ") {
        assert_is_one_line(&spec[at..], "Summary:        ");
    }
}

/// The text after the mark fits into a line after dpkg's `Description: `.
#[track_caller]
fn assert_is_one_line(text: &str, mark: &str) {
    let line = text.lines().find_map(|line| line.strip_prefix(mark)).expect("a synopsis");
    let synopsis = line.trim_end_matches('"');
    assert!("Description: ".len() + synopsis.len() < COLUMNS, "{synopsis}");
}
