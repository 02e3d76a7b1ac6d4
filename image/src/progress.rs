//! How far a download or an import is, shown on a terminal.

use crate::bars::bar;
use crate::output;
use crate::store::blobs::Blob;
use indicatif::ProgressBar;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::fd::AsFd as _;

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
        let archive = File::from(archive.as_fd().try_clone_to_owned().ok()?);
        bar(size, "unpacking").map(|bar| Progress { bar, archive })
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

/// A bar for a download; without a terminal, a line at its end.
pub(crate) struct Download {
    bar: Option<ProgressBar>,
    /// What is downloaded; none if nothing is to be printed.
    label: Option<String>,
}

impl Download {
    pub(crate) fn new(label: &str, size: u64, is_quiet: bool) -> Download {
        let bar = if is_quiet { None } else { bar(size, label) };
        Download { bar, label: (!is_quiet).then(|| label.to_owned()) }
    }

    /// A stream that moves the bar.
    pub(crate) fn counting<'a, R: Read>(&'a self, content: R) -> Counting<'a, R> {
        Counting { content, bar: self.bar.as_ref() }
    }

    /// Reports that it is complete.
    pub(crate) fn finish(&self, blob: &Blob) {
        if let (None, Some(label)) = (&self.bar, &self.label) {
            let digits: String = blob.digest.hex().chars().take(12).collect();
            output::line(&format!("{label}: {digits}, {}", output::size(blob.size)));
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.bar.as_ref().inspect(|bar| bar.finish_and_clear());
    }
}

/// A stream whose bytes are counted.
pub(crate) struct Counting<'a, R> {
    content: R,
    bar: Option<&'a ProgressBar>,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.bar.inspect(|bar| bar.inc(count as u64));
        Ok(count)
    }
}
