//! The kernel's reasons, and sets of namespaces: values of the errors in types of this crate.

use crate::failure::reason;
use nix::errno::Errno;
use std::fmt;

/// The kernel's reason for refusing a system call: errno(3). It displays as the text of strerror(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OsError(pub(crate) Errno);

impl OsError {
    /// The number, such as `ENOENT`.
    pub fn raw_os_error(self) -> i32 {
        self.0 as i32
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&reason(self.0))
    }
}

impl std::error::Error for OsError {}

impl From<OsError> for std::io::Error {
    fn from(error: OsError) -> std::io::Error {
        std::io::Error::from_raw_os_error(error.raw_os_error())
    }
}

/// A set of namespace kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamespaceFlags(pub(crate) i32);

impl NamespaceFlags {
    /// The flags of clone(2), such as `CLONE_NEWUSER`.
    pub fn bits(self) -> i32 {
        self.0
    }
}
