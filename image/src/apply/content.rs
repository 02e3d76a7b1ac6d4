//! The content of a file.

use crate::error::Error;
use crate::tar::archive::Archive;
use crate::tar::member::{Kind, Member, Piece};
use nix::errno::Errno;
use nix::unistd::{ftruncate, write};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;

/// Copies the content of the archive's current entry to a new file.
///
/// # Errors
/// The archive cannot be read, or the file cannot be written.
pub(crate) fn copy(archive: &mut Archive, member: &Member, file: &File) -> Result<(), Error> {
    match &member.kind {
        Kind::Sparse { pieces, size } => copy_pieces(archive, member, file, pieces)
            .and_then(|()| set_size(file, *size).map_err(Error::applying("setting the size", &member.name))),
        _ => archive.content(member.stored, |piece| {
            write_all(file, piece).map_err(Error::applying("writing the content", &member.name))
        }),
    }
}

fn copy_pieces(archive: &mut Archive, member: &Member, file: &File, pieces: &[Piece]) -> Result<(), Error> {
    for piece in pieces {
        let mut at = piece.offset;
        archive.content(piece.length, |bytes| {
            let written = file
                .write_all_at(bytes, at)
                .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)));
            at += bytes.len() as u64;
            written.map_err(Error::applying("writing the content", &member.name))
        })?;
    }
    Ok(())
}

fn set_size(file: &File, size: u64) -> Result<(), Errno> {
    ftruncate(file, i64::try_from(size).map_err(|_| Errno::EFBIG)?)
}

fn write_all(file: &File, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match write(file.as_fd(), bytes) {
            Ok(0) => return Err(Errno::EIO),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
