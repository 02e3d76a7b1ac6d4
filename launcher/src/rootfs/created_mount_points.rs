//! Creates missing mount points of the rootfs for a run, in directories that the caller owns, and removes
//! them at its end. With `--userns subids`, it also creates them in directories of the granted IDs, through a
//! process that joins the sandbox's user namespace.
//!
//! Created files and directories are marked, by an extended attribute if the filesystem supports that, and by
//! a special mode. Every run that uses such a mount point holds
//! a shared lock on the directory in which it was created, and only the last run removes it, because removing
//! a directory would also detach the mounts that other runs have on it. A run that is killed with all its
//! processes leaves marked directories, which the next run removes.
//!
//! Errors ignored: if the launcher cannot find, lock or create a mount point, the child covers the directory
//! instead; if it cannot remove one, the next run does.

use crate::plan::id_layout::inside_of;
use crate::plan::root::{CREATED, Point, RootPlan, UNFINISHED, is_created_file};
use crate::sys;
use crate::sys::legacy_mount::descriptor;
use crate::sys::lookup::{Walk, open_beneath, open_in_root, walk};
use crate::sys::process::{Ended, Side};
use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::libc::CLONE_NEWUSER;
use nix::sys::prctl::set_dumpable;
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, geteuid, setresgid, setresuid, unlinkat};
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::rc::Rc;
use std::thread::sleep;
use std::time::Duration;
use subroot_idmap::PlannedMap;

/// The attribute of everything created. It stays when the command changes a mode or an owner.
const MARK: &CStr = c"user.subroot.created";
/// The mode of created directories above a mount point, which the command sees.
const ON_THE_WAY: Mode = Mode::from_bits_truncate(0o755);
/// The same if the filesystem does not support the attribute.
const MARKED_ON_THE_WAY: Mode = Mode::S_ISVTX.union(ON_THE_WAY);
/// The number of attempts to take the lock while another run is removing, and the pause between them.
const TRIES: (u32, Duration) = (100, Duration::from_millis(2));

const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// The mount points that must be created for one run; none if the rootfs has them all.
#[derive(Default)]
pub(crate) struct MountPoints {
    missing: Vec<Missing>,
    /// The sandbox's user namespace, for mount points in directories of granted IDs.
    ids: Option<OwnedFd>,
}

/// A missing mount point: names below a directory that the caller owns. The directory stays locked while it
/// is open in any process.
struct Missing {
    dir: Rc<OwnedFd>,
    names: Vec<CString>,
    is_dir: bool,
    /// True if the directory belongs to a granted ID.
    is_granted: bool,
}

impl MountPoints {
    /// Finds the missing mount points. Those in directories that this user cannot read or does not own are
    /// left to the child, which covers the directory. Directories that belong to an ID of the map `granted`
    /// count as the caller's own.
    pub(crate) fn find(root: Option<&RootPlan>, granted: Option<&PlannedMap>) -> MountPoints {
        let mut found: Vec<Missing> = Vec::new();
        let mut base: Option<(&Path, OwnedFd)> = None;
        let mut cached = None;
        for point in root.into_iter().flat_map(RootPlan::points) {
            if base.as_ref().is_none_or(|(path, _)| *path != point.base) {
                base = open(point.base, READ, Mode::empty()).ok().map(|opened| (point.base, opened));
                cached = None;
            }
            let Some((_, base)) = &base else { continue };
            if exists(base, &mut cached, point.path) {
                continue;
            }
            let Some(mut missing) = Missing::find(base, &point, granted) else { continue };
            let same = found.iter().find(|known| is_same(&known.dir, &missing.dir));
            // Two descriptors with locks on one directory would exclude each other, so one is shared.
            match same.map(|known| Rc::clone(&known.dir)) {
                Some(dir) => missing.dir = dir,
                None if lock_shared(&missing.dir) => {}
                None => continue,
            }
            found.push(missing);
        }
        MountPoints { missing: found, ids: None }
    }

    /// True if no mount point has to be created.
    pub(crate) fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    /// Opens the user namespace of the sandbox's first process, if it is needed.
    pub(crate) fn open_ids(&mut self, pid: i32) {
        if !self.missing.is_empty() {
            let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
            // Error ignored: the child covers the directories instead.
            self.ids = open(format!("/proc/{pid}/ns/user").as_str(), flags, Mode::empty()).ok();
        }
    }

