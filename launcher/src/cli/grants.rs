//! `subroot grants`: examines what the grant files grant to every user.

use crate::cli::args::{GrantsArgs, GrantsVerb};
use crate::cli::output;
use crate::cli::owner;
use crate::grants::{lint, suggest};

/// Runs one of its commands. Returns the exit status: 1 if lint finds problems.
///
/// # Errors
/// A file cannot be read, a user or a file does not exist, or standard output cannot be written.
pub(crate) fn print(typed: &GrantsArgs) -> anyhow::Result<u8> {
    let (text, has_findings) = match &typed.verb {
        GrantsVerb::Lint => {
            let report = lint::report()?;
            let text = if typed.json { serde_json::to_string(&report)? + "\n" } else { report.text() };
            (text, report.has_findings())
        }
        GrantsVerb::Owner { what } => (owner::report(what, typed.json)?, false),
        GrantsVerb::Suggest { user, count } => (suggest::report(user, *count, typed.json)?, false),
    };
    output::output(&text)?;
    Ok(u8::from(has_findings))
}
