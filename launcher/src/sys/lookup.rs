//! Every lookup in a root that may be hostile: below a directory, or in the root that this process has entered. openat2(2), or name
//! by name on kernels before Linux 5.6 and below filters that do not know it.
//!
//! No lookup follows a magic link of procfs (/proc/PID/fd/N, cwd, root, exe): such a link leads to whatever the process has open,
//! past every root (CVE-2024-21626).

use crate::sys::files::file_kind;
use crate::sys::is_unknown;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, open, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use nix::unistd::{chdir, fchdir, getcwd};
use std::collections::VecDeque;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Below the directory, and through no symlink.
const BENEATH: ResolveFlag = ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_SYMLINKS);
/// Symlinks lead on inside of the directory, as they will when it is the root; those of proc lead nowhere.
const IN_ROOT: ResolveFlag = ResolveFlag::RESOLVE_IN_ROOT.union(ResolveFlag::RESOLVE_NO_MAGICLINKS);

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);
/// As [`IN_ROOT`], where the root is the process's own.
const INSIDE: ResolveFlag = ResolveFlag::RESOLVE_NO_MAGICLINKS;
/// How many symlinks may lead on, as in path_resolution(7).
const MAX_LINKS: u32 = 40;
/// The kernel asks for another try when something was renamed meanwhile: openat2(2).
const TRIES: u32 = 64;

/// Opens one name in a directory, which is not `..`, and no symlink but as itself: with O_PATH and O_NOFOLLOW.
///
/// # Errors
/// Those of openat2(2).
pub(crate) fn open_beneath(dir: impl AsFd, name: &CStr, flags: OFlag) -> Result<OwnedFd, Errno> {
    match openat2(&dir, name, OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(BENEATH)) {
        Err(errno) if is_unknown(errno) => {
            openat(&dir, name, flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())
        }
        opened => opened,
    }
}

/// Opens a path as it will lead when the directory is the root, for looking only; `kind` is O_DIRECTORY where only a directory will do.
///
/// # Errors
/// Those of openat2(2).
pub(crate) fn open_in_root(top: &OwnedFd, path: &Path, kind: OFlag) -> Result<OwnedFd, Errno> {
    let relative = path.strip_prefix("/").ok().unwrap_or(path);
    let mut opened = Err(Errno::EAGAIN);
    for _ in 0..TRIES {
        opened = openat2(top, relative, OpenHow::new().flags(LOOK | kind).resolve(IN_ROOT));
        // Error ignored: it is looked at below.
        if opened.as_ref().err() != Some(&Errno::EAGAIN) {
            break;
        }
    }
    match opened {
        Err(errno) if is_unknown(errno) => open_by_walk(top, relative, LOOK | kind),
        opened => opened,
    }
}

/// Opens the top of a rootfs for [`look_in`].
///
/// # Errors
/// Those of open(2).
pub(crate) fn open_top(rootfs: &Path) -> Result<OwnedFd, Errno> {
    open(rootfs, LOOK | OFlag::O_DIRECTORY, Mode::empty())
}

/// Looks at a file of a rootfs from outside, through no symlink that leads out of it. A symlink at the end is not followed.
///
/// # Errors
/// Those of openat2(2).
pub(crate) fn look_in(top: &OwnedFd, path: &Path) -> Result<FileStat, Errno> {
    open_in_root(top, path, OFlag::O_NOFOLLOW).and_then(fstat)
}

/// Opens a path in the root that this process has entered; a relative path starts at its working directory.
///
/// # Errors
/// ELOOP for a magic link on the way or at the end, and those of openat2(2).
pub(crate) fn open_inside(path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(INSIDE);
    match openat2(AT_FDCWD, path, how) {
        Err(errno) if is_unknown(errno) => {
            let top = open_top(Path::new("/"))?;
            let is_dir = path.as_os_str().as_bytes().ends_with(b"/");
            let kind = if is_dir { OFlag::O_DIRECTORY } else { OFlag::empty() };
            open_by_walk(&top, &own_directory()?.join(path), flags | kind)
        }
        opened => opened,
    }
}

/// Makes a directory inside the working directory of this process.
///
/// # Errors
/// Those of [`open_inside`], and ENOENT for a directory that is not below the root (CVE-2024-21626).
pub(crate) fn enter_directory(path: &Path) -> Result<(), Errno> {
    // The root itself is not looked up.
    if path == Path::new("/") {
        return chdir(path);
    }
    fchdir(open_inside(path, LOOK | OFlag::O_DIRECTORY)?)?;
    own_directory().map(drop)
}

