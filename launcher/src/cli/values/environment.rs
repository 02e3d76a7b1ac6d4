//! `--env`, `--env-file` and `--env-host`.

use crate::cli::values::split_once;
use crate::request::environment::{Environment, check_name, set};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

/// Adds `NAME=VALUE`, or `NAME` with the caller's value if it is set. `PREFIX*` means all of the caller's
/// variables that begin with PREFIX.
///
/// # Errors
/// The name is empty or invalid.
pub(crate) fn take_variable(environment: &mut Environment, value: &OsStr) -> Result<(), String> {
    let (name, value) = split_once(value, b'=');
    check_name(name, value.unwrap_or_default())?;
    match (value, name.as_bytes().strip_suffix(b"*")) {
        (Some(value), _) => set(environment, name.to_owned(), value.to_owned()),
        (None, Some(prefix)) => {
            let own = std::env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(prefix));
            own.for_each(|(name, value)| set(environment, name, value));
        }
        (None, None) => {
            if let Some(value) = std::env::var_os(name) {
                set(environment, name.to_owned(), value);
            }
        }
    }
    Ok(())
}

/// Adds the variables of a file with this text. Each line is a value of `--env`; comments and blank lines are
/// skipped.
///
/// # Errors
/// A line has no valid name.
pub(crate) fn take_lines(environment: &mut Environment, path: &Path, text: &[u8]) -> Result<(), String> {
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let start = line.trim_ascii_start();
        if start.is_empty() || start.starts_with(b"#") {
            continue;
        }
        take_variable(environment, &OsString::from_vec(start.to_vec()))
            .map_err(|why| format!("{}, line {}: {why}", path.display(), at + 1))?;
    }
    Ok(())
}
