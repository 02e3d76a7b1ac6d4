//! A test that cannot run here says so and is counted; it fails if every test must run.

use std::env;
use std::io::{self, Write};

/// The tests that may be skipped even in CI: a name and a reason on each line.
const ALLOWED: &str = include_str!("../allowed-skips");

/// Ends the test without running it: `skip!("needs openat2")`.
#[macro_export]
macro_rules! skip {
    ($($why:tt)+) => {{
        fn here() {}
        $crate::skipped(::std::any::type_name_of_val(&here), &format!($($why)+));
        return;
    }};
}

/// Counts a skipped test. In CI, fails it unless it is on the list. `place` is the path of an item in the
/// test.
///
/// # Panics
/// If `CI=true` and tests/allowed-skips does not name the test.
pub fn skipped(place: &str, why: &str) {
    let test = place.strip_suffix("::here").unwrap_or(place);
    let in_ci = env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!in_ci || is_allowed(test), "skipped in CI: {why}");
    // eprint! would be captured by libtest. A single write keeps the lines of two threads whole.
    let line = format!("\nSKIPPED {test}: {why}\n");
    io::stderr().write_all(line.as_bytes()).expect("writing to standard error");
}

fn is_allowed(test: &str) -> bool {
    ALLOWED.lines().filter_map(|line| line.split_whitespace().next()).any(|name| name == test)
}
