//! The environment of a command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The caller's environment, without names that contain `=`, which no shell can set.
pub(crate) fn of_caller() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| !has_equals_sign(name))
}

/// # Errors
/// An invalid variable name.
pub(crate) fn check_name(name: &OsStr, value: &OsStr) -> Result<(), String> {
    let shown = |name: &OsStr| Path::new(name).display().to_string();
    match name.is_empty() {
        true => Err(format!("={}: the name is empty", shown(value))),
        false if has_equals_sign(name) => Err(format!("the name {} contains a =", shown(name))),
        false => Ok(()),
    }
}

fn has_equals_sign(name: &OsStr) -> bool {
    name.as_bytes().contains(&b'=')
}

/// Names with values. Each name occurs once.
pub(crate) type Environment = Vec<(OsString, OsString)>;

/// Sets a variable, and replaces its old value if it has one.
pub(crate) fn set(environment: &mut Environment, name: OsString, value: OsString) {
    environment.retain(|(known, _)| *known != name);
    environment.push((name, value));
}
