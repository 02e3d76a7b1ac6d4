//! The one place that prints for a person: one line for each thing, control characters escaped.
#![allow(clippy::print_stderr, clippy::print_stdout)]

use crate::error::{Error, OWN_FAILURE};
use clap::error::ErrorKind;
use nix::unistd::write;
use std::fmt::Display;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints why subroot failed, and the fix on a second line where one is known; returns the exit status that goes with it.
pub(crate) fn failure(error: &Error) -> u8 {
    let found = error.found();
    match &found {
        Some(cause) => line(&format!("{error} ({cause})")),
        None => line(&error.to_string()),
    }
    if let Some(fix) = error.fix_of(found) {
        line(&format!("fix: {fix}"));
    }
    error.status()
}

/// The same for any error.
pub(crate) fn status(error: &anyhow::Error) -> u8 {
    error.downcast_ref().map_or_else(
        || {
            line(&format!("{error:#}"));
            OWN_FAILURE
        },
        failure,
    )
}

/// Set when nothing but failures is to be printed.
static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// Keeps notes back from now on.
pub(crate) fn be_quiet() {
    IS_QUIET.store(true, Ordering::Relaxed);
}

/// Prints a line that does not stop the launch.
pub(crate) fn note(text: &dyn Display) {
    if !IS_QUIET.load(Ordering::Relaxed) {
        line(&text.to_string());
    }
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
    line(&format!("reading the command line: {}", why.strip_prefix("error: ").unwrap_or(why)));
    line("fix: see subroot --help, or subroot run --help");
    OWN_FAILURE
}

/// Prints to standard output.
///
/// # Errors
/// Those of the write, a closed pipe included.
pub(crate) fn output(text: &str) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())
}

/// By the bare system call: a process forked from a program with several threads never gets a lock that another of them held.
fn line(text: &str) {
    // Error ignored: a closed standard error is nobody to report to.
    let _ = write(std::io::stderr(), format!("subroot: {}\n", escaped(text)).as_bytes());
}

/// Control characters could move a terminal's cursor or forge a second line.
pub(crate) fn escaped(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}
