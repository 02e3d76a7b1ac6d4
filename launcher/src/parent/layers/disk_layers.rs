//! The directory on disk for layers that are discarded at the end. It is used if memory does not support
//! user.* attributes, which a tmpfs does since Linux 6.6. Without these attributes, no directory of the lower
//! layer can be replaced (EIO).
//!
//! Each launch has its own directory in the user's cache. It is locked while the launcher or its guard runs,
//! and removed at the end. If both are killed, the directory stays without a lock, and the next launch
//! removes it. Its files belong to subordinate IDs, so a process in a user namespace with the same IDs
//! removes them.

use crate::error::{Error, OsError};
use crate::failure::{reason, reason_of};
use crate::parent::trial::{self, Stopped};
use crate::plan::id_plan::{Candidate, IdPlan};
use crate::plan::root::{DiskDir, RootPlan};
use crate::request::ids::IdWishes;
use crate::rootfs::removal;
use crate::rootfs::upper_layers::UpperLayers;
use crate::sys::standard_error;
use crate::sys::{self, Outcome};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::libc;
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, fchmod, fchmodat, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, geteuid, getpid, mkdir, unlinkat};
use std::env;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The directory in the user's cache.
pub(crate) const DIRECTORY: &str = "subroot";
/// The prefix of the directories' names. The launcher's PID, a number and the hostname follow.
const PREFIX: &str = "overlay-";

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);
const READ: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// The directory of one launch.
pub(crate) struct DiskLayers {
    store: Store,
    name: CString,
    /// Locked while it is open.
    dir: OwnedFd,
}

/// The directory that contains the directories of all launches of this user.
struct Store {
    dir: OwnedFd,
    path: PathBuf,
}

impl DiskLayers {
    /// Creates one, and removes those that killed launchers left.
    ///
    /// # Errors
    /// The user has no directory that can be used.
    pub(crate) fn make(candidates: &[Candidate]) -> Result<DiskLayers, Error> {
        let store = Store::open()?;
        store.remove_leftovers(candidates);
        store.make()
    }

    /// Creates one in a directory that could serve as the cache.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub(crate) fn make_in(path: &Path) -> Result<DiskLayers, Error> {
        let base = open(path, LOOK, Mode::empty()).map_err(|errno| failed(path, errno))?;
        Store::open_in(&base, path)?.make()
    }

    /// Uses the layers in a trial as a launch would.
    ///
    /// # Errors
    /// What stopped the trial.
    pub(crate) fn try_out(&self, candidates: &[Candidate]) -> Result<(), Stopped> {
        let disk = self.disk_dir(Vec::new()).map_err(Stopped::Maps)?;
        let open = || UpperLayers::open(Some(&disk)).map_err(|failure| failure.errno);
        let step = |layers: UpperLayers| layers.try_out();
        trial::perform_with(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, candidates, open, step).map(drop)
    }

    /// Creates layers, tries them out and removes them. Returns the directory that contained them.
    ///
    /// # Errors
    /// The user has no directory that can be used, or it cannot hold the changes of an overlay.
    pub(crate) fn make_and_try_out(candidates: &[Candidate]) -> Result<PathBuf, Error> {
        let layers = DiskLayers::make(candidates)?;
        let path = layers.store.path.clone();
        let tried = layers.try_out(candidates);
        layers.remove_or_warn(candidates);
        tried.map(|()| path.clone()).map_err(|stopped| Error::DiskLayers { path, why: stopped.to_string() })
    }

    /// The path of the directory.
    pub(crate) fn path(&self) -> PathBuf {
        self.store.path.join(OsStr::from_bytes(self.name.as_bytes()))
    }

    /// The description of this directory for the child, which opens it in its own mount namespace.
    ///
    /// # Errors
    /// An error of fstat(2).
    pub(crate) fn disk_dir(&self, store_inside: Vec<PathBuf>) -> Result<DiskDir, Error> {
        let found = fstat(&self.dir).map_err(|errno| failed(&self.path(), errno))?;
        let path = c_string(self.path())?;
        Ok(DiskDir { path, identity: (found.st_dev, found.st_ino), owner: found.st_uid, store_inside })
    }

    /// The paths in the sandbox at which the directories of all launches would be visible, through an overlay
    /// over a directory that contains them. They must be hidden: no sandbox may reach the layers of another
    /// one, and changing files of a lower layer in use has undefined results
    /// (Documentation/filesystems/overlayfs.rst).
    pub(crate) fn store_inside(&self, root: &RootPlan) -> Result<Vec<PathBuf>, Error> {
        let path = canonical(&self.store.path)?;
        let mut inside = Vec::new();
        for (lower, target) in root.layered() {
            let lower = match fs::canonicalize(lower) {
                // The store is reachable for the caller, so a directory that the caller cannot enter is not
                // above it.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => continue,
                found => found.map_err(|error| failed(lower, sys::errno_of(&error)))?,
            };
            if path.starts_with(&lower) {
                let below = path.iter().skip(lower.iter().count());
                inside.push(target.join(below.collect::<PathBuf>()));
            }
        }
        Ok(inside)
    }

    /// The descriptors that must stay open for removing it.
    pub(crate) fn descriptors(&self) -> [&OwnedFd; 2] {
        [&self.store.dir, &self.dir]
    }

    /// Removes the directory, in a process that has these IDs.
    ///
    /// # Errors
    /// Why it could not be removed.
    pub(crate) fn remove(&self, candidates: &[Candidate]) -> Result<(), String> {
        self.store.remove(&self.name, &self.dir, candidates)
    }

    /// The same, but on failure warns and leaves the directory for the next launch.
    pub(crate) fn remove_or_warn(&self, candidates: &[Candidate]) {
        if let Err(why) = self.remove(candidates) {
            standard_error::warn(&format!("removing {}: {why}", self.path().display()));
        }
    }
}

