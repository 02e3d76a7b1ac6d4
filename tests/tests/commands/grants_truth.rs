//! What is reported about a host is true and the same everywhere, and every command printed as a fix works.

mod agreement;
mod coverage;
mod fixes;
mod hosts;
mod launches;

use hosts::Case;
use subroot_tests::sandbox::{Sandbox, map_lines};
use subroot_tests::{Outcome, User};

/// A sandbox of uid 1000 on such a host.
fn sandbox_of(case: &Case) -> Sandbox {
    let sandbox = Sandbox::new();
    (case.prepare)(&sandbox.host);
    sandbox
}

/// A default launch that prints both maps.
fn launched(sandbox: &Sandbox) -> Outcome {
    sandbox.host.output(&mut sandbox.run(&[], &["cat", "/proc/self/uid_map", "/proc/self/gid_map"]))
}

/// The numbers of user IDs and group IDs in these two maps. The second map begins where inside IDs start at 0
/// again.
fn counts(outcome: &Outcome) -> [u32; 2] {
    let mut counts = Vec::new();
    for line in map_lines(&outcome.stdout) {
        let numbers: Vec<u32> =
            line.split(' ').map(|word| word.parse().expect("a number of a map")).collect();
        if numbers[0] == 0 {
            counts.push(0);
        }
        *counts.last_mut().expect("a map that begins at 0") += numbers[2];
    }
    counts.try_into().unwrap_or_else(|_| panic!("not two maps: {outcome:?}"))
}

/// `subroot WORDS`, by this user.
fn says(sandbox: &Sandbox, user: &User, words: &[&str]) -> Outcome {
    sandbox.host.output(user.command("subroot").args(words))
}

/// Tries each of these hosts, and fails the test with the names of all that do not pass.
fn try_each(cases: Vec<Case>, attempt: impl Fn(&Case) -> Result<(), String>) {
    let tried = cases.iter().map(|case| (case.name, attempt(case)));
    let failed: Vec<String> =
        tried.filter_map(|(name, result)| Some(format!("{name}: {}", result.err()?))).collect();
    assert!(failed.is_empty(), "{} of {} hosts:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

/// An error unless the condition holds.
fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