/// The working directory, which the kernel shows without a `/` in front if it cannot be reached from the root: getcwd(3).
fn own_directory() -> Result<PathBuf, Errno> {
    getcwd().and_then(|path| if path.is_absolute() { Ok(path) } else { Err(Errno::ENOENT) })
}

/// What openat2(2) does with [`IN_ROOT`], name by name.
fn open_by_walk(top: &OwnedFd, path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlag::O_CLOEXEC;
    match walk(top, path, |_, _| false)? {
        Walk::Directory(found) => openat(&found, ".", flags, Mode::empty()),
        Walk::File { .. } if flags.contains(OFlag::O_DIRECTORY) => Err(Errno::ENOTDIR),
        Walk::File { file, .. } if flags.contains(OFlag::O_PATH) => Ok(file),
        // What is a symlink by now was swapped since it was looked at.
        Walk::File { dir, name, .. } => {
            openat(dir.as_ref().unwrap_or(top), name.as_c_str(), flags | OFlag::O_NOFOLLOW, Mode::empty())
        }
        Walk::Missing(..) => Err(Errno::ENOENT),
    }
}

/// How far a path leads.
pub(crate) enum Walk {
    /// To a directory.
    Directory(OwnedFd),
    /// To something else, of this name in this directory (none: the top).
    File {
        /// The directory.
        dir: Option<OwnedFd>,
        name: CString,
        /// The file, opened with O_PATH.
        file: OwnedFd,
    },
    /// Up to this directory (none: the top) and not to these names below it, of which none is `..`.
    Missing(Option<OwnedFd>, Vec<OsString>),
}

/// Goes along a path name by name, inside of a directory as in a root, to find where it ends in nothing. What `is_nothing` says of a
/// file, and of whether its name is the last one, counts as nothing too.
///
/// # Errors
/// Those of path_resolution(7).
pub(crate) fn walk(
    top: &OwnedFd,
    path: &Path,
    is_nothing: impl Fn(&FileStat, bool) -> bool,
) -> Result<Walk, Errno> {
    let mut dirs: Vec<OwnedFd> = Vec::new();
    let mut names: VecDeque<OsString> = parts(path.as_os_str()).collect();
    let mut links = 0;
    while let Some(name) = names.pop_front() {
        if name == ".." {
            dirs.pop();
            continue;
        }
        let dir = dirs.last().unwrap_or(top).as_fd();
        let c_name = CString::new(name.as_bytes()).map_err(|_| Errno::EINVAL)?;
        let entry = match open_beneath(dir, &c_name, LOOK | OFlag::O_NOFOLLOW) {
            Err(Errno::ENOENT) => None,
            entry => Some(entry?),
        };
        let stat = entry.as_ref().map(fstat).transpose()?;
        let Some((entry, stat)) = entry.zip(stat).filter(|(_, stat)| !is_nothing(stat, names.is_empty()))
        else {
            // From a directory that is not there, no path leads back up.
            if names.iter().any(|name| name == "..") {
                return Err(Errno::ENOENT);
            }
            names.push_front(name);
            return Ok(Walk::Missing(dirs.pop(), names.into()));
        };
        match file_kind(&stat) {
            SFlag::S_IFLNK if links == MAX_LINKS => return Err(Errno::ELOOP),
            SFlag::S_IFLNK => {
                links += 1;
                let target = readlinkat(&entry, "")?;
                if is_magic(&entry, &target)? {
                    return Err(Errno::ELOOP);
                }
                if target.as_bytes().starts_with(b"/") {
                    dirs.clear();
                }
                parts(&target).collect::<Vec<_>>().into_iter().rev().for_each(|part| names.push_front(part));
            }
            SFlag::S_IFDIR => dirs.push(entry),
            _ if names.is_empty() => return Ok(Walk::File { dir: dirs.pop(), name: c_name, file: entry }),
            _ => return Err(Errno::ENOTDIR),
        }
    }
    dirs.pop().map_or_else(|| openat(top, ".", LOOK, Mode::empty()), Ok).map(Walk::Directory)
}

/// True for a link that the kernel follows to an open file and not by its text. All other links of procfs are relative (`self`,
/// `thread-self`, `mounts`, `net`), and no text of a magic link looks like them: /path, pipe:[1], (unreachable)/path.
fn is_magic(link: &OwnedFd, target: &OsStr) -> Result<bool, Errno> {
    let (first, is_plain) =
        (target.as_bytes().first(), |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_".contains(byte));
    let is_relative = first != Some(&b'/') && target.as_bytes().iter().all(is_plain);
    Ok(fstatfs(link)?.filesystem_type() == PROC_SUPER_MAGIC && !is_relative)
}

fn parts(path: &OsStr) -> impl Iterator<Item = OsString> {
    let parts = path.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.map(|part| OsStr::from_bytes(part).to_owned())
}
