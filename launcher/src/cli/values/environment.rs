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

/// Adds the variable of a line.
///
/// # Errors
/// It has no valid name. A name with a blank is not one: such a line is probably meant for a shell.
fn take_line(environment: &mut Environment, line: &[u8]) -> Result<(), String> {
    let name = line.split(|byte| *byte == b'=').next().unwrap_or_default();
    if name.iter().any(u8::is_ascii_whitespace) {
        let name = String::from_utf8_lossy(name);
        let instead = match name.strip_prefix("export ") {
            Some(name) => format!("write {}=VALUE without export", name.trim_start()),
            None => "write NAME=VALUE".to_owned(),
        };
        return Err(format!("the name {name} contains a blank; {instead}: no shell reads the file"));
    }
    take_variable(environment, &OsString::from_vec(line.to_vec()))
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
        take_line(environment, start).map_err(|why| format!("{}, line {}: {why}", path.display(), at + 1))?;
    }
    Ok(())
}