    /// The directories in which mount points are created, and the user namespace.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = &OwnedFd> {
        self.missing.iter().map(|missing| &*missing.dir).chain(&self.ids)
    }

    /// Creates them. If one cannot be created, the child covers the directory instead.
    pub(crate) fn make(&self) {
        let (granted, own) = self.missing.iter().partition(|missing| missing.is_granted);
        let own = perform(own, Missing::make);
        let granted = self.perform_as_root(granted, Missing::make);
        if let Err(errno) = own.and(granted) {
            log::debug!("making mount points in the rootfs: {errno}");
        }
    }

    /// Removes created mount points that are empty, unless another run still uses them. The command may have
    /// given directories above them to a granted ID.
    pub(crate) fn remove(&self) {
        let is_unused = |missing: &&Missing| sys::files::try_lock(&*missing.dir, true).is_ok();
        let unused = self.missing.iter().rev().filter(is_unused);
        let remaining = unused.filter(|missing| missing.is_granted || missing.remove().is_err()).collect();
        if let Err(errno) = self.perform_as_root(remaining, Missing::remove) {
            log::debug!("removing mount points from the rootfs: {errno}");
        }
    }

    /// Performs a step for each of them in a process that has the granted IDs.
    fn perform_as_root(&self, missing: Vec<&Missing>, step: Perform) -> Result<(), Errno> {
        match self.ids.as_ref().filter(|_| !missing.is_empty()) {
            Some(ids) => as_root_of(ids, || perform(missing, step)),
            None => Ok(()),
        }
    }
}

type Perform = fn(&Missing) -> Result<(), Errno>;

/// Performs a step for each, and continues with the others if one fails.
fn perform(missing: Vec<&Missing>, step: Perform) -> Result<(), Errno> {
    let done: Vec<Result<(), Errno>> = missing.into_iter().map(step).collect();
    done.into_iter().collect()
}

/// Runs `perform` in a process that becomes root of this user namespace. The process must not be dumpable: it
/// still has the host's root directory, and a process that outlives the sandbox could otherwise trace it
/// (CVE-2016-9962).
fn as_root_of(ids: &OwnedFd, perform: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
    let process = match sys::process::clone_process(0)? {
        Side::Parent(_, process) => process,
        Side::Child => {
            let done = become_root_of(ids).and_then(|()| perform());
            sys::process::exit(done.is_err().into());
        }
    };
    match sys::process::wait_for(&process)? {
        Ended::Exited(0) => Ok(()),
        _ => Err(Errno::EPERM),
    }
}

fn become_root_of(ids: &OwnedFd) -> Result<(), Errno> {
    set_dumpable(false)?;
    sys::namespaces::set_namespaces(ids, CLONE_NEWUSER)?;
    set_dumpable(false)?;
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    set_dumpable(false)
}

impl Missing {
    fn find(base: &OwnedFd, point: &Point<'_>, granted: Option<&PlannedMap>) -> Option<Missing> {
        let there = open_in_root(base, point.path, OFlag::empty()).and_then(fstat);
        if there.is_ok_and(|there| !is_marked(&there, true)) {
            return None;
        }
        let is_nothing = |file: &OwnedFd, found: &FileStat, is_last: bool| {
            is_marked(found, is_last) || has_mark(file, found, is_last) == Ok(true)
        };
        let Walk::Missing(parent, names) = walk(base, point.path, is_nothing).ok()? else { return None };
        let dir = openat(parent.as_ref().unwrap_or(base), ".", READ, Mode::empty()).ok()?;
        let owner = fstat(&dir).ok()?.st_uid;
        let is_own = owner == geteuid().as_raw();
        let is_granted = !is_own && granted.is_some_and(|map| inside_of(map, owner).is_some());
        let c_string = |text: &OsStr| CString::new(text.as_bytes()).ok();
        let names = names.iter().map(|name| c_string(name)).collect::<Option<Vec<_>>>()?;
        let dir = Rc::new(dir);
        (is_own || is_granted).then_some(Missing { dir, names, is_dir: point.is_dir, is_granted })
    }

    fn make(&self) -> Result<(), Errno> {
        let Some((last, on_the_way)) = self.names.split_last() else { return Ok(()) };
        let mut dir = openat(&*self.dir, ".", READ, Mode::empty())?;
        for name in on_the_way {
            let made = mkdirat(&dir, name.as_c_str(), UNFINISHED);
            // The new directory may have been replaced since it was created.
            dir = open_beneath(&dir, name, READ)?;
            if made.is_ok() {
                finish(&dir, (ON_THE_WAY, MARKED_ON_THE_WAY))?;
            }
        }
        let made = if self.is_dir {
            mkdirat(&dir, last.as_c_str(), UNFINISHED)?;
            open_beneath(&dir, last, READ)?
        } else {
            let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
            openat(&dir, last.as_c_str(), flags, UNFINISHED)?
        };
        finish(&made, (CREATED, CREATED))
    }

