//! Mount points that the rootfs lacks, made for the run in directories of the caller's, and removed at its end.
//!
//! What is made carries a mark in its mode, which nothing else has. Every run that uses such a mount point holds a shared
//! lock on the directory it was made in, and only the last one removes it: removing a directory takes away what others have mounted
//! on it. A run that was killed together with all its processes leaves marked directories, which the next run then removes.
//!
//! Errors ignored: what the launcher cannot find, lock or make, the child covers instead; what it cannot remove, the next run removes.

use crate::plan::root::{Point, RootPlan};
use crate::sys;
use crate::sys::lookup::{Walk, open_beneath, open_in_root, walk};
use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::rc::Rc;
use std::thread::sleep;
use std::time::Duration;

/// What is mounted on: the sticky bit and no permission at all.
const MARK: Mode = Mode::S_ISVTX;
/// Directories on the way there, which everybody inside has to get through.
const MARK_ON_THE_WAY: Mode = Mode::from_bits_truncate(0o1711);
/// How often, and how long apart, the lock is tried while another run is removing.
const TRIES: (u32, Duration) = (100, Duration::from_millis(2));

const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// The mount points of one run that have to be made; none where the rootfs has them all.
#[derive(Default)]
pub(crate) struct MountPoints(Vec<Missing>);

/// One of them: the names that are missing below a directory of the caller's, which is locked for as long as it is open anywhere.
struct Missing {
    dir: Rc<OwnedFd>,
    names: Vec<CString>,
    is_dir: bool,
}

impl MountPoints {
    /// Looks for them. What this user cannot look into, or does not own, is covered later by the child instead.
    pub(crate) fn find(root: Option<&RootPlan>) -> MountPoints {
        let mut found: Vec<Missing> = Vec::new();
        let mut base: Option<(&Path, OwnedFd)> = None;
        let mut beside = None;
        for point in root.into_iter().flat_map(RootPlan::points) {
            if base.as_ref().is_none_or(|(path, _)| *path != point.base) {
                base = open(point.base, READ, Mode::empty()).ok().map(|opened| (point.base, opened));
                beside = None;
            }
            let Some((_, base)) = &base else { continue };
            if is_there(base, &mut beside, point.path) {
                continue;
            }
            let Some(mut missing) = Missing::find(base, &point) else { continue };
            let same = found.iter().find(|known| is_same(&known.dir, &missing.dir));
            // Two locks of one process on one directory would keep each other out.
            match same.map(|known| Rc::clone(&known.dir)) {
                Some(dir) => missing.dir = dir,
                None if lock_shared(&missing.dir) => {}
                None => continue,
            }
            found.push(missing);
        }
        MountPoints(found)
    }

    /// True where nothing has to be made.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The directories in which something is made.
    pub(crate) fn dirs(&self) -> impl Iterator<Item = &OwnedFd> {
        self.0.iter().map(|missing| &*missing.dir)
    }

    /// Makes them. Where that fails, the child finds one missing and covers its directory.
    pub(crate) fn make(&self) {
        for missing in &self.0 {
            if let Err(errno) = missing.make() {
                log::debug!("making mount point {:?}: {errno}", missing.names);
            }
        }
    }

    /// Removes what is marked and empty, unless another run still uses it.
    pub(crate) fn remove(&self) {
        for missing in self.0.iter().rev() {
            if sys::files::try_lock(&*missing.dir, true).is_ok() {
                missing.remove();
            }
        }
    }
}

impl Missing {
    fn find(base: &OwnedFd, point: &Point<'_>) -> Option<Missing> {
        let there = open_in_root(base, point.path, OFlag::empty()).and_then(fstat);
        if there.is_ok_and(|there| !is_marked(&there, true)) {
            return None;
        }
        let Walk::Missing(parent, names) = walk(base, point.path, is_marked).ok()? else { return None };
        let dir = openat(parent.as_ref().unwrap_or(base), ".", READ, Mode::empty()).ok()?;
        let is_own = fstat(&dir).is_ok_and(|stat| stat.st_uid == geteuid().as_raw());
        let c_string = |text: &OsStr| CString::new(text.as_bytes()).ok();
        let names = names.iter().map(|name| c_string(name)).collect::<Option<Vec<_>>>()?;
        is_own.then(|| Missing { dir: Rc::new(dir), names, is_dir: point.is_dir })
    }

