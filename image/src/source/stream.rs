//! The bytes of an archive: one thread decompresses, another one computes the digest if it is wanted, and the thread
//! that unpacks takes the buffers.

use crate::digest::{Digest, Hasher};
use crate::error::Error;
use crate::source::bytes::Bytes;
use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// The size of a buffer. Two are being used, and one waits.
const SIZE: usize = 1 << 20;
const BUFFERS: usize = 3;
/// Space before the data of a buffer, for the unused rest of the one before it: a header is contiguous.
const HEADROOM: usize = 4 << 10;

type Filled = Receiver<io::Result<Buffer>>;

/// The bytes of an archive, in order.
pub struct ByteStream {
    filled: Filled,
    used: SyncSender<Vec<u8>>,
    current: Buffer,
    is_at_end: bool,
    /// How many more bytes may come.
    allowed: u64,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

impl ByteStream {
    /// Starts a thread that reads everything from `source`. The stream fails after `most` bytes.
    pub fn new(source: impl Read + Send + 'static, most: u64) -> ByteStream {
        let (filled, used) = start(source, BUFFERS);
        ByteStream { filled, used, current: Buffer::default(), is_at_end: false, allowed: most }
    }

    /// The same with a second thread, which computes the digest of all bytes. It comes once they were read.
    pub fn hashed(source: impl Read + Send + 'static, most: u64) -> (ByteStream, Receiver<Digest>) {
        let (filled, used) = start(source, BUFFERS + 1);
        let (passing, hashed) = sync_channel(1);
        let (result, digest) = sync_channel(1);
        thread::spawn(move || hash(&filled, &passing, &result));
        let stream =
            ByteStream { filled: hashed, used, current: Buffer::default(), is_at_end: false, allowed: most };
        (stream, digest)
    }

    /// Passes on the next `count` bytes in pieces.
    ///
    /// # Errors
    /// Errors of [`Bytes::peek`] and of `take`, and an early end of the stream.
    pub fn pass(
        &mut self,
        mut count: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while count > 0 {
            let piece = self.peek(1)?;
            let length = usize::try_from(count).ok().map_or(piece.len(), |count| count.min(piece.len()));
            let piece = piece.get(..length).unwrap_or_default();
            if piece.is_empty() {
                return Err(truncated());
            }
            take(piece)?;
            self.consume(length);
            count = count.saturating_sub(length as u64);
        }
        Ok(())
    }

    /// Takes the next buffer, with the rest of the current one before its data.
    fn load(&mut self) -> Result<(), Error> {
        // An error means that the thread has ended, which it does at the end of the archive.
        let Ok(next) = self.filled.recv() else {
            self.is_at_end = true;
            return Ok(());
        };
        let mut next = next.map_err(|error| Error::Read { error })?;
        self.allowed = self
            .allowed
            .checked_sub(next.data().len() as u64)
            .ok_or_else(|| Error::archive("it is larger than --max-size allows"))?;
        prepend(self.current.data(), &mut next);
        let old = std::mem::replace(&mut self.current, next);
        if old.bytes.len() == HEADROOM + SIZE {
            // Error ignored: the thread has ended and needs no buffer.
            let _ = self.used.send(old.bytes);
        }
        Ok(())
    }
}

impl Bytes for ByteStream {
    fn peek(&mut self, count: usize) -> Result<&[u8], Error> {
        while self.current.data().len() < count && !self.is_at_end {
            self.load()?;
        }
        Ok(self.current.data())
    }

    fn consume(&mut self, count: usize) {
        self.current.start = self.current.start.saturating_add(count).min(self.current.end);
    }

    fn skip(&mut self, count: u64) -> Result<(), Error> {
        self.pass(count, |_| Ok(()))
    }

    /// So that the checksum at the end of compressed data is compared, and so that a program that writes to a
    /// pipe is not killed.
    fn drain(&mut self) -> Result<(), Error> {
        loop {
            let length = self.peek(1)?.len();
            if length == 0 {
                return Ok(());
            }
            self.consume(length);
        }
    }
}

pub(crate) fn truncated() -> Error {
    Error::archive("it ends too early: it was truncated")
}

/// Puts a few bytes before the data of a buffer. Metadata of up to 1 MiB needs a larger buffer.
fn prepend(rest: &[u8], next: &mut Buffer) {
    match next.start.checked_sub(rest.len()) {
        Some(start) => {
            if let Some(space) = next.bytes.get_mut(start..next.start) {
                space.copy_from_slice(rest);
            }
            next.start = start;
        }
        None => {
            let bytes = [rest, next.data()].concat();
            *next = Buffer { start: 0, end: bytes.len(), bytes };
        }
    }
}

/// Starts the thread that reads. Returns its buffers, and where they are returned to.
fn start(source: impl Read + Send + 'static, buffers: usize) -> (Filled, SyncSender<Vec<u8>>) {
    let (filling, filled) = sync_channel(1);
    let (used, empty) = sync_channel(buffers);
    for _ in 0..buffers {
        // Error ignored: the receiver exists, and the channel has space for all of them.
        let _ = used.send(vec![0; HEADROOM + SIZE]);
    }
    thread::spawn(move || fill(source, &empty, &filling));
    (filled, used)
}

/// Passes on buffers. The digest is sent before the end can be seen.
fn hash(filled: &Filled, passing: &SyncSender<io::Result<Buffer>>, result: &SyncSender<Digest>) {
    let mut hasher = Hasher::default();
    while let Ok(next) = filled.recv() {
        if let Ok(buffer) = &next {
            hasher.update(buffer.data());
        }
        let is_last = next.is_err();
        // An error means that the reader has ended.
        if passing.send(next).is_err() || is_last {
            return;
        }
    }
    // Error ignored: as above.
    let _ = result.send(hasher.finish());
}

fn fill(mut source: impl Read, empty: &Receiver<Vec<u8>>, filled: &SyncSender<io::Result<Buffer>>) {
    while let Ok(mut bytes) = empty.recv() {
        let read = read_full(&mut source, bytes.get_mut(HEADROOM..).unwrap_or_default());
        let next = match read {
            Ok(0) => return,
            Ok(count) => Ok(Buffer { bytes, start: HEADROOM, end: HEADROOM + count }),
            Err(error) => Err(error),
        };
        let is_last = next.is_err();
        // An error means that the reader has ended.
        if filled.send(next).is_err() || is_last {
            return;
        }
    }
}

/// Reads until the buffer is full or the source ends.
fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while let Some(space) = buffer.get_mut(count..).filter(|space| !space.is_empty()) {
        match source.read(space) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}
