//! All lookups in a root that may be hostile, either below a directory or in the root that this process has
//! entered. They use openat2(2), or walk name by name on kernels before Linux 5.6 and under filters that deny
//! it.
//!
//! No lookup follows a magic link of procfs (/proc/PID/fd/N, cwd, root, exe): such a link leads to the
//! process's open file, bypassing every root (CVE-2024-21626).

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

/// Resolve below the directory, without following symlinks.
const BENEATH: ResolveFlag = ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_SYMLINKS);
/// Resolve as if the directory were the root: symlinks stay inside it. Magic links are not followed.
const IN_ROOT: ResolveFlag = ResolveFlag::RESOLVE_IN_ROOT.union(ResolveFlag::RESOLVE_NO_MAGICLINKS);

/// How to open a file only to examine it.
pub(crate) const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);
/// As [`IN_ROOT`], if the root is the process's own.
const INSIDE: ResolveFlag = ResolveFlag::RESOLVE_NO_MAGICLINKS;
/// The maximum number of symlinks to follow, as in path_resolution(7).
pub(crate) const MAX_LINKS: u32 = 40;
/// The number of attempts: openat2(2) returns EAGAIN if something was renamed during the lookup.
const TRIES: u32 = 64;

/// Opens one name in a directory. The name must not be `..`. A symlink is never followed; O_PATH with
/// O_NOFOLLOW opens the symlink itself.
///
/// # Errors
/// Errors of openat2(2).
pub(crate) fn open_beneath(dir: impl AsFd, name: &CStr, flags: OFlag) -> Result<OwnedFd, Errno> {
    match openat2(&dir, name, OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(BENEATH)) {
        Err(errno) if is_unknown(errno) => {
            openat(&dir, name, flags | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty())
        }
        opened => opened,
    }
}

/// Opens a path, resolved as if the directory were the root, with O_PATH. `kind` is O_DIRECTORY if only a
/// directory is acceptable.
///
/// # Errors
/// Errors of openat2(2).
pub(crate) fn open_in_root(top: &OwnedFd, path: &Path, kind: OFlag) -> Result<OwnedFd, Errno> {
    open_as_root(top, path, LOOK | kind)
}

/// How to open a file for reading that may be a pipe or a device: opening it does not block.
pub(crate) const READ_FILE: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

/// Opens a path below the directory, if no symlink is on it.
///
/// # Errors
/// ELOOP for a symlink, also if this is not known: on kernels before Linux 5.6. Other errors of openat2(2).
pub(crate) fn open_without_symlink(top: &OwnedFd, path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    let relative = path.strip_prefix("/").ok().unwrap_or(path);
    match openat2(top, relative, OpenHow::new().flags(flags).resolve(BENEATH)) {
        Err(Errno::EAGAIN) => Err(Errno::ELOOP),
        Err(errno) if is_unknown(errno) => Err(Errno::ELOOP),
        opened => opened,
    }
}

/// Opens a path, resolved as if the directory were the root.
///
/// # Errors
/// Errors of openat2(2).
pub(crate) fn open_as_root(top: &OwnedFd, path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    let relative = path.strip_prefix("/").ok().unwrap_or(path);
    let mut opened = Err(Errno::EAGAIN);
    for _ in 0..TRIES {
        opened = openat2(top, relative, OpenHow::new().flags(flags).resolve(IN_ROOT));
        // Error ignored: it is checked below.
        if opened.as_ref().err() != Some(&Errno::EAGAIN) {
            break;
        }
    }
    match opened {
        Err(errno) if is_unknown(errno) => open_by_walk(top, relative, flags),
        opened => opened,
    }
}

/// Opens the top directory of a rootfs for [`look_in`].
///
/// # Errors
/// Errors of open(2).
pub(crate) fn open_top(rootfs: &Path) -> Result<OwnedFd, Errno> {
    open(rootfs, LOOK | OFlag::O_DIRECTORY, Mode::empty())
}

/// The metadata of a file in a rootfs, seen from outside. Symlinks do not lead out of the rootfs, and one at
/// the end of the path is not followed.
///
/// # Errors
/// Errors of openat2(2).
pub(crate) fn look_in(top: &OwnedFd, path: &Path) -> Result<FileStat, Errno> {
    open_in_root(top, path, OFlag::O_NOFOLLOW).and_then(fstat)
}

/// Opens a path in the root that this process has entered. A relative path starts at the working directory.
///
/// # Errors
/// ELOOP for a magic link anywhere in the path, and errors of openat2(2).
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

