//! The digest and the size of a stream, computed while it is read.

use crate::digest::{Digest, Hasher};
use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// A stream of known size that reports its digest at its end. It is for the thread that decompresses.
pub struct Verified<R> {
    source: R,
    left: u64,
    hasher: Option<Hasher>,
    result: SyncSender<Digest>,
}

impl<R: Read> Verified<R> {
    /// The next `size` bytes of `source`, and where their digest comes once all of them were read.
    pub fn new(source: R, size: u64) -> (Verified<R>, Receiver<Digest>) {
        let (result, digest) = sync_channel(1);
        (Verified { source, left: size, hasher: Some(Hasher::default()), result }, digest)
    }

    fn finish(&mut self) {
        if let Some(hasher) = self.hasher.take() {
            // Error ignored: after an error, the digest is not wanted.
            let _ = self.result.send(hasher.finish());
        }
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.finish();
            return Ok(0);
        }
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(space) = buffer.get_mut(..wanted).filter(|space| !space.is_empty()) else { return Ok(0) };
        let count = self.source.read(space)?;
        if count == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the layer is truncated"));
        }
        self.left -= count as u64;
        if let (Some(hasher), Some(bytes)) = (&mut self.hasher, space.get(..count)) {
            hasher.update(bytes);
        }
        Ok(count)
    }
}
