//! The directory on disk for those layers that are discarded at the end, if memory takes no user.* attributes: a tmpfs does so since
//! Linux 6.6. Without them, no directory of the lower layer can be replaced (EIO).
//!
//! Each launch has one of its own in the user's cache, locked for as long as the launcher or its guard lives, and removed at the
//! end. What was left when both were killed is not locked, and the next launch removes it. What is in it belongs to subordinate IDs, so that a process
//! in a user namespace of the same IDs removes it.

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
/// What the names of the directories in it begin with; the launcher's PID, a number and the host's name follow.
const PREFIX: &str = "overlay-";

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);
const READ: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// The directory of one launch.
pub(crate) struct DiskLayers {
    store: Store,
    name: CString,
    /// Locked for as long as it is open.
    dir: OwnedFd,
}

/// The directory that has one for each launch of this user.
struct Store {
    dir: OwnedFd,
    path: PathBuf,
}

impl DiskLayers {
    /// Makes one, and removes what killed launchers have left.
    ///
    /// # Errors
    /// A user without a directory for it.
    pub(crate) fn make(candidates: &[Candidate]) -> Result<DiskLayers, Error> {
        let store = Store::open()?;
        store.remove_leftovers(candidates);
        store.make()
    }

    /// Makes one in a directory that a user could have as the cache.
    ///
    /// # Errors
    /// Those of the directory.
    pub(crate) fn make_in(path: &Path) -> Result<DiskLayers, Error> {
        let base = open(path, LOOK, Mode::empty()).map_err(|errno| failed(path, errno))?;
        Store::open_in(&base, path)?.make()
    }

    /// Does with it in a trial what a launch does.
    ///
    /// # Errors
    /// What stopped it.
    pub(crate) fn try_out(&self, candidates: &[Candidate]) -> Result<(), Stopped> {
        let disk = self.disk_dir(Vec::new()).map_err(Stopped::Maps)?;
        let open = || UpperLayers::open(Some(&disk)).map_err(|failure| failure.errno);
        let step = |layers: UpperLayers| layers.try_out();
        trial::perform_with(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, candidates, open, step).map(drop)
    }

    /// Makes one, does the same with it, and removes it; returns the directory that it was in.
    ///
    /// # Errors
    /// A user without a directory for it, or with one that cannot hold the changes of an overlay.
    pub(crate) fn make_and_try_out(candidates: &[Candidate]) -> Result<PathBuf, Error> {
        let layers = DiskLayers::make(candidates)?;
        let path = layers.store.path.clone();
        let tried = layers.try_out(candidates);
        layers.remove_or_say(candidates);
        tried.map(|()| path.clone()).map_err(|stopped| Error::DiskLayers { path, why: stopped.to_string() })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.store.path.join(OsStr::from_bytes(self.name.as_bytes()))
    }

