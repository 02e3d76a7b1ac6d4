//! The environment of a command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The caller's, without what no shell can set: names with a `=`.
pub(crate) fn of_caller() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| !has_equals_sign(name))
}

/// # Errors
/// What can be no name of a variable.
pub(crate) fn check_name(name: &OsStr, value: &OsStr) -> Result<(), String> {
    let shown = |name: &OsStr| Path::new(name).display().to_string();
    match name.is_empty() {
        true => Err(format!("={} has no name", shown(value))),
        false if has_equals_sign(name) => Err(format!("the name {} has a = in it", shown(name))),
        false => Ok(()),
    }
}

fn has_equals_sign(name: &OsStr) -> bool {
    name.as_bytes().contains(&b'=')
}

/// Names with their values, each name once.
pub(crate) type Environment = Vec<(OsString, OsString)>;

/// Sets a variable, whether it was there before or not.
pub(crate) fn set(environment: &mut Environment, name: OsString, value: OsString) {
    environment.retain(|(known, _)| *known != name);
    environment.push((name, value));
}
