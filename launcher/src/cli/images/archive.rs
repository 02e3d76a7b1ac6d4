//! Whether a file is an archive that subroot-image unpacks.

use crate::diagnose::named::archive::{is_tar, start_of};
use std::path::Path;

/// How gzip, zstd, xz and bzip2 begin. subroot-image refuses the last one with the command that converts it.
const COMPRESSIONS: [&[u8]; 4] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh"];

/// True for a regular file that begins as an archive does. What cannot be read is none, and opening it as a
/// directory then fails with the reason.
pub(crate) fn is_archive(path: &Path) -> bool {
    let is_compressed = |start: &[u8]| COMPRESSIONS.iter().any(|magic| start.starts_with(magic));
    start_of(path).is_some_and(|start| is_compressed(&start) || is_tar(&start))
}