    /// The same for the child, which opens it in a mount namespace of its own.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub(crate) fn disk_dir(&self, store_inside: Vec<PathBuf>) -> Result<DiskDir, Error> {
        let found = fstat(&self.dir).map_err(|errno| failed(&self.path(), errno))?;
        let path = c_string(self.path())?;
        Ok(DiskDir { path, identity: (found.st_dev, found.st_ino), owner: found.st_uid, store_inside })
    }

    /// Where the directories of this and all other launches would be seen inside, through a layer over one that they are in. No
    /// sandbox may reach those of another; and that they change while they are a lower layer is undefined:
    /// Documentation/filesystems/overlayfs.rst.
    pub(crate) fn store_inside(&self, root: &RootPlan) -> Result<Vec<PathBuf>, Error> {
        let path = canonical(&self.store.path)?;
        let mut inside = Vec::new();
        for (lower, target) in root.layered() {
            let lower = match fs::canonicalize(lower) {
                // The caller reaches the store, and so no directory on the way to it is closed to them.
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

    /// What has to be open for its removal.
    pub(crate) fn descriptors(&self) -> [&OwnedFd; 2] {
        [&self.store.dir, &self.dir]
    }

    /// Removes it, by a process that has these IDs.
    ///
    /// # Errors
    /// Why it could not be removed.
    pub(crate) fn remove(&self, candidates: &[Candidate]) -> Result<(), String> {
        self.store.remove(&self.name, &self.dir, candidates)
    }

    /// The same; what cannot be removed is left for the next launch, and said.
    pub(crate) fn remove_or_say(&self, candidates: &[Candidate]) {
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
/// What kept it from being tried.
pub(crate) fn memory_serves() -> Result<bool, Error> {
    let tried = sys::files::memory_takes_attributes();
    tried.map_err(|errno| Error::Parent {
        doing: "setting a user.* attribute of a file in memory",
        errno: OsError(errno),
    })
}

impl Store {
    /// Opens the one of this user, which is made if it is missing.
    fn open() -> Result<Store, Error> {
        let (base, path) = open_cache()?;
        Store::open_in(&base, &path)
    }

    /// Opens the one in a cache, and closes it to everyone else: the directories in it are open to all, as the caller's own ID may
    /// not be among those of a sandbox.
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
                // Another launch on this disk has it, or takes it for a leftover.
                Err(Errno::EEXIST | Errno::EWOULDBLOCK | Errno::ENOENT) => {}
                Err(errno) => return Err(failed(&path, errno)),
            }
        }
        Err(failed(&self.path, Errno::EEXIST))
    }

    fn make_locked(&self, name: &CString) -> Outcome<OwnedFd> {
        mkdirat(&self.dir, name.as_c_str(), Mode::S_IRWXU)?;
        // The caller's own ID may not be among those of the sandbox. Everyone else is kept out by the store.
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

    /// Opens and locks one, if it is still there then.
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
                // One that is in use, or has just been removed.
                Err(Errno::EWOULDBLOCK | Errno::ENOENT) => continue,
                Err(errno) => Err(reason(errno)),
                Ok(dir) => self.remove_leftover(&name, &dir, candidates),
            };
            if let Err(why) = removed {
                standard_error::warn(&format!(
                    "removing {}, which a killed launch has left: {why}",
                    path.display()
                ));
            }
        }
    }

    /// By the IDs of the launches that nothing special was asked of, and else by those of this one.
    fn remove_leftover(&self, name: &CString, dir: &OwnedFd, candidates: &[Candidate]) -> Result<(), String> {
        let usual = IdPlan::new(&IdWishes::default(), None).map_err(|error| error.to_string());
        let removed = usual.and_then(|plan| self.remove(name, dir, &plan.candidates));
        removed.or_else(|why| self.remove(name, dir, candidates).map_err(|_| why))
    }

    /// The names of this host's directories: on a file system of several hosts, the locks of another one may not be seen here.
    fn names(&self) -> Outcome<Vec<CString>> {
        let host = sys::files::host_name_part()?;
        let mut entries = Dir::from_fd(openat(&self.dir, ".", READ, Mode::empty())?)?;
        let mut names =
            entries.iter().map(|entry| Ok(entry?.file_name().to_owned())).collect::<Outcome<Vec<_>>>()?;
        names.retain(|name| is_of_host(name, &host));
        Ok(names)
    }

    /// An empty one is removed without any IDs: the launch may have failed because they could not be mapped.
    fn remove(&self, name: &CStr, dir: &OwnedFd, candidates: &[Candidate]) -> Result<(), String> {
        match self.unlink(name) {
            Err(Errno::ENOTEMPTY | Errno::EEXIST) => {}
            removed => return removed.map_err(reason),
        }
        let empty = || {
            // It goes on alone if the launcher is killed.
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

/// Opens the user's cache, which is made if it is missing; it may be reached by a symlink.
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

/// Makes nothing in another user's directory, such as the home that sudo may have left in HOME.
fn make_cache(path: &Path) -> Result<OwnedFd, Error> {
    let parent = path.parent().unwrap_or(path);
    let found = fs::metadata(parent).map_err(|error| unsafe_dir(parent.into(), &reason_of(&error)))?;
    if std::os::unix::fs::MetadataExt::uid(&found) != geteuid().as_raw() {
        return Err(unsafe_dir(parent.into(), "another user owns it"));
    }
    let made = match mkdir(path, Mode::S_IRWXU) {
        // Another launch may have made it just now.
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
