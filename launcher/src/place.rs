//! Where something is mounted: found below the new root, whatever symlinks a hostile rootfs has, and made where it is missing.

use crate::covering::{MissingPoint, cover, make_point};
use crate::failure::{Failure, Step};
use crate::kernel::file_kind;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::libc::dev_t;
use nix::sys::stat::{FileStat, SFlag, fstat};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Below the folder, and through no symlink.
pub(crate) const BENEATH: ResolveFlag = ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_SYMLINKS);
/// Symlinks lead on inside of the folder, as they will when it is the root; those of proc lead nowhere.
pub(crate) const IN_ROOT: ResolveFlag =
    ResolveFlag::RESOLVE_IN_ROOT.union(ResolveFlag::RESOLVE_NO_MAGICLINKS);

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);
/// How many symlinks may lead on, as in path_resolution(7).
const MAX_LINKS: u32 = 40;
/// The kernel asks for another try when something was renamed meanwhile: openat2(2).
const TRIES: u32 = 64;

/// The new root while it is furnished.
pub(crate) struct NewRoot {
    top: OwnedFd,
    /// The file systems in memory that this launch has made, in which a missing mount point is simply made.
    memory: Vec<dev_t>,
}

impl NewRoot {
    /// Furnishes the mount whose top folder this is.
    pub(crate) fn new(top: OwnedFd) -> NewRoot {
        NewRoot { top, memory: Vec::new() }
    }

    /// The same, with everything on its file system going with the sandbox.
    #[must_use]
    pub(crate) fn all_in_memory(mut self) -> NewRoot {
        self.memory.extend(fstat(&self.top).map(|stat| stat.st_dev));
        self
    }

    /// The top folder.
    pub(crate) fn top(&self) -> &OwnedFd {
        &self.top
    }

    /// Remembers that everything on this file system goes with the sandbox.
    pub(crate) fn note_memory(&mut self, mount: &OwnedFd) {
        self.memory.extend(fstat(mount).map(|stat| stat.st_dev));
    }

    /// Opens a path inside, as a folder or as a file; makes it where it is missing.
    ///
    /// # Errors
    /// Something of the other kind there, and a folder that cannot be covered.
    pub(crate) fn place(&mut self, path: &Path, is_folder: bool) -> Result<OwnedFd, Failure> {
        let on = |errno| Failure::new(Step::MountPoint, path.as_os_str().as_bytes(), errno);
        let kind = if is_folder { OFlag::O_DIRECTORY } else { OFlag::empty() };
        let place = match self.open_as(path, kind) {
            Err(Errno::ENOENT) => {
                self.make(path, is_folder)?;
                self.open_as(path, kind).map_err(on)?
            }
            opened => opened.map_err(on)?,
        };
        let is_file = is_folder || file_kind(&fstat(&place).map_err(on)?) != SFlag::S_IFDIR;
        if is_file { Ok(place) } else { Err(on(Errno::EISDIR)) }
    }

    /// Opens what is there.
    ///
    /// # Errors
    /// Those of openat2(2).
    pub(crate) fn open(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.open_as(path, OFlag::empty())
    }

    fn open_as(&self, path: &Path, kind: OFlag) -> Result<OwnedFd, Errno> {
        let relative = path.strip_prefix("/").unwrap_or(path);
        let mut opened = Err(Errno::EAGAIN);
        for _ in 0..TRIES {
            opened = openat2(&self.top, relative, OpenHow::new().flags(LOOK | kind).resolve(IN_ROOT));
            if opened.as_ref().err() != Some(&Errno::EAGAIN) {
                break;
            }
        }
        opened
    }

    fn make(&mut self, path: &Path, is_folder: bool) -> Result<(), Failure> {
        let on = |errno| Failure::new(Step::MountPoint, path.as_os_str().as_bytes(), errno);
        let Walk::Missing(parent, names) = walk(&self.top, path, |_, _| false).map_err(on)? else {
            return Err(on(Errno::ENOENT));
        };
        let point = MissingPoint { names, is_folder };
        let folder = parent.as_ref().unwrap_or(&self.top);
        if self.memory.contains(&fstat(folder).map_err(on)?.st_dev) {
            return make_point(folder, &point);
        }
        let covered = cover(folder, &[point])?;
        if parent.is_none() {
            self.top = covered;
        }
        Ok(())
    }
}

/// How far a path leads.
pub(crate) enum Walk {
    /// To its end.
    There,
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
        let how = OpenHow::new().flags(LOOK | OFlag::O_NOFOLLOW).resolve(ResolveFlag::RESOLVE_BENEATH);
        let entry = match openat2(folder, name.as_os_str(), how) {
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
            _ if names.is_empty() => return Ok(Walk::There),
            _ => return Err(Errno::ENOTDIR),
        }
    }
    Ok(Walk::There)
}

fn parts(path: &OsStr) -> impl Iterator<Item = OsString> {
    let parts = path.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.map(|part| OsStr::from_bytes(part).to_owned())
}
