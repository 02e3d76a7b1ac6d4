//! docs/differences-from-shadow.md and the cases agree.

/// The page's entry for one difference.
struct Difference {
    name: &'static str,
    /// `module::test`.
    tests: Vec<&'static str>,
}

const PAGE: &str = include_str!("../../../../docs/differences-from-shadow.md");
/// The prefixes of a difference's name, and of the names of its tests.
const HEADING: &str = "## ";
const TESTS: &str = "Tests: ";

/// The modules that have cases. If one is missing here, a test below fails when it is the only one with some
/// difference.
const MODULES: [(&str, &str); 18] = [
    ("accounts", include_str!("accounts.rs")),
    ("command_line", include_str!("command_line.rs")),
    ("environment", include_str!("environment.rs")),
    ("grant_files", include_str!("grant_files.rs")),
    ("grant_lines", include_str!("grant_lines.rs")),
    ("groups", include_str!("groups.rs")),
    ("in_turn", include_str!("in_turn.rs")),
    ("live_accounts", include_str!("live_accounts.rs")),
    ("numbers", include_str!("numbers.rs")),
    ("own_id", include_str!("own_id.rs")),
    ("ranges", include_str!("ranges.rs")),
    ("reserved_ids", include_str!("reserved_ids.rs")),
    ("root", include_str!("root.rs")),
    ("setgroups", include_str!("setgroups.rs")),
    ("target_names", include_str!("target_names.rs")),
    ("targets", include_str!("targets.rs")),
    ("unions", include_str!("unions.rs")),
    ("wording", include_str!("wording.rs")),
];

/// True if the page has a heading with this name.
pub(crate) fn is_listed(name: &str) -> bool {
    listed().iter().any(|difference| difference.name == name)
}

fn listed() -> Vec<Difference> {
    let mut differences = Vec::new();
    for line in PAGE.lines() {
        if let Some(name) = line.strip_prefix(HEADING) {
            differences.push(Difference { name, tests: vec![] });
        } else if let (Some(names), Some(last)) = (line.strip_prefix(TESTS), differences.last_mut()) {
            last.tests = names.split(", ").map(|name| name.trim_matches(['`', '.'])).collect();
        }
    }
    differences
}

/// The tests that assert this difference, as `module::test`.
fn asserting(name: &str) -> Vec<String> {
    let asserted = format!("differs(\"{name}\"");
    let mut tests = Vec::new();
    for (module, source) in MODULES {
        let functions = source.split("#[test]\nfn ").skip(1);
        // rustfmt may have split the call over several lines.
        let asserts = |text: &&str| text.split_whitespace().collect::<String>().contains(&asserted);
        tests.extend(
            functions
                .filter(asserts)
                .filter_map(|text| Some(format!("{module}::{}", text.split_once('(')?.0))),
        );
    }
    tests
}

#[test]
fn every_heading_is_asserted_by_the_tests_that_it_names() {
    for Difference { name, tests } in listed() {
        assert!(!tests.is_empty(), "{name}: no line `{TESTS}`");
        assert_eq!(tests, asserting(name), "the tests of {name}");
    }
}

#[test]
fn every_difference_of_a_case_is_a_heading() {
    let names = MODULES.iter().flat_map(|(_, source)| source.split(".differs(").skip(1));
    for text in names {
        let name = text.split('"').nth(1).expect("a name in quotes");
        assert!(is_listed(name), "no heading of docs/differences-from-shadow.md: {name}");
    }
}

#[test]
fn no_difference_is_listed_twice() {
    let mut names: Vec<_> = listed().iter().map(|difference| difference.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}
