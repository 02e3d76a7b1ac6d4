//! The one place that prints for a person: one line for each thing, control characters escaped.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use crate::failure::OWN_FAILURE;
use crate::parent::explain;
use crate::sys::standard_error;
use clap::error::ErrorKind;
use serde_json::Value;
use std::io::Write as _;

/// The same for any error.
pub(crate) fn status(error: &anyhow::Error) -> u8 {
    error.downcast_ref().map_or_else(
        || {
            standard_error::line(&format!("{error:#}"));
            OWN_FAILURE
        },
        explain::report,
    )
}

/// Prints what the parser of the command line has to say, help or one line, and returns the status that goes with it.
pub(crate) fn usage(message: &clap::Error) -> u8 {
    let is_help = message.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if is_help || !message.use_stderr() {
        // Error ignored: a closed standard output is nobody to print to.
        let _ = message.print();
        return if is_help { OWN_FAILURE } else { 0 };
    }
    let text = message.to_string();
    let why = text.lines().next().unwrap_or_default();
    standard_error::line(&format!(
        "reading the command line: {}",
        why.strip_prefix("error: ").unwrap_or(why)
    ));
    standard_error::line("fix: see subroot --help, or subroot run --help");
    OWN_FAILURE
}

/// A line of JSON.
///
/// # Errors
/// None for text, numbers, lists and objects. Written without the formatter of serde_json for people, which would be linked as well.
pub(crate) fn json(value: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string(value)? + "\n")
}

/// Prints to standard output.
///
/// # Errors
/// Those of the write, a closed pipe included.
pub(crate) fn output(text: &str) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())
}
