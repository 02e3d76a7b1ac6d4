//! Reads a tar from a stream: its entries one after the other, each with its content.

use crate::error::Error;
use crate::source::bytes::{Bytes, FileBytes};
use crate::source::stream::{ByteStream, truncated};
use crate::tar::acl;
use crate::tar::checks;
use crate::tar::member::{Attribute, Member, Time};
use crate::tar::pax::Records;
use tar_core::parse::{Limits, ParseError, ParseEvent, ParsedEntry, Parser};

const BLOCK: u64 = 512;
const HEADER: usize = 512;
/// The maximum length of a name or a link's target: PATH_MAX.
const MAX_PATH: u32 = 4096;
const MAX_METADATA: u32 = 1 << 20;
const MAX_PIECES: usize = 10_000;
/// What all headers of an entry may take together: metadata, and a sparse map. tar-core limits neither the digits of
/// a map's numbers nor blocks of a map that are empty.
const MAX_HEADERS: usize = 3 << 20;

/// A tar.
pub struct Archive<S = ByteStream> {
    stream: S,
    parser: Parser,
    /// Bytes of the current entry that have not been read, with the padding after them.
    unread: u64,
    /// What global pax headers have set.
    global: Records,
    has_begun: bool,
}

impl<S: Bytes> Archive<S> {
    /// A tar in this stream.
    pub fn new(stream: S) -> Archive<S> {
        let limits = Limits {
            max_metadata_size: MAX_METADATA,
            max_path_len: Some(MAX_PATH),
            max_sparse_entries: MAX_PIECES,
            ..Limits::default()
        };
        let mut parser = Parser::new(limits);
        // `Records` reads the numbers, and ends the import if one is malformed.
        parser.set_ignore_pax_errors(true);
        Archive { stream, parser, unread: 0, global: Records::default(), has_begun: false }
    }

    /// The next entry; `None` after the last one, once the stream has been read to its end.
    ///
    /// # Errors
    /// The archive cannot be read, or is malformed.
    pub fn next_member(&mut self) -> Result<Option<Member>, Error> {
        let unread = std::mem::take(&mut self.unread);
        self.stream.skip(unread)?;
        let mut wanted = HEADER;
        loop {
            let (consumed, read) = self.read(wanted)?;
            self.stream.consume(consumed);
            match read {
                Read::More(count) if count > MAX_HEADERS => {
                    return Err(Error::archive("its metadata is too large"));
                }
                Read::More(count) => wanted = count,
                Read::Global(records) => {
                    self.set_global(records)?;
                    wanted = HEADER;
                }
                Read::End => return self.stream.drain().map(|()| None),
                Read::Member(member) => return self.begin(*member).map(Some),
            }
        }
    }

    /// Parses what is next, with at least this many bytes if the stream has them. Returns how many were used.
    fn read(&mut self, wanted: usize) -> Result<(usize, Read), Error> {
        let input = self.stream.peek(wanted)?;
        let (global, is_short) = (&self.global, input.len() < wanted);
        Ok(match self.parser.parse(input).map_err(|error| malformed(&error, self.has_begun))? {
            ParseEvent::NeedData { .. } if is_short && ends_in_zeros(input) => (0, Read::End),
            ParseEvent::NeedData { .. } if is_short => return Err(truncated()),
            ParseEvent::NeedData { min_bytes } => (0, Read::More(min_bytes.max(input.len() + 1))),
            ParseEvent::Entry { consumed, entry } => (consumed, Read::of(member(&entry, None, global)?)),
            ParseEvent::SparseEntry { consumed, entry, sparse_map, real_size } => {
                let pieces = sparse_map.iter().map(|piece| (piece.offset, piece.length)).collect();
                (consumed, Read::of(member(&entry, Some((pieces, real_size)), global)?))
            }
            ParseEvent::GlobalExtensions { consumed, pax_data } => {
                (consumed, Read::Global(global_records(consumed, pax_data)?))
            }
            ParseEvent::End { consumed } => (consumed, Read::End),
        })
    }

    /// Makes the content of an entry the next that is read.
    fn begin(&mut self, member: Member) -> Result<Member, Error> {
        let padded = member.stored.checked_next_multiple_of(BLOCK);
        self.unread = padded.ok_or_else(|| Error::entry(&member.name, "its size is impossible"))?;
        self.has_begun = true;
        Ok(member)
    }

