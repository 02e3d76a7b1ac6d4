//! The records of a pax header. Each is `LENGTH KEY=VALUE\n`, and only the length decides where it ends: a value
//! may contain newlines. A record that cannot be parsed ends the import (CVE-2025-62518, CVE-2026-33055).

use crate::error::Error;
use crate::tar::member::{Attribute, Time};

const ATTRIBUTE: &[u8] = b"SCHILY.xattr.";
/// Access control lists as text, for which there is no attribute in the archive.
const ACCESS_LISTS: [&[u8]; 2] = [b"SCHILY.acl.access", b"SCHILY.acl.default"];
const NANOSECOND_DIGITS: usize = 9;

/// What the records of one header say, as far as tar-core does not read it, or reads it less exactly.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u64>,
    pub(crate) gid: Option<u64>,
    pub(crate) mtime: Option<Time>,
    pub(crate) attributes: Vec<Attribute>,
    /// Access control lists as text.
    pub(crate) access_lists: Vec<(bool, Vec<u8>)>,
    /// True if the name, the link or the size is overridden, or a sparse file is described.
    pub(crate) is_about_one_entry: bool,
}

impl Records {
    /// Reads all records of a header.
    ///
    /// # Errors
    /// A record is malformed.
    pub(crate) fn read(mut header: &[u8]) -> Result<Records, Error> {
        let mut records = Records::default();
        while !header.is_empty() {
            let (key, value, rest) = record(header).ok_or_else(malformed)?;
            records.take(key, value).ok_or_else(malformed)?;
            header = rest;
        }
        Ok(records)
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"size" => (self.size, self.is_about_one_entry) = (Some(decimal(value)?), true),
            b"uid" => self.uid = Some(decimal(value)?),
            b"gid" => self.gid = Some(decimal(value)?),
            b"mtime" => self.mtime = Some(time(value)?),
            b"path" | b"linkpath" => self.is_about_one_entry = true,
            _ if key.starts_with(b"GNU.sparse.") => self.is_about_one_entry = true,
            _ if ACCESS_LISTS.contains(&key) => {
                self.access_lists.push((key == ACCESS_LISTS[1], value.to_vec()));
            }
            _ => {
                if let Some(name) = key.strip_prefix(ATTRIBUTE) {
                    self.attributes.push(Attribute { name: name.to_vec(), value: value.to_vec() });
                }
            }
        }
        Some(())
    }
}

fn malformed() -> Error {
    Error::archive("a pax record is malformed")
}

/// The first record's key and value, and what follows it.
fn record(header: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let digits = header.iter().position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(header.get(..digits)?)?).ok()?;
    let (record, rest) = header.split_at_checked(length)?;
    let content = record.get(digits + 1..)?.strip_suffix(b"\n")?;
    let equals = content.iter().position(|byte| *byte == b'=')?;
    let (key, value) = content.split_at_checked(equals)?;
    Some((key, value.get(1..)?, rest))
}

/// Decimal digits only: no sign, no blank.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    let is_decimal = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_decimal.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

/// Seconds, which may be negative, and a fraction of any length.
fn time(text: &[u8]) -> Option<Time> {
    let (is_negative, text) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
    let point = text.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, &b""[..]),
    };
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(NANOSECOND_DIGITS);
    let nanoseconds = digits.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Some(match (is_negative, nanoseconds) {
        (false, _) => Time { seconds, nanoseconds },
        (true, 0) => Time { seconds: -seconds, nanoseconds },
        (true, _) => Time { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}
