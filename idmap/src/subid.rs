//! One line of `/etc/subuid` or `/etc/subgid`, as in subuid(5): `owner:start:count`.

use crate::invalid::Invalid;
use crate::number::{fields, parse_number};
use crate::range::{IdRange, RESERVED_ID};

/// A line longer than this many bytes, without the newline, grants nothing.
pub const MAX_LINE: usize = 1023;

/// U+FEFF in UTF-8, which some editors put before the first line.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The owner field of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// All digits: this user ID. It is never taken as an account's name.
    Uid(u32),
    /// Anything else: an account's name.
    Name(&'a [u8]),
}

/// A valid line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubidLine<'a> {
    /// The account that the range is granted to.
    pub owner: Owner<'a>,
    /// The subordinate IDs.
    pub range: IdRange,
}

impl<'a> SubidLine<'a> {
    /// Reads one line; `None` for a comment or a blank line.
    ///
    /// # Errors
    /// Why the line grants nothing. Other lines of the file still count.
    pub fn parse(line: &'a [u8]) -> Result<Option<SubidLine<'a>>, Invalid> {
        match line.trim_ascii_start() {
            [] | [b'#', ..] => return Ok(None),
            _ if line.len() > MAX_LINE => return Err(Invalid::TooLong),
            _ if line.contains(&b' ') || line.contains(&b'\t') => return Err(Invalid::Blank),
            _ if line.iter().any(u8::is_ascii_control) => return Err(Invalid::Control),
            _ if core::str::from_utf8(line).is_err() => return Err(Invalid::Encoding),
            _ => {}
        }
        let [owner, first, count] = fields(line, b':').ok_or(Invalid::LineFields)?;
        let owner = Owner::parse(owner)?;
        let range = IdRange::new(parse_number(first)?, parse_number(count)?)?;
        if range.first() == 0 { Err(Invalid::HoldsRoot) } else { Ok(Some(SubidLine { owner, range })) }
    }
}

impl<'a> Owner<'a> {
    pub(crate) fn parse(text: &'a [u8]) -> Result<Owner<'a>, Invalid> {
        match text.first() {
            None | Some(b'+' | b'-' | b'@' | b'!' | b'*') => Err(Invalid::Owner),
            _ if text.starts_with(BYTE_ORDER_MARK) => Err(Invalid::ByteOrderMark),
            _ if !text.iter().all(u8::is_ascii_digit) => Ok(Owner::Name(text)),
            _ => match parse_number(text)? {
                RESERVED_ID => Err(Invalid::Owner),
                uid => Ok(Owner::Uid(uid)),
            },
        }
    }
}