    /// Global headers set what every entry has unless it has its own. One that names a single entry's path or
    /// size would apply to all of them.
    fn set_global(&mut self, records: Records) -> Result<(), Error> {
        if records.is_about_one_entry || !records.attributes.is_empty() {
            return Err(Error::archive("a global pax header overrides what only an entry can have"));
        }
        let Records { uid, gid, mtime, .. } = records;
        let global = &mut self.global;
        global.uid = uid.or(global.uid);
        global.gid = gid.or(global.gid);
        global.mtime = mtime.or(global.mtime);
        Ok(())
    }
}

impl Archive {
    /// Passes on the content of the current entry in pieces.
    ///
    /// # Errors
    /// The archive cannot be read, or an error of `take`.
    pub fn content(&mut self, count: u64, take: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        self.unread = self.unread.checked_sub(count).ok_or_else(truncated)?;
        self.stream.pass(count, take)
    }
}

impl Archive<FileBytes> {
    /// Where the content of the current entry begins in the file.
    pub(crate) fn position(&self) -> u64 {
        self.stream.position()
    }
}

/// What was read.
enum Read {
    /// Nothing, because so many bytes are needed.
    More(usize),
    Member(Box<Member>),
    Global(Records),
    End,
}

impl Read {
    fn of(member: Member) -> Read {
        Read::Member(Box::new(member))
    }
}

/// Reads a global pax header. tar-core has dropped headers before it, which belong to the entry after it.
fn global_records(consumed: usize, header: &[u8]) -> Result<Records, Error> {
    if consumed as u64 > BLOCK + (header.len() as u64).next_multiple_of(BLOCK) {
        return Err(Error::archive("a global pax header is between an entry and its own headers"));
    }
    Records::read(header)
}

/// True for what is left of an archive whose end is only one block of zeros, or that ends without one between
/// two entries, if it is padded. An archive that ends without a block of zeros may be truncated.
fn ends_in_zeros(rest: &[u8]) -> bool {
    !rest.is_empty() && rest.iter().all(|byte| *byte == 0)
}

fn malformed(error: &ParseError, has_begun: bool) -> Error {
    match error {
        ParseError::Header(_) if !has_begun => Error::archive("it is not a tar archive"),
        _ => Error::archive(error.to_string()),
    }
}

/// The pieces of a sparse file, and its size.
type Sparse = (Vec<(u64, u64)>, u64);

fn member(entry: &ParsedEntry<'_>, sparse: Option<Sparse>, global: &Records) -> Result<Member, Error> {
    let name = entry.path.to_vec();
    let records = Records::read(entry.pax.unwrap_or_default())?;
    let is_header_only = checks::is_header_only(entry.entry_type);
    let stored = if is_header_only { 0 } else { entry.size };
    let kind = match sparse {
        // tar-core then takes the size of the map for content.
        Some(_) if records.size.is_some() => {
            return Err(Error::entry(&name, "a sparse file has a size record"));
        }
        Some((pieces, size)) => {
            checks::sparse(pieces.into_iter(), size, stored).map_err(|why| Error::entry(&name, why))?
        }
        None => checks::kind(entry.entry_type, &name, entry.link_target.as_deref())?,
    };
    let (attributes, lost_attributes) = attributes(records.attributes, records.access_lists);
    Ok(Member {
        kind,
        mode: entry.mode & 0o7777,
        uid: records.uid.or(global.uid).unwrap_or(entry.uid),
        gid: records.gid.or(global.gid).unwrap_or(entry.gid),
        mtime: records.mtime.or(global.mtime).unwrap_or_else(|| header_time(entry.mtime)),
        attributes,
        lost_attributes,
        stored,
        name,
    })
}

/// The attributes, with access control lists converted, and the number of those that cannot be converted.
fn attributes(mut kept: Vec<Attribute>, lists: Vec<(bool, Vec<u8>)>) -> (Vec<Attribute>, u64) {
    let mut lost = 0;
    for (is_default, text) in lists {
        let name: &[u8] = if is_default { b"system.posix_acl_default" } else { b"system.posix_acl_access" };
        match acl::value(&text) {
            _ if kept.iter().any(|attribute| attribute.name == name) => {}
            Some(value) => kept.push(Attribute { name: name.to_vec(), value }),
            None => lost += 1,
        }
    }
    (kept, lost)
}

/// A time before 1970 is a negative number in base 256, of which tar-core returns the bits.
fn header_time(bits: u64) -> Time {
    Time { seconds: i64::from_ne_bytes(bits.to_ne_bytes()), nanoseconds: 0 }
}
