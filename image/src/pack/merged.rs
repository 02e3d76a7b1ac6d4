//! Directories of several trees as one, as overlayfs shows them: a name of a higher tree hides that of a lower one, a
//! device 0:0 hides it and is not shown, and the directories of a name are merged down to one that is opaque.

use crate::apply::removal;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};

/// Without a change of the access time. The kernel then refuses a file whose owner is not mapped (EPERM): fstat(2)
/// shows such an owner as another ID.
const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC).union(OFlag::O_NOATIME);
const OPAQUE: &CStr = c"user.overlay.opaque";

/// A directory of the merged tree: those that form it, the highest first.
pub(crate) struct Merged {
    dirs: Vec<OwnedFd>,
}

impl Merged {
    /// The roots of the trees, the highest first.
    ///
    /// # Errors
    /// Errors of fgetxattr(2).
    pub(crate) fn of_roots(roots: Vec<OwnedFd>) -> Result<Merged, Errno> {
        let mut dirs = Vec::new();
        for root in roots {
            let is_last = is_opaque(&root)?;
            dirs.push(root);
            if is_last {
                break;
            }
        }
        Ok(Merged { dirs })
    }

    /// The directory whose owner, mode, time and attributes the merged one has.
    pub(crate) fn top(&self) -> Option<&OwnedFd> {
        self.dirs.first()
    }

    /// The directory of one tree.
    pub(crate) fn of(&self, tree: usize) -> Result<&OwnedFd, Errno> {
        self.dirs.get(tree).ok_or(Errno::EBADF)
    }

    /// The names, each with the highest tree that has it. Whiteouts are among them.
    ///
    /// # Errors
    /// Errors of getdents(2).
    pub(crate) fn names(&self) -> Result<BTreeMap<CString, usize>, Errno> {
        let mut names = BTreeMap::new();
        for (tree, dir) in self.dirs.iter().enumerate() {
            for name in removal::names(dir)? {
                names.entry(name).or_insert(tree);
            }
        }
        Ok(names)
    }

    /// The directory of a name that is one in this tree, with those of the lower trees that it does not hide.
    ///
    /// # Errors
    /// Errors of openat2(2), fstatat(2) and fgetxattr(2).
    pub(crate) fn sub(&self, name: &CStr, tree: usize) -> Result<Merged, Errno> {
        let mut dirs = vec![open(self.of(tree)?, name, OFlag::O_DIRECTORY)?];
        for lower in self.dirs.iter().skip(tree + 1) {
            if dirs.last().map_or(Ok(false), is_opaque)? {
                break;
            }
            match look(lower, name) {
                Err(Errno::ENOENT) => {}
                found if kind(&found?) == SFlag::S_IFDIR => dirs.push(open(lower, name, OFlag::O_DIRECTORY)?),
                _ => break,
            }
        }
        Ok(Merged { dirs })
    }
}

/// Opens the working directory.
///
/// # Errors
/// Errors of open(2).
pub(crate) fn open_base() -> Result<OwnedFd, Errno> {
    nix::fcntl::open(c".", READ | OFlag::O_DIRECTORY, Mode::empty())
}

/// fstatat(2) of the name itself.
pub(crate) fn look(dir: &OwnedFd, name: &CStr) -> Result<FileStat, Errno> {
    fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// The kind of file.
pub(crate) fn kind(found: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits())
}

/// True for what overlayfs takes for a whiteout.
pub(crate) fn is_whiteout(found: &FileStat) -> bool {
    kind(found) == SFlag::S_IFCHR && found.st_rdev == 0
}

/// True if a directory hides those of lower trees.
pub(crate) fn is_opaque(dir: &OwnedFd) -> Result<bool, Errno> {
    sys::attribute(dir, OPAQUE).map(|value| value.as_deref() == Some(b"y"))
}

/// Opens a name in a directory: no symlink is followed, and no mount is entered.
///
/// # Errors
/// Errors of openat2(2); EXDEV if something is mounted there, EPERM if the owner is not mapped.
pub(crate) fn open(dir: impl AsFd, name: &CStr, flags: OFlag) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlag::RESOLVE_BENEATH
        .union(ResolveFlag::RESOLVE_NO_SYMLINKS)
        .union(ResolveFlag::RESOLVE_NO_XDEV);
    openat2(dir, name, OpenHow::new().flags(READ | flags).resolve(resolve))
}
