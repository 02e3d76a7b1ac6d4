//! Reads the log of a detached sandbox, also while it is being written.

use crate::parent::detached::job::Job;
use crate::parent::detached::store::{JobDir, LOGS, open_file};
use crate::sys::process::ends_by;
use crate::sys::{Outcome, outcome_of};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::MetadataExt as _;
use std::time::Instant;

/// The number of bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// The last lines of a text.
pub(crate) fn last_lines(text: &[u8], count: usize) -> &[u8] {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let mut ends = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    match count {
        0 => &[],
        count => text.get(ends.nth(count - 1).unwrap_or(0)..).unwrap_or_default(),
    }
}

/// The size of both files of a log, in bytes.
pub(crate) const LARGEST: usize = 16 << 20;

/// A reader of what is added to a log.
pub(crate) struct Follower<'j> {
    job: &'j Job,
    changes: Inotify,
    file: Option<File>,
    has_ended: bool,
}

impl<'j> Follower<'j> {
    /// Begins at the end of the log, or at its beginning.
    ///
    /// # Errors
    /// The directory cannot be watched: inotify(7).
    pub(crate) fn new(job: &'j Job, from_end: bool) -> Outcome<Follower<'j>> {
        let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let events = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE;
        // The path of the open directory, so that a new one of this name is not watched instead.
        let path = format!("/proc/self/fd/{}", job.dir.dir.as_raw_fd());
        match changes.add_watch(path.as_str(), events) {
            Err(Errno::ENOENT) => {}
            added => drop(added?),
        }
        let newest = open_if_there(&job.dir, LOGS[0])?;
        let file = match (newest, from_end) {
            (Some(mut file), true) => {
                outcome_of(file.seek(SeekFrom::End(0)))?;
                Some(file)
            }
            (newest, _) => open_if_there(&job.dir, LOGS[1])?.or(newest),
        };
        Ok(Follower { job, changes, file, has_ended: job.supervisor.is_none() })
    }

    /// What to wait for: changes of the log, and the end of the sandbox.
    pub(crate) fn wanted(&self) -> Vec<PollFd<'_>> {
        let supervisor = self.job.supervisor.iter().filter(|_| !self.has_ended);
        let changes = PollFd::new(self.changes.as_fd(), PollFlags::POLLIN);
        [changes]
            .into_iter()
            .chain(supervisor.map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN)))
            .collect()
    }

    /// Passes on what was added. False once the sandbox has ended and everything was passed on.
    ///
    /// # Errors
    /// The log cannot be read, or an error of `take`.
    pub(crate) fn copy(&mut self, take: &mut impl FnMut(&[u8]) -> Outcome<()>) -> Outcome<bool> {
        let had_ended = self.has_ended || self.is_over();
        // Error ignored: the events say only that something has changed, and there may be none.
        let _ = self.changes.read_events();
        loop {
            let next = self.next_file()?;
            if let Some(file) = &mut self.file {
                copy_rest(file, take)?;
            }
            match next {
                Some(next) => self.file = Some(next),
                None => break,
            }
        }
        self.has_ended = had_ended;
        Ok(!had_ended)
    }

    /// True if the supervisor has ended, after which the log does not change.
    fn is_over(&self) -> bool {
        let Some(supervisor) = &self.job.supervisor else { return true };
        // Error ignored: the end is noticed later.
        ends_by(supervisor, Some(Instant::now())).ok() == Some(true)
    }

    /// The file after the one that is being read, if there is one. Opened before the rest of that one is read,
    /// which is complete by then.
    fn next_file(&self) -> Outcome<Option<File>> {
        let [newest, previous] = LOGS.map(|name| open_if_there(&self.job.dir, name));
        let (newest, previous) = (newest?, previous?);
        let Some(current) = &self.file else { return Ok(previous.or(newest)) };
        let current = inode(current)?;
        match (newest, previous) {
            (Some(newest), _) if inode(&newest)? == current => Ok(None),
            (newest, Some(previous)) if inode(&previous)? == current => Ok(newest),
            // The current file was removed, and the previous one was never read.
            (newest, previous) => Ok(previous.or(newest)),
        }
    }
}

fn inode(file: &File) -> Outcome<u64> {
    outcome_of(file.metadata()).map(|found| found.ino())
}

fn open_if_there(dir: &JobDir, name: &str) -> Outcome<Option<File>> {
    match open_file(&dir.dir, name) {
        Err(Errno::ENOENT) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Passes on the rest of a file, up to its present end.
fn copy_rest(file: &mut File, take: &mut impl FnMut(&[u8]) -> Outcome<()>) -> Outcome<()> {
    let (end, start) = (outcome_of(file.metadata())?.len(), outcome_of(file.stream_position())?);
    let mut rest = file.take(end.saturating_sub(start));
    let mut chunk = vec![0; CHUNK];
    loop {
        match outcome_of(rest.read(&mut chunk)) {
            Ok(0) => return Ok(()),
            Ok(length) => take(chunk.get(..length).unwrap_or_default())?,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::parent::detached::follow::last_lines;

    #[test]
    fn the_last_lines_are_counted_from_the_end() {
        let text = b"a\nb\nc\n";
        for (count, last) in [(0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (9, "a\nb\nc\n")] {
            assert_eq!(last_lines(text, count), last.as_bytes(), "{count}");
        }
        assert_eq!(last_lines(b"a\nb", 1), b"b");
        assert_eq!(last_lines(b"", 3), b"");
    }
}
