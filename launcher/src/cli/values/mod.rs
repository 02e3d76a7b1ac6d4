//! Values of options, read: each says what is wrong with it before anything is created.

pub(crate) mod environment;
pub(crate) mod ids;
pub(crate) mod limits;
pub(crate) mod mounts;
pub(crate) mod namespaces;
pub(crate) mod one_of;
pub(crate) mod root;
pub(crate) mod shells;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// Parts bytes at the first separator.
pub(crate) fn split_once(text: &OsStr, separator: u8) -> (&OsStr, Option<&OsStr>) {
    let bytes = text.as_bytes();
    match bytes.iter().position(|byte| *byte == separator) {
        Some(at) => (OsStr::from_bytes(&bytes[..at]), bytes.get(at + 1..).map(OsStr::from_bytes)),
        None => (text, None),
    }
}

/// Parts bytes at every separator.
pub(crate) fn split(text: &OsStr, separator: u8) -> impl Iterator<Item = &OsStr> {
    text.as_bytes().split(move |byte| *byte == separator).map(OsStr::from_bytes)
}

/// A word of an option in UTF-8, which all but paths and environments are.
fn utf8(text: &OsStr) -> Result<&str, String> {
    text.to_str().ok_or_else(|| format!("{} is not UTF-8", shown(text)))
}

/// A number in decimal, without the plus sign that the standard library would take.
fn number<N: std::str::FromStr>(text: &OsStr) -> Result<N, String> {
    let digits = text.to_str().filter(|text| !text.starts_with('+'));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| format!("invalid number {}", shown(text)))
}

/// A user or group ID: any number but the one that means none, chown(2).
fn id(text: &OsStr) -> Result<u32, String> {
    number(text).ok().filter(|id| *id != u32::MAX).ok_or_else(|| format!("invalid ID {}", shown(text)))
}

/// A word as it is shown in a message.
pub(crate) fn shown(value: &OsStr) -> std::path::Display<'_> {
    std::path::Path::new(value).display()
}
