//! The progress bars on the terminal, and the lines above them.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, stderr};
use std::sync::LazyLock;

const STYLE: &str = "{msg:14} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";

/// All bars, one below the other.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));

/// Writes a line on standard error.
pub(crate) fn above_bars(write: impl FnOnce()) {
    if stderr().is_terminal() { BARS.suspend(write) } else { write() }
}

/// A bar for this many bytes, if standard error is a terminal.
pub(crate) fn bar(size: u64, label: &str) -> Option<ProgressBar> {
    if !stderr().is_terminal() {
        return None;
    }
    // Error ignored: the template is a constant.
    let style = ProgressStyle::with_template(STYLE).ok()?;
    let bar = BARS.add(ProgressBar::new(size));
    bar.set_style(style);
    bar.set_message(label.to_owned());
    Some(bar)
}
