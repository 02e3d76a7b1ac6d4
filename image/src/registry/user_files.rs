//! Where a user's files are.

use std::env;
use std::path::PathBuf;

/// The path in a variable that is not empty.
pub(crate) fn from_variable(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// A file in the user's directory that podman and skopeo read.
pub(crate) fn containers(name: &str) -> Option<PathBuf> {
    let config = from_variable("XDG_CONFIG_HOME").or_else(|| Some(from_variable("HOME")?.join(".config")));
    config.map(|dir| dir.join("containers").join(name))
}
