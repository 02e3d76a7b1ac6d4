//! `--security-opt landlock=…`.

use crate::cli::values::split;
use crate::request::process::Landlock;
use std::ffi::OsStr;

/// What follows `landlock=`: `read-only`, absolute paths below which the command can write, and `no-tcp`, with commas between.
pub(crate) fn landlock(value: &OsStr) -> Landlock {
    split(value, b',').fold(Landlock::read_only(), |asked, word| match word.to_str() {
        Some("read-only") => asked,
        Some("no-tcp") => asked.no_tcp(),
        _ => asked.writable(word),
    })
}