fn canonical(path: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(path).map_err(|error| failed(path, sys::errno_of(&error)))
}

fn c_string(path: impl Into<OsString>) -> Result<CString, Error> {
    let path = path.into();
    CString::new(path.as_bytes()).map_err(|_| failed(path.as_ref(), Errno::EINVAL))
}

/// True if memory can hold the changes of an overlay.
///
/// # Errors
/// The test could not be performed.
pub(crate) fn memory_serves() -> Result<bool, Error> {
    let tried = sys::files::memory_takes_attributes();
    tried.map_err(|errno| Error::Parent {
        doing: "setting a user.* attribute of a file in memory",
        errno: OsError(errno),
    })
}

impl Store {
    /// Opens this user's store, and creates it if it is missing.
    fn open() -> Result<Store, Error> {
        let (base, path) = open_cache()?;
        Store::open_in(&base, &path)
    }

    /// Opens the store in a cache directory and denies all other users access to it. The directories in it
    /// have mode 0777, because the sandbox's IDs may not include the caller's own.
    fn open_in(base: &OwnedFd, path: &Path) -> Result<Store, Error> {
        let path = path.join(DIRECTORY);
        match mkdirat(base, DIRECTORY, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(failed(&path, errno)),
        }
        let dir = openat(base, DIRECTORY, READ, Mode::empty()).map_err(|errno| failed(&path, errno))?;
        let found = fstat(&dir).map_err(|errno| failed(&path, errno))?;
        match found.st_mode {
            _ if !is_own(&found) => return Err(unsafe_dir(path, "another user owns it")),
            mode if mode & 0o022 != 0 => return Err(unsafe_dir(path, "its group or others can write to it")),
            mode if mode & 0o077 != 0 => fchmod(&dir, Mode::S_IRWXU).map_err(|errno| failed(&path, errno))?,
            _ => {}
        }
        Ok(Store { dir, path })
    }

    fn make(self) -> Result<DiskLayers, Error> {
        let host = sys::files::host_name_part().map_err(|errno| failed(&self.path, errno))?;
        for number in 0_u32.. {
            let name = format!("{PREFIX}{}-{number}-{host}", getpid());
            let path = self.path.join(&name);
            let name = c_string(name)?;
            match self.make_locked(&name) {
                Ok(dir) => return Ok(DiskLayers { store: self, name, dir }),
                // Another launch on this disk uses the name, or has removed the directory as a leftover.
                Err(Errno::EEXIST | Errno::EWOULDBLOCK | Errno::ENOENT) => {}
                Err(errno) => return Err(failed(&path, errno)),
            }
        }
        Err(failed(&self.path, Errno::EEXIST))
    }

    fn make_locked(&self, name: &CString) -> Outcome<OwnedFd> {
        mkdirat(&self.dir, name.as_c_str(), Mode::S_IRWXU)?;
        // The sandbox's IDs may not include the caller's own. The store keeps other users out.
        let all = Mode::S_IRWXU | Mode::S_IRWXG | Mode::S_IRWXO;
        let changed = fchmodat(&self.dir, name.as_c_str(), all, FchmodatFlags::FollowSymlink);
        changed.and_then(|()| self.lock(name)).inspect_err(|_| {
            // Error ignored: the next launch removes it.
            let _unlinked = self.unlink(name);
        })
    }

    fn unlink(&self, name: &CStr) -> Outcome<()> {
        unlinkat(&self.dir, name, UnlinkatFlags::RemoveDir)
    }

