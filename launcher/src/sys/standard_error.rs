//! Messages to the user on standard error, with control characters escaped. The child of a launch never
//! prints.

use nix::unistd::write;
use std::fmt::Display;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// True if only failures are printed.
static IS_QUIET: AtomicBool = AtomicBool::new(false);

type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// Receives the warnings if they are not printed.
static SINK: OnceLock<Sink> = OnceLock::new();

/// `1 ID`, or `N IDs`: a number with its noun.
pub(crate) fn number_of<N: Display + From<u8> + PartialEq>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Passes warnings to this function from now on.
pub(crate) fn divert_warnings(sink: impl Fn(&str) + Send + Sync + 'static) {
    // Error ignored: this is called only once.
    let _ = SINK.set(Box::new(sink));
}

/// Suppresses warnings from now on.
pub(crate) fn be_quiet() {
    IS_QUIET.store(true, Ordering::Relaxed);
}

/// True if warnings are suppressed.
pub(crate) fn is_quiet() -> bool {
    IS_QUIET.load(Ordering::Relaxed)
}

/// Prints a warning.
pub(crate) fn warn(text: &dyn Display) {
    match SINK.get() {
        Some(sink) => sink(&text.to_string()),
        None if is_quiet() => {}
        None => line(&text.to_string()),
    }
}

/// Prints a failure of which no caller learns. `-q` does not suppress it.
pub(crate) fn report(text: &str) {
    match SINK.get() {
        Some(sink) => sink(text),
        None => line(text),
    }
}

/// Prints a line with a direct write(2). A process forked from a program with several threads could wait
/// forever for a lock of the standard library.
pub(crate) fn line(text: &str) {
    // Error ignored: standard error is closed, so there is no one to report to.
    let _ = write(std::io::stderr(), format!("subroot: {}\n", escaped(text)).as_bytes());
}

/// Escapes control characters, which could move a terminal's cursor or forge a second line.
pub(crate) fn escaped(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}
