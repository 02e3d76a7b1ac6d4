//! The blobs: files named by the SHA-256 of their content. A blob is complete and on disk before it has its name.

use crate::digest::{Digest, Hasher};
use crate::error::Error;
use crate::source::documents::{Descriptor, MOST_BYTES};
use crate::source::image::Layer;
use crate::store::dir::Dir;
use nix::sys::stat::{fstat, fstatat};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write as _};

const BUFFER: usize = 1 << 20;

/// The directory `blobs/sha256`.
pub(crate) struct Blobs {
    dir: Dir,
    tmp: Dir,
}

/// A blob of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

impl Blob {
    /// That of a layer.
    pub(crate) fn of(layer: &Layer) -> Blob {
        Blob { digest: layer.blob, size: layer.size }
    }

    /// What a manifest says of it.
    pub(crate) fn described(&self, media_type: String) -> Descriptor {
        Descriptor::new(media_type, self.digest, self.size)
    }
}

impl Blobs {
    pub(crate) fn new(dir: Dir, tmp: Dir) -> Blobs {
        Blobs { dir, tmp }
    }

    /// Opens a blob.
    ///
    /// # Errors
    /// It is missing.
    pub(crate) fn open(&self, digest: &Digest) -> Result<File, Error> {
        self.dir.open(digest.hex())?.ok_or_else(|| self.missing(digest))
    }

    /// The size of a blob; `None` if it is missing.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        let Some(file) = self.dir.open(digest.hex())? else { return Ok(None) };
        let size = fstat(&file).map_err(self.dir.failed("examining", digest.hex()))?.st_size;
        Ok(u64::try_from(size).ok())
    }

    /// The content of a manifest or config, whose digest is compared.
    ///
    /// # Errors
    /// It is missing, too large or damaged.
    pub(crate) fn read(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let content = self.dir.read(digest.hex(), MOST_BYTES)?.ok_or_else(|| self.missing(digest))?;
        if Digest::of(&content) != *digest {
            return Err(self.dir.damaged(digest.hex(), "its content does not have this digest"));
        }
        Ok(content)
    }

    /// Adds a manifest or config.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn add_text(&self, content: &[u8]) -> Result<Blob, Error> {
        self.add(content, None, &|| Ok(()))
    }

    /// Adds everything that `content` returns. If the blob is known, both digest and size must be as expected.
    /// `wait` is called before each read.
    ///
    /// # Errors
    /// It cannot be read or written, or is another one; errors of `wait`.
    pub(crate) fn add(
        &self,
        content: impl Read,
        expected: Option<&Blob>,
        wait: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Blob, Error> {
        let (file, fresh) = self.tmp.new_file()?;
        let added = self.copy(content, &file, expected, wait).and_then(|blob| {
            let name = OsString::from(blob.digest.hex());
            self.dir.place(&self.tmp, &fresh, &file, &name).map(|()| blob)
        });
        added.inspect_err(|_| self.tmp.forget(&fresh))
    }

    fn copy(
        &self,
        mut content: impl Read,
        mut file: &File,
        expected: Option<&Blob>,
        wait: &dyn Fn() -> Result<(), Error>,
    ) -> Result<Blob, Error> {
        let (mut hasher, mut size, mut buffer) = (Hasher::default(), 0_u64, vec![0; BUFFER]);
        let most = expected.map_or(u64::MAX, |blob| blob.size);
        loop {
            wait()?;
            let count = match content.read(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read.map_err(|error| Error::Read { error })?,
            };
            let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { break };
            size = size.saturating_add(count as u64);
            if size > most {
                return Err(Error::archive(format!(
                    "a blob is larger than the {most} bytes of its manifest"
                )));
            }
            hasher.update(piece);
            file.write_all(piece).map_err(self.tmp.failed_io("writing", ""))?;
        }
        let found = Blob { digest: hasher.finish(), size };
        match expected.filter(|expected| **expected != found) {
            None => Ok(found),
            Some(Blob { digest, size }) => Err(Error::archive(format!(
                "blob {digest} of {size} bytes has the digest {} and {} bytes",
                found.digest, found.size
            ))),
        }
    }

    /// Removes all blobs but these. Returns the number of bytes.
    ///
    /// # Errors
    /// One cannot be removed.
    pub(crate) fn keep(&self, needed: &HashSet<String>) -> Result<u64, Error> {
        let mut removed = 0;
        for name in self.dir.names()? {
            if name.to_str().is_some_and(|name| needed.contains(name)) {
                continue;
            }
            let found = fstatat(&self.dir.fd, name.as_os_str(), nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW);
            let size = found.map_err(self.dir.failed("examining", &name))?.st_size;
            self.dir.remove(&name)?;
            removed += u64::try_from(size).ok().unwrap_or(0);
        }
        Ok(removed)
    }

    fn missing(&self, digest: &Digest) -> Error {
        self.dir.damaged(digest.hex(), "the blob is missing")
    }
}
