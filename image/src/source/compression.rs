//! The compression of an archive, found by its first bytes and never by its name.

use crate::error::Error;
use flate2::bufread::MultiGzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use std::io::{self, BufReader, Cursor, Read};

/// The number of bytes that decide. A tar's own mark, `ustar`, is at 257, but the oldest tars have none.
pub(crate) const MAGIC: usize = 6;
/// What the largest preset of xz needs, and a little more.
const XZ_MEMORY: u64 = 96 << 20;
const BUFFER: usize = 128 << 10;

/// The formats that are known by their first bytes, each with what is refused about it.
const REFUSED: [(&[u8], &str, Option<&str>); 5] = [
    (b"BZh", "bzip2", Some("bzip2 -dc")),
    (b"PK\x03\x04", "zip", None),
    (b"hsqs", "squashfs", None),
    (b"\x04\x22\x4d\x18", "lz4", Some("lz4 -dc")),
    (b"070701", "cpio", None),
];

/// The archive without its compression.
///
/// # Errors
/// The first bytes cannot be read, or they are those of a format that is not supported.
pub fn decompressed(mut archive: impl Read + Send + 'static) -> Result<Box<dyn Read + Send>, Error> {
    let reading = |error| Error::Read { error };
    let mut start = Vec::with_capacity(MAGIC);
    archive.by_ref().take(MAGIC as u64).read_to_end(&mut start).map_err(reading)?;
    if start.is_empty() {
        return Err(Error::archive("it is empty"));
    }
    if let Some((_, found, convert)) = REFUSED.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Err(Error::Format { found, convert: *convert });
    }
    let whole = Cursor::new(start.clone()).chain(archive);
    decoder(&start, whole).map_err(reading)
}

/// The end of the media type of a layer that begins with these bytes.
///
/// # Errors
/// Layers have no such compression.
pub(crate) fn media_type_suffix(start: &[u8]) -> Result<&'static str, &'static str> {
    match start {
        [0x1f, 0x8b, ..] => Ok("+gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok("+zstd"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Err("xz"),
        _ => REFUSED
            .iter()
            .find(|(magic, ..)| start.starts_with(magic))
            .map_or(Ok(""), |(_, found, _)| Err(found)),
    }
}

fn decoder(start: &[u8], whole: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let buffered = |whole| BufReader::with_capacity(BUFFER, whole);
    Ok(match start {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(buffered(whole))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::stream::read::Decoder::with_buffer(buffered(whole))?),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
            Box::new(XzDecoder::new_stream(whole, stream))
        }
        _ => Box::new(whole),
    })
}