    /// Opens and locks a directory, and checks that it still exists afterwards.
    fn lock(&self, name: &CString) -> Outcome<OwnedFd> {
        let dir = openat(&self.dir, name.as_c_str(), READ, Mode::empty())?;
        sys::files::try_lock(&dir, true)?;
        let found = fstatat(&self.dir, name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let opened = fstat(&dir)?;
        let is_same = (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino);
        if is_same { Ok(dir) } else { Err(Errno::ENOENT) }
    }

    fn remove_leftovers(&self, candidates: &[Candidate]) {
        let names = match self.names() {
            Ok(names) => names,
            Err(errno) => {
                let path = self.path.display();
                return standard_error::warn(&format!("looking for leftovers in {path}: {}", reason(errno)));
            }
        };
        for name in names {
            let path = self.path.join(OsStr::from_bytes(name.as_bytes()));
            let removed = match self.lock(&name) {
                // It is in use, or has just been removed.
                Err(Errno::EWOULDBLOCK | Errno::ENOENT) => continue,
                Err(errno) => Err(reason(errno)),
                Ok(dir) => self.remove_leftover(&name, &dir, candidates),
            };
            if let Err(why) = removed {
                standard_error::warn(&format!(
                    "removing {}, a leftover of a killed launch: {why}",
                    path.display()
                ));
            }
        }
    }

    /// Uses the IDs of a launch without ID options, and if that fails, those of this launch.
    fn remove_leftover(&self, name: &CString, dir: &OwnedFd, candidates: &[Candidate]) -> Result<(), String> {
        let usual = IdPlan::new(&IdWishes::default(), None).map_err(|error| error.to_string());
        let removed = usual.and_then(|plan| self.remove(name, dir, &plan.candidates));
        removed.or_else(|why| self.remove(name, dir, candidates).map_err(|_| why))
    }

    /// The names of this host's directories. On a filesystem shared by several hosts, another host's locks
    /// may not be visible here.
    fn names(&self) -> Outcome<Vec<CString>> {
        let host = sys::files::host_name_part()?;
        let mut entries = Dir::from_fd(openat(&self.dir, ".", READ, Mode::empty())?)?;
        let mut names =
            entries.iter().map(|entry| Ok(entry?.file_name().to_owned())).collect::<Outcome<Vec<_>>>()?;
        names.retain(|name| is_of_host(name, &host));
        Ok(names)
    }

    /// An empty directory is removed without mapping IDs: the launch may have failed because they could not
    /// be mapped.
    fn remove(&self, name: &CStr, dir: &OwnedFd, candidates: &[Candidate]) -> Result<(), String> {
        match self.unlink(name) {
            Err(Errno::ENOTEMPTY | Errno::EEXIST) => {}
            removed => return removed.map_err(reason),
        }
        let empty = || {
            // The process continues on its own if the launcher is killed.
            sys::descriptors::close_from_but(0, &[dir])?;
            removal::empty(dir)
        };
        trial::perform(libc::CLONE_NEWUSER, candidates, empty).map_err(|stopped| stopped.to_string())?;
        self.unlink(name).map_err(reason)
    }
}

fn is_of_host(name: &CStr, host: &str) -> bool {
    let rest = name.to_bytes().strip_prefix(PREFIX.as_bytes());
    rest.and_then(|rest| rest.splitn(3, |byte| *byte == b'-').nth(2)) == Some(host.as_bytes())
}

/// Opens the user's cache, and creates it if it is missing. It may be reached through a symlink.
fn open_cache() -> Result<(OwnedFd, PathBuf), Error> {
    let absolute = |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".cache"));
    let path = absolute("XDG_CACHE_HOME").or_else(home);
    let path = path.ok_or_else(|| unsafe_dir("~/.cache".into(), "neither HOME nor XDG_CACHE_HOME is set"))?;
    let opened = match open(&path, LOOK, Mode::empty()) {
        Err(Errno::ENOENT) => make_cache(&path)?,
        opened => opened.map_err(|errno| failed(&path, errno))?,
    };
    let found = fstat(&opened).map_err(|errno| failed(&path, errno))?;
    if is_own(&found) { Ok((opened, path)) } else { Err(unsafe_dir(path, "another user owns it")) }
}

/// Creates the cache only in a directory that the caller owns: sudo may leave another user's home in HOME.
fn make_cache(path: &Path) -> Result<OwnedFd, Error> {
    let parent = path.parent().unwrap_or(path);
    let found = fs::metadata(parent).map_err(|error| unsafe_dir(parent.into(), &reason_of(&error)))?;
    if std::os::unix::fs::MetadataExt::uid(&found) != geteuid().as_raw() {
        return Err(unsafe_dir(parent.into(), "another user owns it"));
    }
    let made = match mkdir(path, Mode::S_IRWXU) {
        // Another launch may have just created it.
        Err(Errno::EEXIST) => Ok(()),
        made => made,
    };
    made.and_then(|()| open(path, LOOK, Mode::empty())).map_err(|errno| failed(path, errno))
}

fn is_own(stat: &FileStat) -> bool {
    stat.st_uid == geteuid().as_raw()
}

fn failed(path: &Path, errno: Errno) -> Error {
    Error::DiskLayers { path: path.into(), why: reason(errno) }
}

fn unsafe_dir(path: PathBuf, why: &str) -> Error {
    Error::DiskLayers { path, why: why.into() }
}