    /// # Errors
    /// EACCES and EPERM if this process may not remove it. What is in use or not empty stays.
    fn remove(&self) -> Result<(), Errno> {
        for at in (0..self.names.len()).rev() {
            let (Some(on_the_way), Some(name)) = (self.names.get(..at), self.names.get(at)) else { continue };
            let start = openat(&*self.dir, ".", READ, Mode::empty());
            let dir = on_the_way.iter().fold(start, |dir, name| open_beneath(&dir?, name, READ));
            let removed = dir.and_then(|dir| remove_marked(&dir, name, at + 1 == self.names.len()));
            // Error ignored: any other error means that it does not exist, is in use or is not empty.
            if matches!(removed, Err(Errno::EACCES | Errno::EPERM)) {
                return removed;
            }
        }
        Ok(())
    }
}

/// Marks a new directory or file, and sets its mode: the second one if it cannot have the attribute.
fn finish(made: &OwnedFd, (mode, marked): (Mode, Mode)) -> Result<(), Errno> {
    // Error ignored: the mode is the mark then.
    let has_mark = sys::files::set_attribute(made, MARK).is_ok();
    fchmod(made, if has_mark { mode } else { marked })
}

fn remove_marked(dir: &OwnedFd, name: &CStr, is_last: bool) -> Result<(), Errno> {
    let file = open_beneath(dir, name, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
    let found = fstat(&file)?;
    if !is_marked(&found, is_last) && !has_mark(&file, &found, is_last)? {
        return Ok(());
    }
    let is_dir = sys::files::file_kind(&found) == SFlag::S_IFDIR;
    unlinkat(dir, name, if is_dir { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir })
}

/// The parent directory of the last mount point, because mount points are often siblings: its path below the
/// base, and the open directory.
type CachedParent<'p> = Option<(&'p Path, Option<OwnedFd>)>;

/// True if the name exists in its parent directory. Symlinks and marked files count as missing here; they
/// need a closer look.
fn exists<'p>(base: &OwnedFd, cached: &mut CachedParent<'p>, path: &'p Path) -> bool {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return false };
    let look = |dir: &OwnedFd| {
        let found = stat(dir, name);
        found.is_some_and(|found| sys::files::file_kind(&found) != SFlag::S_IFLNK && !is_marked(&found, true))
    };
    if dir.as_os_str().is_empty() {
        return look(base);
    }
    let (_, opened) = match cached {
        Some(known) if known.0 == dir => known,
        _ => cached.insert((dir, open_in_root(base, dir, OFlag::O_DIRECTORY).ok())),
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

/// True for a directory that this run, or another one, has created as a mount point.
///
/// # Errors
/// Errors of fstat(2) and getxattr(2).
pub(crate) fn is_created(dir: &OwnedFd) -> Result<bool, Errno> {
    let found = fstat(dir)?;
    Ok(is_marked(&found, true) || has_mark(dir, &found, true)?)
}

/// True if the mode shows that an earlier run created a mount point, or a directory above one.
fn is_marked(stat: &FileStat, is_last: bool) -> bool {
    let mode = stat.st_mode & 0o7777;
    let is_unfinished = mode == UNFINISHED.bits();
    match sys::files::file_kind(stat) {
        SFlag::S_IFDIR if is_last => is_unfinished || mode == CREATED.bits(),
        SFlag::S_IFDIR => is_unfinished || mode == MARKED_ON_THE_WAY.bits(),
        SFlag::S_IFREG => is_last && is_created_file(stat),
        _ => false,
    }
}

/// True if the attribute shows the same.
///
/// # Errors
/// EACCES if this process may not read the attribute.
fn has_mark(file: &OwnedFd, stat: &FileStat, is_last: bool) -> Result<bool, Errno> {
    let can_be_created = match sys::files::file_kind(stat) {
        SFlag::S_IFDIR => true,
        SFlag::S_IFREG => is_last && stat.st_size == 0,
        _ => false,
    };
    if can_be_created { sys::files::has_attribute(&descriptor(file), MARK) } else { Ok(false) }
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
