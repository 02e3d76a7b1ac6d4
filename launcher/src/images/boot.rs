//! The boot of the kernel. What was never synced and is of an earlier one may have been lost in a crash.

use crate::error::Error;
use crate::failure::reason_of;
use std::fs;

const FILE: &str = "/proc/sys/kernel/random/boot_id";

/// A text that is another one after each boot: random(4).
///
/// # Errors
/// Errors of reading /proc.
pub fn id() -> Result<String, Error> {
    let text = fs::read_to_string(FILE);
    let text = text.map_err(|error| Error::Unreadable { file: FILE.into(), why: reason_of(&error) })?;
    Ok(text.trim().to_owned())
}
