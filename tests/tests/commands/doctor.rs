//! Causes of failures are found and named, by `doctor` and by each command that fails because of them.

mod grants;
mod mapper;
mod namespaces;
mod places;
mod programs;
mod report;

use std::process::Command;
use subroot_tests::sandbox::Sandbox;
use subroot_tests::{Outcome, Step, User, start_with};

/// `subroot doctor WORDS`, run by a user.
fn doctor(user: &User, words: &[&str]) -> Command {
    let mut command = user.command("subroot");
    command.arg("doctor").args(words);
    command
}

/// The report for alice.
fn examined(sandbox: &Sandbox) -> Outcome {
    sandbox.host.output(&mut doctor(&sandbox.alice, &[]))
}

/// The same for a process that has first performed these steps.
fn examined_after(sandbox: &Sandbox, steps: Vec<Step>) -> Outcome {
    sandbox.host.output(start_with(&mut doctor(&sandbox.alice, &[]), steps))
}

/// Fails the test unless it ended with this status, and has a line with this cause directly before one with
/// this fix.
#[track_caller]
fn assert_found(outcome: &Outcome, status: i32, cause: &str, fix: &str) {
    assert_eq!(outcome.code(), status, "{outcome:?}");
    let lines: Vec<&str> = outcome.stdout.lines().map(str::trim_start).collect();
    let is_found = lines
        .windows(2)
        .any(|pair| pair[0].contains(cause) && pair[1].starts_with("fix: ") && pair[1].contains(fix));
    assert!(is_found, "not {cause:?} with {fix:?}: {}{}", outcome.stdout, outcome.stderr);
}
