//! How far an import is, shown on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs::File;
use std::io::{IsTerminal as _, Seek as _, stderr};
use std::os::fd::AsFd as _;

const STYLE: &str = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";

/// A bar for the part of an archive that has been read.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// The archive: its offset is shared with the process that reads it.
    archive: File,
}

impl Progress {
    /// A bar for a file of known size, if standard error is a terminal.
    pub(crate) fn of(archive: &File) -> Option<Progress> {
        // Without the size there is nothing to show.
        let size = archive.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
        if !stderr().is_terminal() {
            return None;
        }
        let archive = File::from(archive.as_fd().try_clone_to_owned().ok()?);
        let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template(STYLE).ok()?);
        Some(Progress { bar, archive })
    }

    /// Draws the bar.
    pub(crate) fn show(&self) {
        // An offset that cannot be read is not shown.
        if let Ok(position) = (&self.archive).stream_position() {
            self.bar.set_position(position);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
