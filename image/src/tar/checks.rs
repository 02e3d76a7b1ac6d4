//! What a header must satisfy before anything is made of it.

use crate::error::Error;
use crate::tar::member::{Kind, Piece};
use tar_core::EntryType;

/// True for entries without content, whatever their size field says: GNU tar and Go read archives this way, and
/// a reader that skips content here sees other entries than they do.
pub(crate) fn is_header_only(entry_type: EntryType) -> bool {
    matches!(
        entry_type,
        EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo
    )
}

/// A sparse file whose pieces are in order, do not overlap, are inside the file, and are exactly what is stored.
///
/// # Errors
/// They are not.
pub(crate) fn sparse(
    pieces: impl Iterator<Item = (u64, u64)>,
    size: u64,
    stored: u64,
) -> Result<Kind, &'static str> {
    let (mut end, mut sum, mut kept) = (0_u64, 0_u64, Vec::new());
    for (offset, length) in pieces {
        let piece_end = offset.checked_add(length).filter(|piece_end| offset >= end && *piece_end <= size);
        end = piece_end.ok_or("its sparse map is malformed")?;
        sum = sum.checked_add(length).ok_or("its sparse map is malformed")?;
        kept.push(Piece { offset, length });
    }
    if sum != stored {
        return Err("its sparse map does not match what is stored");
    }
    Ok(Kind::Sparse { pieces: kept, size })
}

/// The kind of an entry that is not sparse.
///
/// # Errors
/// The entry's type is unknown, or a link has no target.
pub(crate) fn kind(entry_type: EntryType, name: &[u8], target: Option<&[u8]>) -> Result<Kind, Error> {
    let linked = || target.map(<[u8]>::to_vec).ok_or_else(|| Error::entry(name, "the link has no target"));
    Ok(match entry_type {
        // The oldest tars have no type for directories.
        EntryType::Regular if name.ends_with(b"/") => Kind::Directory,
        EntryType::Regular | EntryType::Continuous => Kind::File,
        EntryType::Directory => Kind::Directory,
        EntryType::Symlink => Kind::Symlink(linked()?),
        EntryType::Link => Kind::HardLink(linked()?),
        EntryType::Fifo => Kind::Fifo,
        EntryType::Char | EntryType::Block => Kind::Device,
        EntryType::Other(b'V') => Kind::Label,
        other => {
            let letter = char::from(other.to_byte()).escape_default();
            return Err(Error::entry(name, format!("entries of type {letter} are not supported")));
        }
    })
}
