//! Every cause about grants, settings and the mapper has a host in the table. A new cause needs a new host.

use crate::grants_truth::{hosts, sandbox_of};
use std::collections::BTreeSet;
use subroot_tests::is_nested;

/// The page that lists all causes, with their keys in the last column.
const PAGE: &str = include_str!("../../../../docs/guide/troubleshooting.md");

/// Causes that need more than files, such as a user namespace, a name service or options, or that only a
/// launch prints. Other tests cover them.
const ELSEWHERE: [&str; 12] = [
    "too-many-ranges",
    "too-many-ranges-here",
    "ids-not-here",
    "few-ids-here",
    "not-full",
    "hidden-file",
    "no-plugin-mapper",
    "directory-account",
    "not-a-mapper",
    "no-helper",
    "mapper-forbidden",
    "no-mapper",
];
/// The first cause in the page's list that is about launches instead of grants.
const FIRST_OF_LAUNCHES: &str = "mapper-nosuid";

fn keys_of_page() -> BTreeSet<&'static str> {
    let rows = PAGE.lines().skip_while(|line| !line.ends_with("| `key` in JSON |")).skip(2);
    let keys = rows.take_while(|line| line.starts_with('|')).filter_map(|row| row.split('|').nth_back(1));
    keys.map(str::trim).take_while(|key| *key != FIRST_OF_LAUNCHES).collect()
}

#[test]
fn each_cause_about_grants_has_a_host() {
    let mut wanted = keys_of_page();
    assert!(wanted.len() > 20, "{wanted:?}");
    for key in ELSEWHERE {
        assert!(wanted.remove(key), "{key} is not on the page");
    }
    if is_nested() {
        // The table has no such host in a user namespace.
        wanted.remove("mapper-of-a-container");
    }
    let all = [hosts::files(), hosts::names(), hosts::contents(), hosts::settings()];
    let reports: Vec<String> =
        all.iter().flatten().map(|case| sandbox_of(case).says(&["doctor", "--json"]).stdout).collect();
    wanted.retain(|key| !reports.iter().any(|report| report.contains(&format!("\"key\":\"{key}\""))));
    assert!(wanted.is_empty(), "without a host in grants_truth/hosts.rs: {wanted:?}");
}
