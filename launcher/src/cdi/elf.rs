//! 64-bit little-endian ELF files: elf(5).
//!
//! Errors ignored: a file that cannot be read, or is damaged, has no headers and no name.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const DT_NULL: u64 = 0;
const DT_STRTAB: u64 = 5;
const DT_SONAME: u64 = 14;
/// More entries than any dynamic section has.
const MOST_ENTRIES: u64 = 1000;
/// Longer than any name.
const LONGEST: usize = 256;

/// A little-endian number.
pub(crate) fn number<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(BYTES)?)?;
    Some(field.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
}

/// A program header.
pub(crate) struct Segment([u8; 56]);

impl Segment {
    /// p_type.
    pub(crate) fn kind(&self) -> Option<u64> {
        number::<4>(&self.0, 0)
    }

    /// p_offset and p_filesz.
    pub(crate) fn in_file(&self) -> Option<(u64, u64)> {
        number::<8>(&self.0, 8).zip(number::<8>(&self.0, 32))
    }

    fn address(&self) -> Option<u64> {
        number::<8>(&self.0, 16)
    }
}

/// The program headers of a file that begins with `header`; none if it is not such a file.
pub(crate) fn segments(file: &File, header: &[u8]) -> Option<Vec<Segment>> {
    header.strip_prefix(b"\x7fELF\x02\x01")?;
    let table = number::<8>(header, 32)?;
    let (size, count) = (number::<2>(header, 54)?, number::<2>(header, 56)?);
    let segment = |at: u64| {
        let mut segment = [0; 56];
        file.read_exact_at(&mut segment, table.checked_add(at.checked_mul(size)?)?).ok()?;
        Some(Segment(segment))
    };
    (0..count).map(segment).collect()
}

/// The soname of a shared library; none if it has none.
pub(crate) fn soname(path: &Path) -> Option<Vec<u8>> {
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|found| found.is_file()))?;
    let mut header = [0; 64];
    file.read_exact_at(&mut header, 0).ok()?;
    let segments = segments(&file, &header)?;
    let (dynamic, length) = segments.iter().find(|segment| segment.kind() == Some(PT_DYNAMIC))?.in_file()?;
    let (mut strings, mut name) = (None, None);
    for at in 0..(length / 16).min(MOST_ENTRIES) {
        let mut entry = [0; 16];
        file.read_exact_at(&mut entry, dynamic.checked_add(at * 16)?).ok()?;
        match number::<8>(&entry, 0)? {
            DT_NULL => break,
            DT_STRTAB => strings = number::<8>(&entry, 8),
            DT_SONAME => name = number::<8>(&entry, 8),
            _ => {}
        }
    }
    let at = offset(&segments, strings?)?.checked_add(name?)?;
    let mut text = [0; LONGEST];
    let length = file.read_at(&mut text, at).ok()?;
    let name = text.get(..length)?.split(|byte| *byte == 0).next()?;
    (!name.is_empty()).then(|| name.to_vec())
}

/// The offset in the file of what is loaded at an address.
fn offset(segments: &[Segment], address: u64) -> Option<u64> {
    segments.iter().filter(|segment| segment.kind() == Some(PT_LOAD)).find_map(|segment| {
        let (offset, length) = segment.in_file()?;
        let within = address.checked_sub(segment.address()?).filter(|within| *within < length)?;
        offset.checked_add(within)
    })
}
