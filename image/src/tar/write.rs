//! Writes a tar: POSIX's ustar headers, with a pax header before an entry only for what they cannot hold. The bytes
//! depend on the members alone.

use crate::tar::member::{Attribute, Kind, Member, Time};
use std::io::{self, Write};
use tar_core::EntryType;
use tar_core::builder::HeaderBuilder;

const BLOCK: usize = 512;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
const NAME: usize = 100;
const PREFIX: usize = 155;
/// What 7 and 11 octal digits hold.
const MOST_ID: u64 = (1 << 21) - 1;
const MOST_SIZE: u64 = (1 << 33) - 1;
/// The name that a pax header has in its own header. Readers do not look at it.
const PAX_NAME: &[u8] = b"PaxHeaders/entry";

/// The key and the value of a pax record.
type Record = (Vec<u8>, Vec<u8>);

/// A tar that is being written.
pub(crate) struct Writer<W> {
    output: W,
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(output: W) -> Writer<W> {
        Writer { output }
    }

    /// Writes the headers of an entry. Its content, of `stored` bytes, must follow, and then [`Writer::pad`].
    ///
    /// # Errors
    /// Errors of the output.
    pub(crate) fn begin(&mut self, member: &Member) -> io::Result<()> {
        let records = records(member);
        if !records.is_empty() {
            let content: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
            let name = Fields { name: PAX_NAME, prefix: b"", link: b"", mode: 0o644, ids: (0, 0), mtime: 0 };
            self.header(&name, EntryType::XHeader, content.len() as u64)?;
            self.write(&content)?;
            self.pad(content.len() as u64)?;
        }
        let (entry_type, link) = entry_type(&member.kind);
        let (prefix, name) = split(&member.name).unwrap_or((b"", start(&member.name)));
        let fits = |value: u64, most: u64| if value <= most { value } else { 0 };
        let fields = Fields {
            name,
            prefix,
            link: start(link),
            mode: member.mode,
            ids: (fits(member.uid, MOST_ID), fits(member.gid, MOST_ID)),
            mtime: u64::try_from(member.mtime.seconds).map_or(0, |seconds| fits(seconds, MOST_SIZE)),
        };
        self.header(&fields, entry_type, fits(member.stored, MOST_SIZE))
    }

    /// Writes a part of the content.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)
    }

    /// Writes this many zeros.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn zeros(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 {
            let length = usize::try_from(count).unwrap_or(usize::MAX).min(ZEROS.len());
            self.write(ZEROS.get(..length).unwrap_or_default())?;
            count -= length as u64;
        }
        Ok(())
    }

    /// Ends a content of this many bytes.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn pad(&mut self, length: u64) -> io::Result<()> {
        self.zeros(length.wrapping_neg() % BLOCK as u64)
    }

    /// Ends the archive, and returns what it was written to.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.zeros(2 * BLOCK as u64)?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn header(&mut self, fields: &Fields<'_>, entry_type: EntryType, size: u64) -> io::Result<()> {
        let header = fields.header(entry_type, size).map_err(io::Error::other)?;
        self.write(header.as_bytes())
    }
}

/// What a header holds, cut to what fits.
struct Fields<'a> {
    name: &'a [u8],
    prefix: &'a [u8],
    link: &'a [u8],
    mode: u32,
    ids: (u64, u64),
    mtime: u64,
}

impl Fields<'_> {
    fn header(&self, entry_type: EntryType, size: u64) -> tar_core::Result<tar_core::Header> {
        let mut header = HeaderBuilder::new_ustar();
        header.path(self.name)?.prefix(self.prefix)?.link_name(self.link)?.mode(self.mode)?;
        header.uid(self.ids.0)?.gid(self.ids.1)?.size(size)?.mtime(self.mtime)?;
        Ok(header.device(0, 0)?.entry_type(entry_type).finish())
    }
}

fn entry_type(kind: &Kind) -> (EntryType, &[u8]) {
    match kind {
        Kind::Directory => (EntryType::Directory, b""),
        Kind::Symlink(target) => (EntryType::Symlink, target),
        Kind::HardLink(target) => (EntryType::Link, target),
        Kind::Fifo => (EntryType::Fifo, b""),
        _ => (EntryType::Regular, b""),
    }
}

