//! A launch continues with the caller's own ID if more cannot be mapped, prints why in one line, and ends
//! with the command's status.

use crate::grants_truth::hosts::{self, Case, Fix};
use crate::grants_truth::{counts, ensure, launched, sandbox_of, try_each};

fn goes_on(case: &Case) -> Result<(), String> {
    let sandbox = sandbox_of(case);
    let outcome = launched(&sandbox);
    ensure(outcome.code() == 0 && counts(&outcome) == case.mapped, || {
        format!("not {:?}: {outcome:?}", case.mapped)
    })?;
    let status = sandbox.output(&[], "exit 7").code();
    ensure(status == 7, || format!("status {status}"))?;
    // If a launch has enough IDs, only doctor reports a problem.
    if case.mapped.iter().all(|count| *count > 5) {
        return ensure(outcome.stderr.is_empty() || outcome.stderr.contains("340 ranges"), || {
            format!("{outcome:?}")
        });
    }
    let is_said = outcome.stderr.lines().count() <= 1
        && (outcome.stderr.contains(case.why) || case.mapped[0] > 1)
        && (case.fix == Fix::Needless || case.mapped[0] > 1 || outcome.stderr.contains("; fix: as root: "));
    ensure(is_said, || format!("not {:?}: {outcome:?}", case.why))
}

#[test]
fn whatever_the_grant_files_are() {
    try_each(hosts::files(), goes_on);
}

#[test]
fn whatever_the_caller_is_called() {
    try_each(hosts::names(), goes_on);
}

#[test]
fn whatever_the_lines_are() {
    try_each(hosts::contents(), goes_on);
}

#[test]
fn whatever_the_settings_and_the_mapper_are() {
    try_each(hosts::settings(), goes_on);
}
