//! The only module that prints for people: one line for each message, with control characters escaped.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use crate::failure::OWN_FAILURE;
use crate::parent::explain;
use crate::sys::standard_error;
use clap::error::ErrorKind;
use serde_json::Value;
use std::io::Write as _;

/// Prints an error and returns its exit status.
pub(crate) fn status(error: &anyhow::Error) -> u8 {
    error.downcast_ref().map_or_else(
        || {
            standard_error::line(&format!("{error:#}"));
            OWN_FAILURE
        },
        explain::report,
    )
}

/// Attempts something for each, and prints the errors. Returns the results without errors, and the highest exit
/// status.
pub(crate) fn attempt_each<T, R, E: Into<anyhow::Error>>(
    items: impl IntoIterator<Item = T>,
    mut attempt: impl FnMut(T) -> Result<R, E>,
) -> (Vec<R>, u8) {
    let mut highest = 0;
    let mut results = Vec::new();
    for item in items {
        match attempt(item) {
            Ok(result) => results.push(result),
            Err(error) => highest = highest.max(status(&error.into())),
        }
    }
    (results, highest)
}

/// Prints the parser's message, which is help or an error, and returns the exit status for it. `explain` returns
/// what is wrong, and the fix.
pub(crate) fn usage(message: &clap::Error, explain: impl FnOnce() -> (String, Option<String>)) -> u8 {
    let is_help = message.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if is_help || !message.use_stderr() {
        // Error ignored: standard output is closed, and nobody reads it.
        let _ = message.print();
        return if is_help { OWN_FAILURE } else { 0 };
    }
    let (why, fix) = explain();
    standard_error::line(&format!("reading the command line: {why}"));
    if let Some(fix) = fix {
        standard_error::line(&format!("fix: {fix}"));
    }
    OWN_FAILURE
}

/// A line of JSON. It is not pretty-printed, because that formatter of serde_json would have to be linked as
/// well.
pub(crate) fn json(value: &Value) -> serde_json::Result<String> {
    Ok(serde_json::to_string(value)? + "\n")
}

/// Prints to standard output.
///
/// # Errors
/// An error of write(2), including EPIPE.
pub(crate) fn output(text: &str) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())
}
