//! The layouts of hosts and containers: where their files are, which IDs exist, what may be written and
//! executed.

mod fragments;
mod full;
mod pod;
mod refusals;
mod store;
mod subids;
mod surroundings;

use std::process::Command;
use subroot_tests::sandbox::Sandbox;
use subroot_tests::{Outcome, User};

/// `subroot` with these arguments, split at blanks.
fn subroot(user: &User, words: &str) -> Command {
    let mut command = user.command("subroot");
    command.args(words.split_whitespace());
    command
}

/// The outcome for alice.
fn told(sandbox: &Sandbox, words: &str) -> Outcome {
    sandbox.host.output(&mut subroot(&sandbox.alice, words))
}

/// Writes both grant files.
fn grant(sandbox: &Sandbox, lines: &str) {
    for file in ["/etc/subuid", "/etc/subgid"] {
        sandbox.host.write(file, lines);
    }
}

/// The command in a fix.
#[track_caller]
fn fix(text: &str) -> &str {
    let (_, fix) = text.split_once("fix: as root: ").unwrap_or_else(|| panic!("no fix: {text}"));
    fix.lines().next().unwrap_or_default()
}
