//! A path that does not exist: which part of it is missing, and which name was probably meant.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

use crate::causes::{Cause, DIR_REMOVED, Kind, PATH_DANGLING, PATH_NEAR, WORKDIR_MISSING};
use crate::diagnose::named::similar::nearest;
use crate::failure::Failure;
use crate::grants::remedy::quoted::quoted_path;
use crate::sys::lookup::open_inside;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// What is missing of a path on the host. `kind` is the cause if no other name was probably meant.
pub(crate) fn cause(path: &Path, kind: &'static Kind) -> Option<Cause> {
    let is_missing = |error: &std::io::Error| error.kind() == ErrorKind::NotFound;
    if path.is_relative() && std::env::current_dir().as_ref().err().is_some_and(is_missing) {
        return Some(Cause::new(&DIR_REMOVED, &[]));
    }
    let exists = |part: &Path| !part.metadata().as_ref().err().is_some_and(is_missing);
    let missing = first_missing(path, exists)?;
    if let Ok(target) = fs::read_link(&missing) {
        let values: [(_, &dyn std::fmt::Display); 2] =
            [("link", &missing.display()), ("target", &target.display())];
        return Some(Cause::new(&PATH_DANGLING, &values));
    }
    let dir = Dir::open(dir_of(&missing), READ, Mode::empty()).ok();
    if let Some(near) = dir.and_then(|dir| similar_path(dir, path, &missing, |path| path.exists())) {
        return Some(Cause::new(&PATH_NEAR, &[("near", &quoted_path(&near))]));
    }
    let dir = std::path::absolute(dir_of(&missing)).ok()?;
    let values: [(_, &dyn std::fmt::Display); 3] = [
        ("dir", &dir.display()),
        ("name", &Path::new(missing.file_name()?).display()),
        ("path", &quoted_path(path)),
    ];
    Some(Cause::new(kind, &values))
}

/// The cause of a working directory that is missing in the sandbox. The child has found the name that was
/// probably meant.
pub(crate) fn in_sandbox(failure: &Failure) -> Option<Cause> {
    let near = failure.missing();
    if near.is_empty() {
        return Some(Cause::new(&WORKDIR_MISSING, &[("path", &Path::new(failure.object()).display())]));
    }
    Some(Cause::new(&PATH_NEAR, &[("near", &quoted_path(Path::new(OsStr::from_bytes(near))))]))
}

/// A path similar to one that is missing in the root that this process has entered.
pub(crate) fn similar_inside(path: &Path) -> Option<PathBuf> {
    let exists = |part: &Path| open_inside(part, OFlag::O_PATH).err() != Some(Errno::ENOENT);
    let missing = first_missing(path, exists)?;
    let dir = open_inside(dir_of(&missing), OFlag::O_RDONLY | OFlag::O_DIRECTORY).ok()?;
    similar_path(Dir::from_fd(dir).ok()?, path, &missing, |path| {
        open_inside(path, OFlag::O_PATH | OFlag::O_DIRECTORY).is_ok()
    })
}

/// The path with another name instead of the missing one, if that exists.
fn similar_path(dir: Dir, path: &Path, missing: &Path, exists: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let rest = path.strip_prefix(missing).ok()?;
    let with = |name: &OsStr| {
        let other = missing.with_file_name(name);
        if rest.as_os_str().is_empty() { other } else { other.join(rest) }
    };
    nearest(dir, missing.file_name()?, |name| exists(&with(name))).map(|name| with(&name))
}

/// The shortest part of a path that does not exist.
fn first_missing(path: &Path, exists: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let parts: Vec<&Path> = path.ancestors().filter(|part| part.file_name().is_some()).collect();
    parts.into_iter().rev().find(|part| !exists(part)).map(Path::to_owned)
}

fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
