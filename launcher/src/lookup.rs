//! Looks paths up below a folder, through no symlink that leads out: openat2(2), or name by name on kernels before Linux 5.6
//! and below filters that do not know it.

use crate::kernel::{file_kind, is_unknown};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use std::collections::VecDeque;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Below the folder, and through no symlink.
const BENEATH: ResolveFlag = ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_SYMLINKS);
/// Symlinks lead on inside of the folder, as they will when it is the root; those of proc lead nowhere.
const IN_ROOT: ResolveFlag = ResolveFlag::RESOLVE_IN_ROOT.union(ResolveFlag::RESOLVE_NO_MAGICLINKS);

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);
/// How many symlinks may lead on, as in path_resolution(7).
const MAX_LINKS: u32 = 40;
/// The kernel asks for another try when something was renamed meanwhile: openat2(2).
const TRIES: u32 = 64;

/// Opens one name in a folder, which is not `..`, and no symlink but as itself: with O_PATH and O_NOFOLLOW.
///
/// # Errors
/// Those of openat2(2).
pub(crate) fn open_beneath(folder: impl AsFd, name: &CStr, flags: OFlag) -> Result<OwnedFd, Errno> {
    match openat2(&folder, name, OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(BENEATH)) {
        Err(errno) if is_unknown(errno) => {
            openat(&folder, name, flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())
        }
        opened => opened,
    }
}

/// Opens a path as it will lead when the folder is the root, for looking only; `kind` is O_DIRECTORY where only a folder will do.
///
/// # Errors
/// Those of openat2(2).
pub(crate) fn open_in_root(top: &OwnedFd, path: &Path, kind: OFlag) -> Result<OwnedFd, Errno> {
    let relative = path.strip_prefix("/").unwrap_or(path);
    let mut opened = Err(Errno::EAGAIN);
    for _ in 0..TRIES {
        opened = openat2(top, relative, OpenHow::new().flags(LOOK | kind).resolve(IN_ROOT));
        if opened.as_ref().err() != Some(&Errno::EAGAIN) {
            break;
        }
    }
    match opened {
        Err(errno) if is_unknown(errno) => match walk(top, relative, |_, _| false)? {
            Walk::There(found) if kind == OFlag::O_DIRECTORY => openat(&found, ".", LOOK, Mode::empty()),
            Walk::There(found) => Ok(found),
            Walk::Missing(..) => Err(Errno::ENOENT),
        },
        opened => opened,
    }
}

/// How far a path leads.
pub(crate) enum Walk {
    /// To its end.
    There(OwnedFd),
    /// Up to this folder (none: the top) and not to these names below it, of which none is `..`.
    Missing(Option<OwnedFd>, Vec<OsString>),
}

/// Goes along a path name by name, inside of a folder as in a root, to find where it ends in nothing. What `is_nothing` says of a
/// file, and of whether its name is the last one, counts as nothing too.
///
/// # Errors
/// Those of path_resolution(7).
pub(crate) fn walk(
    top: &OwnedFd,
    path: &Path,
    is_nothing: impl Fn(&FileStat, bool) -> bool,
) -> Result<Walk, Errno> {
    let mut folders: Vec<OwnedFd> = Vec::new();
    let mut names: VecDeque<OsString> = parts(path.as_os_str()).collect();
    let mut links = 0;
    while let Some(name) = names.pop_front() {
        if name == ".." {
            folders.pop();
            continue;
        }
        let folder = folders.last().unwrap_or(top).as_fd();
        let c_name = CString::new(name.as_bytes()).map_err(|_| Errno::EINVAL)?;
        let entry = match open_beneath(folder, &c_name, LOOK | OFlag::O_NOFOLLOW) {
            Err(Errno::ENOENT) => None,
            entry => Some(entry?),
        };
        let stat = entry.as_ref().map(fstat).transpose()?;
        let Some((entry, stat)) = entry.zip(stat).filter(|(_, stat)| !is_nothing(stat, names.is_empty()))
        else {
            // From a folder that is not there, no path leads back up.
            if names.iter().any(|name| name == "..") {
                return Err(Errno::ENOENT);
            }
            names.push_front(name);
            return Ok(Walk::Missing(folders.pop(), names.into()));
        };
        match file_kind(&stat) {
            SFlag::S_IFLNK if links == MAX_LINKS => return Err(Errno::ELOOP),
            SFlag::S_IFLNK => {
                links += 1;
                let target = readlinkat(&entry, "")?;
                if target.as_bytes().starts_with(b"/") {
                    folders.clear();
                }
                parts(&target).collect::<Vec<_>>().into_iter().rev().for_each(|part| names.push_front(part));
            }
            SFlag::S_IFDIR => folders.push(entry),
            _ if names.is_empty() => return Ok(Walk::There(entry)),
            _ => return Err(Errno::ENOTDIR),
        }
    }
    folders.pop().map_or_else(|| openat(top, ".", LOOK, Mode::empty()), Ok).map(Walk::There)
}

fn parts(path: &OsStr) -> impl Iterator<Item = OsString> {
    let parts = path.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.map(|part| OsStr::from_bytes(part).to_owned())
}
