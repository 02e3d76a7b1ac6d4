//! `--entrypoint`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// Reads `--entrypoint`: a program, a JSON array with a program and its arguments, as in podman, or nothing.
///
/// # Errors
/// A text that begins as a JSON array is none of strings.
pub(crate) fn entrypoint(value: &OsStr) -> Result<Vec<OsString>, String> {
    match value.as_bytes() {
        [] => Ok(Vec::new()),
        [b'[', ..] => {
            let words: Vec<String> = serde_json::from_slice(value.as_bytes())
                .map_err(|_| format!("{} is not a JSON array of strings", value.to_string_lossy()))?;
            Ok(words.into_iter().map(OsString::from).collect())
        }
        _ => Ok(vec![value.to_owned()]),
    }
}
