//! One line of `/etc/subuid` or `/etc/subgid`, as in subuid(5): `owner:start:count`.

use crate::number::{NumberError, parse_number};
use crate::range::{IdRange, RESERVED_ID, RangeError};

/// The longest line that can grant anything, in bytes without the newline.
pub const MAX_LINE: usize = 1023;

/// Whom a line grants its range to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// Written in digits: this user ID, never an account of that name.
    Uid(u32),
    /// Any other word: an account's name.
    Name(&'a [u8]),
}

/// A line that grants something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubidLine<'a> {
    /// The account that the range is granted to.
    pub owner: Owner<'a>,
    /// The subordinate IDs.
    pub range: IdRange,
}

/// Why a line grants nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// Longer than [`MAX_LINE`].
    TooLong,
    /// Not UTF-8, or with a blank or a control character (a CR, a NUL) in it.
    Characters,
    /// Not exactly three fields.
    Fields,
    /// An owner that names no account: empty, or beginning with one of `+ - @ ! *`.
    Owner,
    /// A number that is none.
    Number(NumberError),
    /// A range that is none.
    Range(RangeError),
    /// A range that begins at ID 0.
    HoldsRoot,
}

impl LineError {
    /// The reason in a few words.
    pub const fn reason(self) -> &'static str {
        match self {
            LineError::TooLong => "the line is longer than 1023 bytes",
            LineError::Characters => "the line has a blank, a control character or a byte that is not UTF-8",
            LineError::Fields => "the line has not exactly three fields",
            LineError::Owner => "the owner is not an account",
            LineError::Number(why) => why.reason(),
            LineError::Range(why) => why.reason(),
            LineError::HoldsRoot => "the range holds ID 0",
        }
    }
}

impl<'a> SubidLine<'a> {
    /// Reads one line; `None` for a comment or a blank line.
    ///
    /// # Errors
    /// Why the line grants nothing. One bad line says nothing about the others.
    pub fn parse(line: &'a [u8]) -> Result<Option<SubidLine<'a>>, LineError> {
        let text = line.trim_ascii_start();
        if text.is_empty() || text.starts_with(b"#") {
            return Ok(None);
        }
        if line.len() > MAX_LINE {
            return Err(LineError::TooLong);
        }
        let unfit = |byte: &u8| byte.is_ascii_control() || *byte == b' ';
        if line.iter().any(unfit) || core::str::from_utf8(line).is_err() {
            return Err(LineError::Characters);
        }
        let mut fields = line.split(|byte| *byte == b':');
        let (Some(owner), Some(first), Some(count), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(LineError::Fields);
        };
        Ok(Some(SubidLine { owner: Owner::parse(owner)?, range: parse_range(first, count)? }))
    }
}

impl<'a> Owner<'a> {
    pub(crate) fn parse(word: &'a [u8]) -> Result<Owner<'a>, LineError> {
        match word.first() {
            None | Some(b'+' | b'-' | b'@' | b'!' | b'*') => Err(LineError::Owner),
            Some(_) if word.iter().all(u8::is_ascii_digit) => match parse_number(word) {
                Ok(RESERVED_ID) => Err(LineError::Owner),
                Ok(uid) => Ok(Owner::Uid(uid)),
                Err(why) => Err(LineError::Number(why)),
            },
            Some(_) => Ok(Owner::Name(word)),
        }
    }
}

fn parse_range(first: &[u8], count: &[u8]) -> Result<IdRange, LineError> {
    let first = parse_number(first).map_err(LineError::Number)?;
    let count = parse_number(count).map_err(LineError::Number)?;
    match IdRange::new(first, count) {
        Ok(_) if first == 0 => Err(LineError::HoldsRoot),
        Ok(range) => Ok(range),
        Err(why) => Err(LineError::Range(why)),
    }
}
