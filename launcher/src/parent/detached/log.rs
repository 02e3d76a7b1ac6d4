//! The log of a detached sandbox: its output, in two files of limited size. The sandbox has no descriptor of
//! them.

use crate::failure::reason;
use crate::parent::detached::record;
use crate::parent::detached::store::{LOGS, make_file};
use crate::sys::Outcome;
use crate::sys::standard_error::number_of;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, renameat};
use nix::unistd::{AccessFlags, faccessat, write};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The maximum size of each of the two files, in bytes.
const LIMIT: u64 = 8 << 20;

/// A log that is being written.
pub(crate) struct Log {
    dir: OwnedFd,
    file: File,
    length: u64,
    /// Where it is recorded that older output was discarded; none once it was.
    record: Option<Arc<OwnedFd>>,
    /// The number of bytes that could not be written.
    lost: u64,
}

impl Log {
    /// Creates the log in this directory, which also has this record.
    ///
    /// # Errors
    /// Errors of open(2).
    pub(crate) fn create(dir: OwnedFd, record: Option<Arc<OwnedFd>>) -> Outcome<Log> {
        let file = make_file(&dir, LOGS[0])?;
        Ok(Log { dir, file, length: 0, record, lost: 0 })
    }

    /// Appends output. What cannot be written, as on a full disk, is counted, and the log reports it once it
    /// can be written again.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if self.lost > 0 {
            let lost = number_of(self.lost, "byte");
            let notice = format!("\nsubroot: {lost} of output could not be written to this log\n");
            match self.write(notice.as_bytes()) {
                0 => self.lost = 0,
                _ => return self.lost += bytes.len() as u64,
            }
        }
        self.lost += self.write(bytes);
    }

    /// Returns the number of bytes that were not written.
    fn write(&mut self, mut bytes: &[u8]) -> u64 {
        while !bytes.is_empty() {
            let room = usize::try_from(LIMIT.saturating_sub(self.length)).ok().unwrap_or(usize::MAX);
            let written = match bytes.get(..bytes.len().min(room)) {
                None | Some([]) => self.rotate().map(|()| 0),
                Some(part) => write(&self.file, part),
            };
            match written {
                Ok(written) => {
                    self.length += written as u64;
                    bytes = bytes.get(written..).unwrap_or_default();
                }
                Err(Errno::EINTR) => {}
                Err(errno) => {
                    // Error ignored: the bytes are counted, and the log reports them.
                    log::debug!("writing the log: {}", reason(errno));
                    return bytes.len() as u64;
                }
            }
        }
        0
    }

    fn note_trimmed(&mut self) {
        if let Some(record) = self.record.take() {
            if let Err(errno) = record::note_trimmed(&record) {
                // Error ignored: only the note of `subroot logs` depends on it.
                log::debug!("recording that the log was cut: {}", reason(errno));
            }
        }
    }

    /// Begins a new file. The previous one replaces the one before.
    fn rotate(&mut self) -> Outcome<()> {
        // Error ignored: only the same note depends on it.
        if faccessat(&self.dir, LOGS[1], AccessFlags::F_OK, AtFlags::empty()).is_ok() {
            self.note_trimmed();
        }
        match renameat(&self.dir, LOGS[0], &self.dir, LOGS[1]) {
            // The last attempt to create a file failed.
            Ok(()) | Err(Errno::ENOENT) => {}
            renamed => renamed?,
        }
        self.file = make_file(&self.dir, LOGS[0])?;
        self.length = 0;
        Ok(())
    }
}
