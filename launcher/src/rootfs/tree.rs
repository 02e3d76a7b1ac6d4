//! Walks a tree that may be hostile: uses descriptors, follows no symlinks, and does not enter mounts.

use crate::rootfs::removal::{self, READ, WITHIN};
use crate::sys::Outcome;
use crate::sys::files::file_kind;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OpenHow, openat, openat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::collections::HashSet;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Below this depth, a directory is emptied without naming what is in it: each level of a walk needs a descriptor
/// and stack.
const DEPTH: usize = 200;

/// Receives a path and the reason why it could not be removed or examined.
pub(crate) type Report<'a> = &'a mut dyn FnMut(&Path, Errno);

/// Removes a directory with everything in it. Continues after an error, and reports each.
pub(crate) fn remove(parent: &OwnedFd, name: &CStr, report: Report<'_>) {
    let mut walk = Removal { report, path: PathBuf::new(), depth: 0 };
    walk.remove_dir(parent, name);
}

struct Removal<'a> {
    report: Report<'a>,
    path: PathBuf,
    depth: usize,
}

impl Removal<'_> {
    /// Returns true if the directory was removed.
    fn remove_dir(&mut self, parent: &OwnedFd, name: &CStr) -> bool {
        self.path.push(as_name(name));
        let is_empty = open_dir(parent, name).and_then(|dir| self.empty(&dir));
        let is_removed = match is_empty {
            // What is in the way has been reported.
            Ok(false) => false,
            Ok(true) => self.check(unlinkat(parent, name, UnlinkatFlags::RemoveDir)),
            Err(errno) => self.check(Err(errno)),
        };
        self.path.pop();
        is_removed
    }

    /// Returns true if everything in the directory was removed.
    fn empty(&mut self, dir: &OwnedFd) -> Outcome<bool> {
        if self.depth == DEPTH {
            return removal::empty(dir).map(|()| true);
        }
        self.depth += 1;
        let mut is_empty = true;
        for name in names(dir)? {
            is_empty &= match unlinkat(dir, name.as_c_str(), UnlinkatFlags::NoRemoveDir) {
                Err(Errno::EISDIR) => self.remove_dir(dir, &name),
                removed => {
                    self.path.push(as_name(&name));
                    let is_removed = self.check(removed);
                    self.path.pop();
                    is_removed
                }
            };
        }
        self.depth -= 1;
        Ok(is_empty)
    }

    fn check(&mut self, removed: Outcome<()>) -> bool {
        let Err(errno) = removed else { return true };
        (self.report)(&self.path, errno);
        false
    }
}

/// How much a tree holds. A file with several names counts once.
#[derive(Default)]
pub(crate) struct Usage {
    pub(crate) entries: u64,
    /// The sum of the files' sizes.
    pub(crate) apparent: u64,
    /// The space that they take on disk.
    pub(crate) disk: u64,
    seen: HashSet<(u64, u64)>,
}

impl Usage {
    /// The usage of a directory and everything in it. Reports what cannot be examined.
    pub(crate) fn of(parent: &OwnedFd, name: &CStr, report: Report<'_>) -> Usage {
        let mut usage = Usage::default();
        usage.add(parent, name, (&mut PathBuf::new(), 0), report);
        usage
    }

    fn add(&mut self, dir: &OwnedFd, name: &CStr, (path, depth): (&mut PathBuf, usize), report: Report<'_>) {
        path.push(as_name(name));
        match fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(errno) => report(path, errno),
            Ok(found) => {
                self.count(&found);
                if file_kind(&found) == SFlag::S_IFDIR {
                    self.add_below(dir, name, (path, depth), report);
                }
            }
        }
        path.pop();
    }

    fn add_below(
        &mut self,
        dir: &OwnedFd,
        name: &CStr,
        (path, depth): (&mut PathBuf, usize),
        report: Report<'_>,
    ) {
        let opened = if depth == DEPTH { Err(Errno::EMFILE) } else { open_dir(dir, name) };
        match opened.and_then(|opened| Ok((names(&opened)?, opened))) {
            Err(errno) => report(path, errno),
            Ok((names, opened)) => {
                names.iter().for_each(|name| self.add(&opened, name, (path, depth + 1), report));
            }
        }
    }

    fn count(&mut self, found: &FileStat) {
        let has_more_names = found.st_nlink > 1 && file_kind(found) != SFlag::S_IFDIR;
        self.entries += 1;
        if has_more_names && !self.seen.insert((found.st_dev, found.st_ino)) {
            return;
        }
        self.apparent = self.apparent.saturating_add(found.st_size.unsigned_abs());
        self.disk = self.disk.saturating_add(found.st_blocks.unsigned_abs() * 512);
    }
}

fn open_dir(parent: &OwnedFd, name: &CStr) -> Outcome<OwnedFd> {
    openat2(parent, name, OpenHow::new().flags(READ).resolve(WITHIN))
}

fn names(dir: &OwnedFd) -> Outcome<Vec<CString>> {
    let mut entries = Dir::from_fd(openat(dir, ".", READ, Mode::empty())?)?;
    let mut names =
        entries.iter().map(|entry| Ok(entry?.file_name().to_owned())).collect::<Outcome<Vec<_>>>()?;
    names.retain(|name| name.as_c_str() != c"." && name.as_c_str() != c"..");
    Ok(names)
}

fn as_name(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}
