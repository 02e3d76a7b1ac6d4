//! Which sandboxes of this user are running: each launcher holds a file in memory that says so.
//!
//! The kernel removes the file however the launcher ends, so that no entry is ever stale, and nothing is left on any disk. It
//! is found at one descriptor of each process in /proc. Entries of other users and of other user namespaces, such as the inside
//! of a sandbox, are not believed.

pub(crate) mod known;
mod launchers;
mod names;

pub(crate) use crate::parent::registry::known::Known;
pub(crate) use crate::parent::registry::launchers::{pids, unless_hidden};
pub(crate) use crate::parent::registry::names::Name;

use crate::error::{Error, OsError};
use crate::failure::reason;
use crate::parent::registry::known::{DESCRIPTORS, MAX_ENTRY, PREFIX, user_namespace};
use crate::parent::registry::launchers::{Launcher, Processes};
use crate::plan::{FirstProcess, Plan};
use crate::sys::standard_error;
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::getpid;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::SystemTime;

/// The entry of a sandbox of this process, for as long as it is open.
pub(crate) struct Entry {
    _file: OwnedFd,
    _name: Option<Name>,
}

impl Entry {
    /// Publishes a sandbox. Only one with a name must be found by others.
    ///
    /// # Errors
    /// Those of memfd_create(2) and fcntl(2), if it has a name.
    pub(crate) fn publish(
        plan: &Plan,
        first: [u32; 2],
        name: Option<Name>,
        (pid, process_dir): (i32, &OwnedFd),
    ) -> Result<Option<Entry>, Error> {
        let written = known(plan, first, pid, process_dir).and_then(|known| write(&known));
        match (written, &plan.name) {
            (Ok(file), _) => Ok(Some(Entry { _file: file, _name: name })),
            (Err(errno), Some(_)) => {
                Err(Error::Parent { doing: "making the entry of a named sandbox", errno: OsError(errno) })
            }
            (Err(errno), None) => {
                standard_error::warn(&format!("subroot ps will not list this sandbox: {}", reason(errno)));
                Ok(None)
            }
        }
    }
}

fn known(plan: &Plan, first: [u32; 2], pid: i32, process_dir: &OwnedFd) -> Outcome<Known> {
    Ok(Known {
        name: plan.name.clone(),
        pid,
        launcher: getpid().as_raw(),
        user_namespace: user_namespace(process_dir)?,
        namespaces: plan.namespaces,
        has_init: plan.first == Some(FirstProcess::Init),
        started: SystemTime::UNIX_EPOCH
            .elapsed()
            .ok()
            .map_or(0, |since| since.as_millis().try_into().ok().unwrap_or(0)),
        rootfs: plan.root.as_ref().and_then(|root| root.dir().map(OsString::from)),
        first,
        process: plan.process.clone(),
    })
}

fn write(known: &Known) -> Outcome<OwnedFd> {
    let text = serde_json::to_vec(known).map_err(|_| Errno::EINVAL)?;
    if text.len() > MAX_ENTRY {
        return Err(Errno::E2BIG);
    }
    let name = format!("{PREFIX}{}:{}", known.pid, known.name.as_deref().unwrap_or_default());
    let mut file = File::from(memfd_create(name.as_str(), MFdFlags::MFD_CLOEXEC)?);
    // Complete before it is where others look for it.
    sys::outcome_of(file.write_all(&text))?;
    let file =
        sys::descriptors::copy_descriptor(file.as_raw_fd(), DESCRIPTORS.start).map_err(|_| Errno::EMFILE)?;
    if DESCRIPTORS.contains(&file.as_raw_fd()) { Ok(file) } else { Err(Errno::EMFILE) }
}

/// What a look at all processes has found.
struct Search {
    /// The oldest first.
    known: Vec<Known>,
    /// True if a wanted entry cannot be read, as another version of subroot wrote it.
    has_unreadable: bool,
}

impl Search {
    /// Reads the entries of those launchers that are wanted.
    ///
    /// # Errors
    /// A /proc that cannot be read: what it would show is then not known.
    fn of(is_wanted: impl Fn(&Launcher) -> bool) -> Result<Search, Error> {
        let failed =
            |errno| Error::Parent { doing: "looking for running sandboxes in /proc", errno: OsError(errno) };
        let processes = Processes::open().map_err(failed)?;
        let mut search = Search { known: Vec::new(), has_unreadable: false };
        for pid in pids().map_err(failed)? {
            let launcher = pid.and_then(|pid| processes.launcher(pid));
            match launcher.and_then(|found| found.filter(&is_wanted).map(Launcher::read).transpose()) {
                Ok(known) => search.known.extend(known),
                // A copy in a process that is not the launcher.
                Err(Errno::ESRCH) => {}
                Err(Errno::EBADMSG | Errno::EFBIG) => search.has_unreadable = true,
                Err(errno) => return Err(failed(errno)),
            }
        }
        search.known.sort_by_key(|known| (known.started, known.pid));
        Ok(search)
    }
}

/// Every running sandbox of this user, the oldest first.
///
/// # Errors
/// A /proc that cannot be read.
pub(crate) fn running() -> Result<Vec<Known>, Error> {
    Search::of(|_| true).map(|search| search.known)
}

/// True while this very sandbox runs.
///
/// # Errors
/// A process that cannot be examined.
pub(crate) fn is_running(known: &Known) -> Outcome<bool> {
    let launcher = Processes::open()?.launcher(known.launcher)?;
    let found = launcher.map(Launcher::read).transpose()?;
    Ok(found.is_some_and(|found| (found.pid, found.started) == (known.pid, known.started)))
}

/// The running sandbox of this name, or with this PID: its own or its launcher's.
///
/// # Errors
/// None that has that name or PID; a /proc that cannot be read.
pub(crate) fn find(sandbox: &str) -> Result<Known, Error> {
    let is_meant = |launcher: &Launcher| {
        launcher.name == sandbox
            || sandbox == launcher.pid.to_string()
            || sandbox == launcher.launcher.to_string()
    };
    let search = Search::of(is_meant)?;
    let why = match search.has_unreadable {
        true => "it was started by another version of subroot",
        false => "no running sandbox has that name or PID",
    };
    let none = || Error::Running { sandbox: sandbox.into(), why: why.into() };
    search.known.into_iter().next().ok_or_else(none)
}
