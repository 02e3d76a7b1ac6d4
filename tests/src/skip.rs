//! A test that can't be run here says so, is counted, and fails where everything has to run.

use std::env;
use std::io::{self, Write};

/// The tests that may be skipped even in CI: a name and a reason a line.
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

/// Counts a skipped test; fails it in CI, unless it is on the list. `place` is the path of an item in the test.
///
/// # Panics
/// Under `CI=true`, for a test that tests/allowed-skips does not name.
pub fn skipped(place: &str, why: &str) {
    let test = place.strip_suffix("::here").unwrap_or(place);
    let in_ci = env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!in_ci || is_allowed(test), "skipped in CI: {why}");
    // Not eprint!, which libtest would swallow; one write, so that lines of two threads stay whole.
    let line = format!("\nSKIPPED {test}: {why}\n");
    io::stderr().write_all(line.as_bytes()).expect("writing to standard error");
}

fn is_allowed(test: &str) -> bool {
    ALLOWED.lines().filter_map(|line| line.split_whitespace().next()).any(|name| name == test)
}
