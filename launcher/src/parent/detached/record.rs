//! The record of a detached sandbox: lines of JSON about its start and its end.
//!
//! The first line is written when the sandbox is created; those that follow are the events of `--json-status`, and
//! one when the log loses its beginning.

use crate::parent::registry::known::now;
use crate::sys::{Outcome, outcome_of};
use nix::errno::Errno;
use nix::unistd::write;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// How long a record and its log are kept after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Not at all: `--rm`.
    No,
    /// Until a detached sandbox starts a day later, or takes the name.
    ADay,
    /// Until `subroot rm`: `--rm=false`.
    UntilRemoved,
}

/// The exit status of everything in a sandbox whose supervisor was killed.
pub(crate) const KILLED: u8 = 137;

/// The maximum size of a record in bytes, as for an entry of the registry.
const MAX_RECORD: u64 = 32 << 20;

/// The lines of a record that were written so far.
pub(crate) struct Record(Vec<Value>);

/// Writes the first line of a record.
///
/// # Errors
/// ENOSPC and other errors of write(2).
pub(crate) fn begin(mut file: &File, command: &[String], rootfs: Option<&Path>, kept: Kept) -> Outcome<()> {
    let kept = kept == Kept::UntilRemoved;
    let line = json!({
        "event": "created", "command": command, "kept": kept,
        "rootfs": rootfs.map(|path| path.to_string_lossy()), "started": now(),
    });
    outcome_of(file.write_all(format!("{line}\n").as_bytes()))
}

/// Writes that the log has lost its beginning.
///
/// # Errors
/// ENOSPC and other errors of write(2).
pub(crate) fn note_trimmed(file: &OwnedFd) -> Outcome<()> {
    write(file, b"{\"event\":\"trimmed\"}\n").map(drop)
}

impl Record {
    /// Reads a record from its beginning. A line that is not complete yet is left out.
    ///
    /// # Errors
    /// Errors of pread(2), and EBADMSG for a record that this version does not write.
    pub(crate) fn read(file: &File) -> Outcome<Record> {
        let mut text = Vec::new();
        outcome_of(At { file, offset: 0 }.take(MAX_RECORD).read_to_end(&mut text))?;
        let lines = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let events: Result<Vec<Value>, _> = lines.map(serde_json::from_slice).collect();
        events.map(Record).map_err(|_| Errno::EBADMSG)
    }

    fn event(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|event| event["event"] == name)
    }

    fn end(&self) -> Option<&Value> {
        self.event("ended").or_else(|| self.event("failed"))
    }

    /// The exit status, once the sandbox has ended.
    pub(crate) fn status(&self) -> Option<u8> {
        self.end()?["status"].as_u64().and_then(|status| u8::try_from(status).ok())
    }

    /// Why it failed after its start, if that is how it ended.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.end()?["reason"].as_str()
    }

    /// True if the log has lost its beginning.
    pub(crate) fn is_trimmed(&self) -> bool {
        self.event("trimmed").is_some()
    }

    /// True if only `subroot rm` removes it.
    pub(crate) fn is_kept(&self) -> bool {
        self.event("created").is_some_and(|created| created["kept"] == true)
    }

    /// What is recorded under a key when the sandbox is created.
    pub(crate) fn created(&self, key: &str) -> &Value {
        self.event("created").map_or(&Value::Null, |created| &created[key])
    }

    /// True once the command has started.
    pub(crate) fn has_started(&self) -> bool {
        self.event("started").is_some()
    }
}

/// Reads a file without moving its offset, which the writer of the record uses.
struct At<'f> {
    file: &'f File,
    offset: u64,
}

impl std::io::Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read_at(buffer, self.offset)?;
        self.offset += length as u64;
        Ok(length)
    }
}
