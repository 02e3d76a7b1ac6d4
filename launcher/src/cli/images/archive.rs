//! Whether a file is an archive that subroot-image unpacks.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// How gzip, zstd, xz and bzip2 begin. subroot-image refuses the last one with the command that converts it.
const COMPRESSIONS: [&[u8]; 4] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh"];
/// Where a tar header has its magic: tar(5).
const MAGIC: (usize, &[u8]) = (257, b"ustar");

/// True for a regular file that begins as an archive does. What cannot be read is none, and opening it as a
/// directory then fails with the reason.
pub(crate) fn is_archive(path: &Path) -> bool {
    // Error ignored: as above.
    let is_file = || path.metadata().ok().is_some_and(|found| found.is_file());
    // Error ignored: as above.
    let Some(start) = is_file().then(|| start_of(path)).and_then(Result::ok) else { return false };
    COMPRESSIONS.iter().any(|magic| start.starts_with(magic))
        || start.get(MAGIC.0..).is_some_and(|rest| rest.starts_with(MAGIC.1))
}

fn start_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(512).read_to_end(&mut start)?;
    Ok(start)
}
