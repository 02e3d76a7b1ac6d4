//! Reads files line by line, as the mapper does.

use crate::error::Error;
use crate::failure::reason_of;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use subroot_idmap::{IdKind, each_line};

/// The size of the mapper's read buffer. A line that does not fit in it is cut off.
const MAPPERS_BUFFER: usize = 64 * 1024;

/// The kind of ID that a file grants, if it is a grant file.
pub(crate) fn kind_of(file: &str) -> Option<IdKind> {
    IdKind::BOTH.into_iter().find(|kind| kind.grant_file() == file)
}

/// Visits each line of a file with its number. A file that cannot be read has no lines.
pub(crate) fn each_line_of(path: &str, visit: impl FnMut(u32, &[u8])) {
    if let Err(error) = read_lines(path, visit) {
        // Error ignored: it is logged here, and the plan of a launch reads the files itself and keeps the
        // error.
        log::warn!("{error}");
    }
}

/// Visits each line of a file with its number. A missing file has no lines.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn read_lines(path: &str, visit: impl FnMut(u32, &[u8])) -> Result<(), Error> {
    let unreadable = |error: std::io::Error| Error::Unreadable { file: path.into(), why: reason_of(&error) };
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        file => file.map_err(unreadable)?,
    };
    // Files of proc(5) have size 0. Larger files are read through a buffer of the mapper's size, so that long
    // lines are cut in the same way.
    let size = file.metadata().map_err(unreadable)?.len();
    let size = usize::try_from(size).map_err(|_| unreadable(ErrorKind::FileTooLarge.into()))?;
    let mut buffer =
        vec![0; if size == 0 { MAPPERS_BUFFER } else { MAPPERS_BUFFER.min(size.saturating_add(1)) }];
    // Like the mapper, read only up to the size that the file had when it was opened. This also avoids a last
    // read(2) that only finds the end.
    let mut left = if size == 0 { usize::MAX } else { size };
    let read = |free: &mut [u8], _| {
        while left > 0 {
            match file.read(free) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome.inspect(|count| left = left.saturating_sub(*count)),
            }
        }
        Ok(0)
    };
    each_line(&mut buffer, read, visit).map_err(unreadable)
}
