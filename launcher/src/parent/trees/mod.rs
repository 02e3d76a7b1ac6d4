//! Trees of files that belong to the caller's subordinate IDs: removes and measures them in a process that has
//! these IDs.

use crate::error::{Error, OsError};
use crate::failure::reason;
use crate::parent::registry;
use crate::parent::trial::{self, Stopped};
use crate::plan::id_plan::IdPlan;
use crate::request::ids::IdWishes;
use crate::rootfs::removal::{self, READ};
use crate::rootfs::tree::{self, Usage};
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::libc;
use nix::sys::stat::Mode;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// A directory: the one that contains it, opened, and its name there.
#[derive(Debug)]
pub(crate) struct Tree {
    parent: OwnedFd,
    name: CString,
    /// Its path without symlinks.
    pub(crate) path: PathBuf,
}

impl Tree {
    /// Finds a directory. A symlink is not followed.
    ///
    /// # Errors
    /// There is no directory of that name, or the name is `/`, `.` or `..`.
    pub(crate) fn find(doing: &'static str, path: &Path) -> Result<Tree, Error> {
        let failed = |errno| Error::Tree { doing, path: path.into(), why: reason(errno) };
        let unnamed = || Error::Tree {
            doing,
            path: path.into(),
            why: "name a directory below another one, not /, . or ..".into(),
        };
        let name = path.file_name().ok_or_else(unnamed)?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let parent = open(above, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
        let parent = parent.map_err(failed)?;
        let name = CString::new(name.as_bytes()).map_err(|_| failed(Errno::EINVAL))?;
        is_within(&parent, &name).map_err(|errno| match errno {
            Errno::EXDEV => {
                Error::Tree { doing, path: path.into(), why: "a filesystem is mounted there".into() }
            }
            // Of openat2(2) with RESOLVE_NO_SYMLINKS.
            Errno::ELOOP => failed(Errno::ENOTDIR),
            errno => failed(errno),
        })?;
        let above = fs::canonicalize(above).map_err(|error| failed(sys::errno_of(&error)))?;
        let path = above.join(std::ffi::OsStr::from_bytes(name.as_bytes()));
        Ok(Tree { parent, name, path })
    }

    /// Performs a step in a process that has all of the caller's IDs.
    fn mapped(&self, doing: &'static str, step: impl FnOnce() -> Outcome<()>) -> Result<(), Error> {
        let plan = IdPlan::new(&IdWishes::default(), None)?;
        match trial::perform(libc::CLONE_NEWUSER, &plan.candidates, step) {
            Ok(_) => Ok(()),
            Err(Stopped::Maps(error)) => Err(error),
            Err(Stopped::Namespaces(errno)) => {
                Err(Error::Parent { doing: "creating a user namespace", errno: OsError(errno) })
            }
            Err(Stopped::Step(Errno::EWOULDBLOCK)) => {
                Err(Error::Tree { doing, path: self.path.clone(), why: "another process is using it".into() })
            }
            Err(Stopped::Step(errno)) => {
                Err(Error::Tree { doing, path: self.path.clone(), why: reason(errno) })
            }
        }
    }

    /// Removes it. `report` is called in another process with each path that remains, and why.
    ///
    /// # Errors
    /// The IDs cannot be mapped, or something remains.
    pub(crate) fn remove(&self, mut report: impl FnMut(&Path, Errno)) -> Result<(), Error> {
        self.mapped("removing", || {
            // Held until this process ends. An import that is running has locked its directory.
            let dir = openat(&self.parent, self.name.as_c_str(), READ, Mode::empty())?;
            sys::files::try_lock(&dir, true)?;
            let mut first = None;
            tree::remove(&self.parent, &self.name, &mut |path, errno| {
                first.get_or_insert(errno);
                report(path, errno);
            });
            first.map_or(Ok(()), Err)
        })
    }

    /// Measures it, and passes the result to `show` in another process, in which `report` is also called.
    ///
    /// # Errors
    /// The IDs cannot be mapped, or something cannot be examined.
    pub(crate) fn measure(
        &self,
        mut report: impl FnMut(&Path, Errno),
        show: impl FnOnce(&Usage) -> Outcome<()>,
    ) -> Result<(), Error> {
        self.mapped("measuring", || {
            let mut first = None;
            let usage = Usage::of(&self.parent, &self.name, &mut |path, errno| {
                first.get_or_insert(errno);
                report(path, errno);
            });
            show(&usage).and_then(|()| first.map_or(Ok(()), Err))
        })
    }
}

/// Checks that a name is a directory in which no filesystem is mounted.
fn is_within(parent: &OwnedFd, name: &CString) -> Outcome<()> {
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC);
    let limits =
        ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    openat2(parent, name.as_c_str(), how.resolve(limits)).map(drop)
}

/// Removes a directory whose files may belong to the caller's subordinate IDs, with everything in it. No symlink
/// is followed, and no mount is entered.
///
/// # Errors
/// The IDs cannot be mapped, or something cannot be removed.
pub fn remove(path: impl AsRef<Path>) -> Result<(), Error> {
    Tree::find("removing", path.as_ref())?.remove(|_, _| {})
}

/// Removes everything in a directory, with the IDs of the calling process. No symlink is followed, and no mount
/// is entered.
///
/// # Errors
/// Errors of openat2(2), getdents(2), renameat(2) and unlinkat(2).
pub fn empty(dir: &OwnedFd) -> io::Result<()> {
    removal::empty(dir).map_err(|errno| OsError(errno).into())
}

/// The name of the running sandbox whose launcher is this process, or its PID; else this PID.
#[must_use]
pub fn sandbox_of(launcher: u32) -> String {
    // Error ignored: the PID is then shown.
    let running = registry::running().ok().unwrap_or_default();
    let known = running.iter().find(|known| u32::try_from(known.launcher) == Ok(launcher));
    known.map_or_else(|| launcher.to_string(), registry::Known::shown_name)
}

/// A text with its control characters escaped, so that it is one line and moves no terminal's cursor.
#[must_use]
pub fn escaped(text: &str) -> String {
    sys::standard_error::escaped(text)
}
