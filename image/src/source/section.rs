//! A part of a file: a blob of a layout, or a member of an archive, which needs no copy.

use crate::digest::{Digest, Hasher};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

const BUFFER: usize = 128 << 10;

/// Some bytes of a file.
#[derive(Clone, Debug)]
pub struct Section {
    file: Arc<File>,
    offset: u64,
    length: u64,
}

impl Section {
    pub(crate) fn new(file: Arc<File>, offset: u64, length: u64) -> Section {
        Section { file, offset, length }
    }

    /// The number of bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The bytes as a stream. It fails if the file has become shorter.
    pub fn reader(&self) -> SectionReader {
        SectionReader { rest: self.clone() }
    }

    /// All bytes, if there are not more than `most`.
    pub(crate) fn bytes(&self, most: u64) -> io::Result<Vec<u8>> {
        if self.length > most {
            let why = format!("it has {} bytes; {most} are allowed", self.length);
            return Err(io::Error::new(ErrorKind::FileTooLarge, why));
        }
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The first bytes: `count`, or all.
    pub(crate) fn start(&self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(count);
        self.reader().take(count as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The digest of all bytes, which are read for it.
    pub(crate) fn digest(&self) -> io::Result<Digest> {
        let (mut reader, mut hasher, mut buffer) = (self.reader(), Hasher::default(), vec![0; BUFFER]);
        loop {
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                return Ok(hasher.finish());
            }
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
    }

    /// The file, with its offset where the section begins. The offset is shared with all other descriptors of the
    /// file that were made in this way.
    ///
    /// # Errors
    /// Errors of dup(2) and lseek(2).
    pub fn file(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(self.offset))?;
        Ok(file)
    }
}

/// The bytes of a section, in order.
#[derive(Debug)]
pub struct SectionReader {
    rest: Section,
}

impl Read for SectionReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.rest.length).unwrap_or(usize::MAX).min(buffer.len());
        let Some(space) = buffer.get_mut(..wanted).filter(|space| !space.is_empty()) else { return Ok(0) };
        let count = self.rest.file.read_at(space, self.rest.offset)?;
        if count == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the file is truncated"));
        }
        self.rest.offset += count as u64;
        self.rest.length -= count as u64;
        Ok(count)
    }
}
