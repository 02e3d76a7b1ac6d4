//! What is wrong with a path that the caller has named: ROOTFS, or another file or directory.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

pub(crate) mod archive;
pub(crate) mod directory;
pub(crate) mod image;
pub(crate) mod missing;
pub(crate) mod similar;
pub(crate) mod without_overlay;

use crate::causes::{
    Cause, DEAD_FUSE, FUSE_ROOT, NO_DIRECTORY, PARENT_MISSING, PATH_MISSING, ROOTFS_MISSING,
};
use crate::diagnose::probes::rootfs::is_closed_fuse;
use crate::failure::{Failure, Step};
use crate::grants::remedy::quoted::quoted_path;
use nix::errno::Errno;
use std::path::Path;

/// Why ROOTFS could not be opened.
pub(crate) fn rootfs(path: &Path, errno: Errno) -> Option<Cause> {
    match errno {
        Errno::ENOENT => image::cause(path).or_else(|| missing::cause(path, &ROOTFS_MISSING)),
        Errno::ENOTDIR => archive::cause(path).or_else(|| no_directory(path)),
        Errno::ENOTCONN => Some(Cause::new(&DEAD_FUSE, &[("path", &quoted_path(path))])),
        _ => None,
    }
}

/// Why another path that the caller has named could not be opened.
pub(crate) fn other(path: &Path, errno: Errno) -> Option<Cause> {
    match errno {
        Errno::ENOENT => missing::cause(path, &PATH_MISSING),
        Errno::ENOTDIR => no_directory(path),
        Errno::ENOTCONN => Some(Cause::new(&DEAD_FUSE, &[("path", &quoted_path(path))])),
        _ => None,
    }
}

/// Why the directory of `--overlay` could not be opened or created.
pub(crate) fn kept(path: &Path, errno: Errno) -> Option<Cause> {
    match errno {
        Errno::ENOENT => missing::cause(path.parent()?, &PARENT_MISSING).or_else(|| other(path, errno)),
        errno => other(path, errno),
    }
}

/// The first part of a path that is not a directory.
fn no_directory(path: &Path) -> Option<Cause> {
    let mut parts: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
    parts.reverse();
    let file = parts.into_iter().find(|part| part.metadata().is_ok_and(|found| !found.is_dir()))?;
    Some(Cause::new(&NO_DIRECTORY, &[("path", &file.display())]))
}

/// Why a command could not be started in the rootfs that the caller has named.
pub(crate) fn start(failure: &Failure) -> Option<Cause> {
    if failure.step == Step::Workdir && failure.errno == Errno::ENOENT {
        return missing::in_sandbox(failure);
    }
    let rootfs = failure.rootfs()?;
    match (failure.step, failure.errno) {
        (Step::FindCommand | Step::RunInterpreter | Step::RunLoader, _) => directory::cause(rootfs.path),
        (_, Errno::EACCES) if rootfs.is_for_other_user && is_closed_fuse(rootfs.path) => {
            Some(Cause::new(&FUSE_ROOT, &[("path", &rootfs.path.display())]))
        }
        _ => None,
    }
}