/// Changes the working directory to a directory in the sandbox.
///
/// # Errors
/// Errors of [`open_inside`], and ENOENT for a directory that is not below the root (CVE-2024-21626).
pub(crate) fn enter_directory(path: &Path) -> Result<(), Errno> {
    // The root itself needs no lookup.
    if path == Path::new("/") {
        return chdir(path);
    }
    fchdir(open_inside(path, LOOK | OFlag::O_DIRECTORY)?)?;
    own_directory().map(drop)
}

/// The working directory. If it cannot be reached from the root, the kernel returns it without a leading `/`:
/// getcwd(3).
fn own_directory() -> Result<PathBuf, Errno> {
    getcwd().and_then(|path| if path.is_absolute() { Ok(path) } else { Err(Errno::ENOENT) })
}

/// Does what openat2(2) does with [`IN_ROOT`], name by name.
fn open_by_walk(top: &OwnedFd, path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlag::O_CLOEXEC;
    match walk(top, path, |_, _, _| false)? {
        Walk::Directory(found) => openat(&found, ".", flags, Mode::empty()),
        Walk::File { .. } if flags.contains(OFlag::O_DIRECTORY) => Err(Errno::ENOTDIR),
        Walk::File { file, .. } if flags.contains(OFlag::O_PATH) => Ok(file),
        // If the name is a symlink now, it was replaced after the walk.
        Walk::File { dir, name, .. } => {
            openat(dir.as_ref().unwrap_or(top), name.as_c_str(), flags | OFlag::O_NOFOLLOW, Mode::empty())
        }
        Walk::Missing(..) => Err(Errno::ENOENT),
    }
}

/// The result of walking a path.
pub(crate) enum Walk {
    /// It leads to a directory.
    Directory(OwnedFd),
    /// It leads to something else, with this name in this directory (none: the top).
    File {
        /// The directory.
        dir: Option<OwnedFd>,
        name: CString,
        /// The file, opened with O_PATH.
        file: OwnedFd,
    },
    /// It leads to this directory (none: the top), but the names below it are missing. None of them is `..`.
    Missing(Option<OwnedFd>, Vec<OsString>),
}

/// Walks a path name by name, resolving it as if `top` were the root, to find the first missing name. A file
/// also counts as missing if `is_nothing` returns true for it; the last argument says whether its name is the
/// last one.
///
/// # Errors
/// The errors of path_resolution(7).
pub(crate) fn walk(
    top: &OwnedFd,
    path: &Path,
    is_nothing: impl Fn(&OwnedFd, &FileStat, bool) -> bool,
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
        let Some((entry, stat)) =
            entry.zip(stat).filter(|(entry, stat)| !is_nothing(entry, stat, names.is_empty()))
        else {
            // A path cannot lead up again from a directory that does not exist.
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
                follow(&target, &mut dirs, &mut names);
            }
            SFlag::S_IFDIR => dirs.push(entry),
            _ if names.is_empty() => return Ok(Walk::File { dir: dirs.pop(), name: c_name, file: entry }),
            _ => return Err(Errno::ENOTDIR),
        }
    }
    dirs.pop().map_or_else(|| openat(top, ".", LOOK, Mode::empty()), Ok).map(Walk::Directory)
}

/// Continues a walk at the target of a symlink, from these directories and with the names that follow the symlink.
pub(crate) fn follow<D>(target: &OsStr, dirs: &mut Vec<D>, names: &mut VecDeque<OsString>) {
    if target.as_bytes().starts_with(b"/") {
        dirs.clear();
    }
    parts(target).collect::<Vec<_>>().into_iter().rev().for_each(|part| names.push_front(part));
}

/// True for a magic link, which the kernel does not resolve by its text. All other links in procfs are
/// relative (`self`, `thread-self`, `mounts`, `net`), and the text of a magic link never looks like them:
/// `/path`, `pipe:[1]`, `(unreachable)/path`.
fn is_magic(link: &OwnedFd, target: &OsStr) -> Result<bool, Errno> {
    let (first, is_plain) =
        (target.as_bytes().first(), |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_".contains(byte));
    let is_relative = first != Some(&b'/') && target.as_bytes().iter().all(is_plain);
    Ok(fstatfs(link)?.filesystem_type() == PROC_SUPER_MAGIC && !is_relative)
}

/// The names of a path.
pub(crate) fn parts(path: &OsStr) -> impl Iterator<Item = OsString> {
    let parts = path.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.map(|part| OsStr::from_bytes(part).to_owned())
}
