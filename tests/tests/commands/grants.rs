//! `subroot grants` and `subroot idmap explain`, run by an ordinary user, with one file for each topic.

mod examples;
mod explain;
mod hostile;
mod lint;
mod lint_accounts;
mod lint_files;
mod lint_owners;
mod owner;
mod scale;
mod suggest;

use std::process::Command;
use subroot_tests::{Host, Outcome, User};

/// `subroot` with these arguments.
fn subroot(user: &User, words: &str) -> Command {
    let mut command = user.command("subroot");
    command.args(words.split_whitespace());
    command
}

/// The outcome for alice.
fn told(host: &Host, words: &str) -> Outcome {
    host.output(&mut subroot(&host.user("alice"), words))
}

/// A host with these lines in both files.
fn host_with_lines(lines: &str) -> Host {
    let host = Host::new();
    host.write("/etc/subuid", lines);
    host.write("/etc/subgid", lines);
    host
}

/// The findings without their fixes: everything before the notes and the summary.
fn findings(host: &Host) -> Vec<String> {
    let outcome = told(host, "grants lint");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let count = lines.iter().find_map(|line| line.strip_prefix("findings: ")?.split(',').next());
    let found: Vec<String> =
        lines.iter().filter(|line| line.starts_with("/etc/")).map(|line| (*line).to_owned()).collect();
    let fixes = lines.iter().filter(|line| line.starts_with("    fix: as root: ")).count();
    assert_eq!((count, fixes), (Some(found.len().to_string().as_str()), found.len()), "{outcome:?}");
    assert_eq!(outcome.code(), i32::from(!found.is_empty()), "{outcome:?}");
    found
}

/// Checks that these are the findings, and no others. Each finding begins with the expected text.
#[track_caller]
fn assert_found(host: &Host, expected: &[&str]) {
    let found = findings(host);
    let all = found.len() == expected.len();
    assert!(all && found.iter().zip(expected).all(|(found, start)| found.starts_with(start)), "{found:#?}");
}

#[track_caller]
fn assert_refused(outcome: &Outcome, why: &str) {
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (125, ""), "{outcome:?}");
    assert!(outcome.stderr.starts_with(&format!("subroot: reading {why}")), "{outcome:?}");
    assert!(outcome.stderr.lines().skip(1).all(|line| line.starts_with("subroot: fix: ")), "{outcome:?}");
    assert!(outcome.stderr.lines().count() <= 2, "{outcome:?}");
}
