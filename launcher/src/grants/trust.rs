//! Which of the files that decide about grants the mapper would not take: those that somebody besides root can write.

use crate::error::Error;
use crate::failure::reason_of;
use idmap::{ACCOUNTS_FILE, CONFIG_FILE, IdKind, NSSWITCH_FILE};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;

const FILES: [&str; 5] =
    [ACCOUNTS_FILE, NSSWITCH_FILE, CONFIG_FILE, IdKind::Uid.grant_file(), IdKind::Gid.grant_file()];

/// The files that are not trusted, and why. The folders that symlinks lead through are left to the mapper.
///
/// # Errors
/// A file that cannot be looked at, or that is none to be read.
pub(crate) fn distrust() -> Result<Vec<(&'static str, &'static str)>, Error> {
    let mut found = Vec::new();
    for file in FILES {
        let unreadable = |why: &std::io::Error| Error::Unreadable(file.into(), reason_of(why));
        match std::fs::metadata(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&error)),
            // Opening a FIFO would wait for its writer.
            Ok(stat) if !stat.is_file() => {
                return Err(Error::Unreadable(file.into(), "not a regular file".into()));
            }
            Ok(stat) if stat.uid() != 0 => found.push((file, "not owned by root")),
            Ok(stat) if stat.mode() & 0o022 != 0 => found.push((file, "writable by group or others")),
            Ok(_) => {}
        }
    }
    Ok(found)
}
