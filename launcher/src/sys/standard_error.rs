//! Lines for a person on standard error, control characters escaped. No child of a launch prints.

use nix::unistd::write;
use std::fmt::Display;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set when nothing but failures is to be printed.
static IS_QUIET: AtomicBool = AtomicBool::new(false);

type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// What takes the warnings, if they are not to be printed.
static SINK: OnceLock<Sink> = OnceLock::new();

/// Has warnings taken by this function from now on.
pub(crate) fn divert_warnings(sink: impl Fn(&str) + Send + Sync + 'static) {
    // Error ignored: they are diverted once.
    let _ = SINK.set(Box::new(sink));
}

/// Keeps warnings back from now on.
pub(crate) fn be_quiet() {
    IS_QUIET.store(true, Ordering::Relaxed);
}

/// Prints a line that does not stop the launch.
pub(crate) fn warn(text: &dyn Display) {
    match SINK.get() {
        Some(sink) => sink(&text.to_string()),
        None if IS_QUIET.load(Ordering::Relaxed) => {}
        None => line(&text.to_string()),
    }
}

/// Prints a line, by the bare system call: a process forked from a program with several threads never gets a lock that another of them held.
pub(crate) fn line(text: &str) {
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