/// The records of what the header cannot hold, by their keys.
fn records(member: &Member) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut add = |key: &str, value: Vec<u8>| records.push((key.into(), value));
    if split(&member.name).is_none() {
        add("path", member.name.clone());
    }
    let (_, link) = entry_type(&member.kind);
    if link.len() > NAME {
        add("linkpath", link.to_vec());
    }
    for (key, value, most) in
        [("uid", member.uid, MOST_ID), ("gid", member.gid, MOST_ID), ("size", member.stored, MOST_SIZE)]
    {
        if value > most {
            add(key, value.to_string().into());
        }
    }
    if !fits_header(member.mtime) {
        add("mtime", seconds(member.mtime).into());
    }
    records.extend(member.attributes.iter().map(attribute));
    records.sort();
    records
}

fn attribute(attribute: &Attribute) -> Record {
    let key: &[u8] = b"SCHILY.xattr.";
    ([key, &attribute.name].concat(), attribute.value.clone())
}

fn fits_header(time: Time) -> bool {
    time.nanoseconds == 0 && u64::try_from(time.seconds).is_ok_and(|seconds| seconds <= MOST_SIZE)
}

/// Seconds with a fraction, which counts away from 1970: -1.5 is half a second before -1.
fn seconds(Time { seconds, nanoseconds }: Time) -> String {
    let (sign, whole, fraction) = match (seconds < 0, nanoseconds) {
        (true, 1..) => ("-", (seconds + 1).unsigned_abs(), 1_000_000_000 - nanoseconds),
        (true, 0) => ("-", seconds.unsigned_abs(), 0),
        (false, _) => ("", seconds.unsigned_abs(), nanoseconds),
    };
    let text = format!("{sign}{whole}.{fraction:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `LENGTH KEY=VALUE\n`, where the length counts its own digits.
fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let digits = |number: usize| number.to_string().len();
    let guess = rest + digits(rest);
    let length = rest + digits(guess);
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// The prefix and the name of a header; `None` if the whole name does not fit.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME {
        return Some((b"", name));
    }
    // What follows the slash must not be empty: that of a directory ends in one.
    let mut slashes = name.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let at = slashes.find(|at| name.len() - at - 1 <= NAME)?;
    let (prefix, rest) = (name.get(..at)?, name.get(at + 1..)?);
    (prefix.len() <= PREFIX && !prefix.is_empty() && !rest.is_empty()).then_some((prefix, rest))
}

fn start(name: &[u8]) -> &[u8] {
    name.get(..NAME).unwrap_or(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{record, seconds, split};
    use crate::tar::member::Time;

    #[test]
    fn a_record_counts_its_own_digits() {
        assert_eq!(record(b"a", b"b"), b"6 a=b\n");
        for length in [1, 85, 90, 91, 92, 93, 985, 990, 991, 992] {
            let made = record(b"key", &vec![b'x'; length]);
            let digits = made.iter().position(|byte| *byte == b' ').unwrap();
            assert_eq!(std::str::from_utf8(&made[..digits]).unwrap(), made.len().to_string(), "{length}");
        }
    }

    #[test]
    fn times_before_1970_have_their_fraction_below_them() {
        let text = |seconds_, nanoseconds| seconds(Time { seconds: seconds_, nanoseconds });
        assert_eq!(text(5, 0), "5");
        assert_eq!(text(100, 1), "100.000000001");
        assert_eq!(text(1, 500_000_000), "1.5");
        assert_eq!(text(-2, 500_000_000), "-1.5");
        assert_eq!(text(-10, 0), "-10");
        assert_eq!(text(-1, 750_000_000), "-0.25");
    }

    #[test]
    fn a_long_name_is_split_if_both_parts_fit() {
        let (short, long) = ("x".repeat(100), "y".repeat(101));
        assert_eq!(split(short.as_bytes()), Some((&b""[..], short.as_bytes())));
        assert_eq!(split(long.as_bytes()), None);
        let both = format!("dir/{short}");
        assert_eq!(split(both.as_bytes()), Some((&b"dir"[..], short.as_bytes())));
        assert_eq!(split(format!("{long}/{long}").as_bytes()), None);
        assert_eq!(split(format!("{long}/").as_bytes()), None);
        assert_eq!(split(format!("{}/{short}", "z".repeat(156)).as_bytes()), None);
    }
}
