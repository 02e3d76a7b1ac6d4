//! Copies the content of a file. Holes are not read, but written as zeros: where a file has holes depends on its
//! filesystem, and the archive must not.

use crate::tar::write::Writer;
use nix::errno::Errno;
use nix::unistd::{Whence, lseek};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

/// Copies this many bytes, in pieces of the size of the buffer.
///
/// # Errors
/// The outer one is of reading: the file became shorter, or errors of read(2). The inner one is of the output.
pub(crate) fn copy(
    file: &File,
    size: u64,
    buffer: &mut [u8],
    output: &mut Writer<impl Write>,
) -> io::Result<io::Result<()>> {
    let has_holes = file.metadata()?.blocks().saturating_mul(512) < size;
    let mut offset = 0;
    while offset < size {
        let (start, end) = if has_holes { data(file, offset, size) } else { (offset, size) };
        if let Err(error) = output.zeros(start - offset) {
            return Ok(Err(error));
        }
        offset = start;
        while offset < end {
            let length = usize::try_from(end - offset).unwrap_or(usize::MAX).min(buffer.len());
            let piece = buffer.get_mut(..length).unwrap_or_default();
            file.read_exact_at(piece, offset)?;
            if let Err(error) = output.write(piece) {
                return Ok(Err(error));
            }
            offset += length as u64;
        }
    }
    // What is a hole now may have been removed.
    if file.metadata()?.len() < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(output.pad(size))
}

/// The next piece of the file that is not a hole; all that follows if the filesystem does not say.
fn data(file: &File, offset: u64, size: u64) -> (u64, u64) {
    let seek = |from: u64, whence| {
        let from = i64::try_from(from).map_err(|_| Errno::EOVERFLOW)?;
        lseek(file, from, whence).and_then(|to| u64::try_from(to).map_err(|_| Errno::EOVERFLOW))
    };
    match seek(offset, Whence::SeekData) {
        // Error ignored: the filesystem does not say where the piece ends.
        Ok(start) => (start.min(size), seek(start, Whence::SeekHole).ok().unwrap_or(size).min(size)),
        Err(Errno::ENXIO) => (size, size),
        Err(_) => (offset, size),
    }
}
