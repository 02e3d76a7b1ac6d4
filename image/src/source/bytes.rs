//! What an archive is read from: a stream, or a file in which content can be skipped.

use crate::error::Error;
use crate::source::stream::truncated;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// How much of a file is read at once.
const WINDOW: usize = 4096;

/// The bytes of an archive, in order.
pub trait Bytes {
    /// The next bytes: at least `count`, if there are that many.
    ///
    /// # Errors
    /// The archive cannot be read or decompressed, or is too large.
    fn peek(&mut self, count: usize) -> Result<&[u8], Error>;

    /// Drops this many of the bytes that `peek` returned.
    fn consume(&mut self, count: usize);

    /// Drops the next bytes, which `peek` may not have returned yet.
    ///
    /// # Errors
    /// Errors of `peek`, and an early end.
    fn skip(&mut self, count: u64) -> Result<(), Error>;

    /// Reads to the end.
    ///
    /// # Errors
    /// Errors of `peek`.
    fn drain(&mut self) -> Result<(), Error>;
}

/// The bytes of an uncompressed file.
pub(crate) struct FileBytes {
    file: Arc<File>,
    length: u64,
    /// The offset of what comes next, which the window begins with.
    position: u64,
    window: Vec<u8>,
}

impl FileBytes {
    pub(crate) fn new(file: Arc<File>, length: u64) -> FileBytes {
        FileBytes { file, length, position: 0, window: Vec::new() }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }
}

impl Bytes for FileBytes {
    fn peek(&mut self, count: usize) -> Result<&[u8], Error> {
        let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap_or(usize::MAX);
        if self.window.len() < count.min(left) {
            // Twice as much as before: a map of a sparse file is asked for block by block.
            self.window.resize(count.max(WINDOW).max(2 * self.window.len()).min(left), 0);
            let read = self.file.read_exact_at(&mut self.window, self.position);
            read.map_err(|error| Error::Read { error })?;
        }
        Ok(&self.window)
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.window.len());
        self.window.drain(..count);
        self.position += count as u64;
    }

    fn skip(&mut self, count: u64) -> Result<(), Error> {
        let position = self.position.checked_add(count).filter(|position| *position <= self.length);
        self.position = position.ok_or_else(truncated)?;
        self.window.clear();
        Ok(())
    }

    /// Only compressed data has a checksum at its end.
    fn drain(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
