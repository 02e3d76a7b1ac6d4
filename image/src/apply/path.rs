//! The name of an entry as a path below the root.

use crate::error::Error;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// A path below the root: plain names only, none of them `.` or `..`. The root itself has no names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InnerPath(Vec<u8>);

impl InnerPath {
    /// The path of an entry's name. An absolute name is below the root, as in docker and GNU tar.
    ///
    /// # Errors
    /// A name that leads up (CVE-2021-41089), or contains NUL.
    pub(crate) fn of(name: &[u8]) -> Result<InnerPath, Error> {
        let is_name = |part: &&[u8]| !part.is_empty() && *part != b".";
        let parts: Vec<&[u8]> = name.split(|byte| *byte == b'/').filter(is_name).collect();
        if parts.contains(&&b".."[..]) {
            return Err(Error::entry(name, "the name leads up with .."));
        }
        if name.contains(&0) {
            return Err(Error::entry(name, "the name contains a NUL byte"));
        }
        Ok(InnerPath(parts.join(&b'/')))
    }

    /// The directory, and the name in it; `None` for the root.
    pub(crate) fn split(&self) -> Option<(InnerPath, CString)> {
        let at = self.0.iter().rposition(|byte| *byte == b'/');
        let (dir, name) = match at {
            Some(at) => (self.0.get(..at)?, self.0.get(at + 1..)?),
            None => (&b""[..], self.0.as_slice()),
        };
        if name.is_empty() {
            return None;
        }
        Some((InnerPath(dir.to_vec()), CString::new(name).ok()?))
    }

    /// This path and those of the directories above it, except for the root.
    pub(crate) fn with_ancestors(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        ends.chain([self.0.len()]).filter_map(|end| self.0.get(..end)).filter(|path| !path.is_empty())
    }

    /// The path of a name in this directory.
    pub(crate) fn join(&self, name: &[u8]) -> InnerPath {
        let separator: &[u8] = if self.0.is_empty() { b"" } else { b"/" };
        InnerPath([&self.0, separator, name].concat())
    }

    /// The path relative to the root; `.` for the root.
    pub(crate) fn relative(&self) -> &Path {
        Path::new(OsStr::from_bytes(if self.0.is_empty() { b"." } else { &self.0 }))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::InnerPath;

    fn path(name: &str) -> String {
        String::from_utf8(InnerPath::of(name.as_bytes()).unwrap().bytes().to_vec()).unwrap()
    }

    #[test]
    fn names_are_anchored_at_the_root() {
        assert_eq!(["/a/b", "./a//b/", "a/./b"].map(path), ["a/b"; 3]);
        assert_eq!(["", "/", ".", "./"].map(path), [""; 4]);
    }

    #[test]
    fn names_that_lead_up_are_refused() {
        for name in ["..", "../x", "a/../../x", "a/..", "/../x"] {
            assert!(InnerPath::of(name.as_bytes()).is_err(), "{name}");
        }
        assert_eq!(path("..x/x.."), "..x/x..");
    }
}
