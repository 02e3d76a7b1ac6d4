//! Reads the values of options. Invalid values are reported before anything is created.

pub(crate) mod descriptors;
pub(crate) mod environment;
pub(crate) mod ids;
pub(crate) mod limits;
pub(crate) mod made;
pub(crate) mod mounts;
pub(crate) mod namespaces;
pub(crate) mod network;
pub(crate) mod one_of;
pub(crate) mod passed;
pub(crate) mod process;
pub(crate) mod pull;
pub(crate) mod root;
pub(crate) mod shells;
pub(crate) mod signals;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// Splits bytes at the first separator.
pub(crate) fn split_once(text: &OsStr, separator: u8) -> (&OsStr, Option<&OsStr>) {
    let bytes = text.as_bytes();
    match bytes.iter().position(|byte| *byte == separator) {
        Some(at) => (OsStr::from_bytes(&bytes[..at]), bytes.get(at + 1..).map(OsStr::from_bytes)),
        None => (text, None),
    }
}

/// Splits bytes at every separator.
pub(crate) fn split(text: &OsStr, separator: u8) -> impl Iterator<Item = &OsStr> {
    text.as_bytes().split(move |byte| *byte == separator).map(OsStr::from_bytes)
}

/// A value as UTF-8. Only paths and environment variables may be anything else.
fn utf8(text: &OsStr) -> Result<&str, String> {
    text.to_str().ok_or_else(|| format!("{} is not UTF-8", shown(text)))
}

/// Reads a decimal number. Unlike the standard library, it does not accept a plus sign.
fn number<N: std::str::FromStr>(text: &OsStr) -> Result<N, String> {
    let digits = text.to_str().filter(|text| !text.starts_with('+'));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| format!("invalid number {}", shown(text)))
}

/// Reads a user or group ID: any 32-bit number except 4294967295, which means no ID in chown(2).
fn id(text: &OsStr) -> Result<u32, String> {
    number(text).ok().filter(|id| *id != u32::MAX).ok_or_else(|| format!("invalid ID {}", shown(text)))
}

/// Reads a mode: one to four octal digits.
fn mode(text: &str) -> Option<u32> {
    let is_octal = text.len() <= 4 && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    u32::from_str_radix(text, 8).ok().filter(|_| is_octal)
}

/// A value for a message.
pub(crate) fn shown(value: &OsStr) -> std::path::Display<'_> {
    std::path::Path::new(value).display()
}
