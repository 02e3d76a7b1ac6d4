//! Names the paths with which a command could not do what it does.

use crate::failure::reason;
use crate::sys::standard_error;
use nix::errno::Errno;
use std::path::Path;

/// Prints a path with which a command could not do what it does, and why. For `Tree`, whose paths begin with the
/// directory's own name.
pub(crate) fn reporter<'a>(doing: &'a str, tree: &'a Path) -> impl FnMut(&Path, Errno) + 'a {
    let above = tree.parent().unwrap_or(Path::new("/"));
    move |path, errno| {
        let why = match errno {
            Errno::EXDEV | Errno::EBUSY => "a filesystem is mounted there".into(),
            errno => reason(errno),
        };
        standard_error::line(&format!("{doing} {}: {why}", above.join(path).display()));
    }
}
