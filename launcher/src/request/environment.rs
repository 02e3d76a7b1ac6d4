//! The environment of a command.

use std::ffi::OsString;

/// Names with their values, each name once.
pub(crate) type Environment = Vec<(OsString, OsString)>;

/// Sets a variable, whether it was there before or not.
pub(crate) fn set(environment: &mut Environment, name: OsString, value: OsString) {
    environment.retain(|(known, _)| *known != name);
    environment.push((name, value));
}