    fn make(&self) -> Result<(), Errno> {
        let Some((last, on_the_way)) = self.names.split_last() else { return Ok(()) };
        let mut dir = openat(&*self.dir, ".", READ, Mode::empty())?;
        for name in on_the_way {
            let made = mkdirat(&dir, name.as_c_str(), MARK_ON_THE_WAY);
            // What was made may have been swapped since.
            dir = open_beneath(&dir, name, READ)?;
            if made.is_ok() {
                // The umask may have taken from it.
                fchmod(&dir, MARK_ON_THE_WAY)?;
            }
        }
        if self.is_dir {
            return mkdirat(&dir, last.as_c_str(), MARK);
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        openat(&dir, last.as_c_str(), flags, MARK).map(drop)
    }

    fn remove(&self) {
        for at in (0..self.names.len()).rev() {
            let (Some(on_the_way), Some(name)) = (self.names.get(..at), self.names.get(at)) else { continue };
            let start = openat(&*self.dir, ".", READ, Mode::empty());
            let dir = on_the_way.iter().fold(start, |dir, name| open_beneath(&dir?, name, READ));
            let Ok(dir) = dir else { continue };
            let Some(found) = stat(&dir, name.as_c_str()) else { continue };
            if is_marked(&found, at + 1 == self.names.len()) {
                let is_dir = sys::files::file_kind(&found) == SFlag::S_IFDIR;
                let how = if is_dir { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
                let _ = unlinkat(&dir, name.as_c_str(), how);
            }
        }
    }
}

/// The directory of the last mount point, as they often lie side by side: its path below the base, and where it is open.
type Beside<'p> = Option<(&'p Path, Option<OwnedFd>)>;

/// True for what is there at the first look, by its name in its directory. A symlink takes another.
fn is_there<'p>(base: &OwnedFd, beside: &mut Beside<'p>, path: &'p Path) -> bool {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return false };
    let look = |dir: &OwnedFd| {
        let found = stat(dir, name);
        found.is_some_and(|found| sys::files::file_kind(&found) != SFlag::S_IFLNK && !is_marked(&found, true))
    };
    if dir.as_os_str().is_empty() {
        return look(base);
    }
    let (_, opened) = match beside {
        Some(known) if known.0 == dir => known,
        _ => beside.insert((dir, open_in_root(base, dir, OFlag::O_DIRECTORY).ok())),
    };
    opened.as_ref().is_some_and(look)
}

fn is_same(one: &OwnedFd, two: &OwnedFd) -> bool {
    let identity = |dir| fstat(dir).map(|stat| (stat.st_dev, stat.st_ino));
    identity(one).is_ok_and(|one| identity(two) == Ok(one))
}

fn stat(dir: &OwnedFd, name: &(impl NixPath + ?Sized)) -> Option<FileStat> {
    fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()
}

/// True for what an earlier run has made: a mount point, or a directory on the way to one.
fn is_marked(stat: &FileStat, is_last: bool) -> bool {
    let mode = stat.st_mode & 0o7777;
    match sys::files::file_kind(stat) {
        SFlag::S_IFDIR => mode == if is_last { MARK.bits() } else { MARK_ON_THE_WAY.bits() },
        SFlag::S_IFREG => is_last && mode == MARK.bits() && stat.st_size == 0,
        _ => false,
    }
}

fn lock_shared(dir: &OwnedFd) -> bool {
    let (tries, pause) = TRIES;
    (0..tries).any(|_| {
        sys::files::try_lock(dir, false).is_ok() || {
            sleep(pause);
            false
        }
    })
}
