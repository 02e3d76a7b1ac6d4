//! The registry of this user's running sandboxes: each launcher holds an entry, a file in memory.
//!
//! The kernel removes the file whichever way the launcher ends, so no entry can be stale and nothing is left
//! on disk. Entries are found at a descriptor of each process in /proc. Those of other users and of other
//! user namespaces, such as a sandbox's, are not trusted.

pub(crate) mod known;
mod launchers;
mod names;

pub(crate) use crate::parent::registry::known::Known;
pub(crate) use crate::parent::registry::launchers::{pids, unless_hidden};
pub(crate) use crate::parent::registry::names::{Name, state_directory};

use crate::error::{Error, OsError};
use crate::failure::reason;
use crate::parent::registry::known::{DESCRIPTORS, Detached, MAX_ENTRY, PREFIX, user_namespace};
use crate::parent::registry::launchers::{Launcher, Processes};
use crate::plan::root::RootPlan;
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

/// The entry of a sandbox of this process. It exists while this is open.
pub(crate) struct Entry {
    _file: OwnedFd,
    _name: Option<Name>,
}

/// What is known of a sandbox once its IDs are mapped.
pub(crate) struct Facts<'d> {
    /// The uid and gid inside of its first process.
    pub(crate) first: [u32; 2],
    /// The PID of its first process.
    pub(crate) pid: i32,
    /// The directory of that process in /proc.
    pub(crate) process_dir: &'d OwnedFd,
    pub(crate) detached: Option<Detached>,
}

impl Entry {
    /// Publishes the entry of a sandbox. Failing to publish is an error only if the sandbox has a name.
    ///
    /// # Errors
    /// An error of memfd_create(2) or fcntl(2), if the sandbox has a name.
    pub(crate) fn publish(plan: &Plan, name: Option<Name>, facts: Facts<'_>) -> Result<Option<Entry>, Error> {
        let written = known(plan, facts).and_then(|known| write(&known));
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

fn known(plan: &Plan, facts: Facts<'_>) -> Outcome<Known> {
    let Facts { first, pid, process_dir, detached } = facts;
    Ok(Known {
        name: plan.name.clone(),
        pid,
        launcher: getpid().as_raw(),
        user_namespace: user_namespace(process_dir)?,
        namespaces: plan.namespaces,
        has_init: plan.first == Some(FirstProcess::Init),
        started: known::now(),
        rootfs: plan.root.as_ref().and_then(RootPlan::source).map(OsString::from),
        first,
        has_terminals: plan.root.as_ref().is_some_and(RootPlan::has_terminals),
        process: plan.process.clone(),
        detached,
    })
}

fn write(known: &Known) -> Outcome<OwnedFd> {
    let text = serde_json::to_vec(known).map_err(|_| Errno::EINVAL)?;
    if text.len() > MAX_ENTRY {
        return Err(Errno::E2BIG);
    }
    let name = format!("{PREFIX}{}:{}", known.pid, known.name.as_deref().unwrap_or_default());
    let mut file = File::from(memfd_create(name.as_str(), MFdFlags::MFD_CLOEXEC)?);
    // The entry must be complete before other processes can find it.
    sys::outcome_of(file.write_all(&text))?;
    let file =
        sys::descriptors::copy_descriptor(file.as_raw_fd(), DESCRIPTORS.start).map_err(|_| Errno::EMFILE)?;
    if DESCRIPTORS.contains(&file.as_raw_fd()) { Ok(file) } else { Err(Errno::EMFILE) }
}

/// The result of searching all processes.
struct Search {
    /// The sandboxes, oldest first.
    known: Vec<Known>,
    /// True if a wanted entry cannot be read because another version of subroot wrote it.
    has_unreadable: bool,
}

impl Search {
    /// Reads the entries of the wanted launchers.
    ///
    /// # Errors
    /// /proc cannot be read, so sandboxes could be missed.
    fn of(is_wanted: impl Fn(&Launcher) -> bool) -> Result<Search, Error> {
        let failed =
            |errno| Error::Parent { doing: "looking for running sandboxes in /proc", errno: OsError(errno) };
        let processes = Processes::open().map_err(failed)?;
        let mut search = Search { known: Vec::new(), has_unreadable: false };
        for pid in pids().map_err(failed)? {
            let launcher = pid.and_then(|pid| processes.launcher(pid));
            match launcher.and_then(|found| found.filter(&is_wanted).map(Launcher::read).transpose()) {
                Ok(known) => search.known.extend(known),
                // A copy of an entry in a process that is not the launcher.
                Err(Errno::ESRCH) => {}
                Err(Errno::EBADMSG | Errno::EFBIG) => search.has_unreadable = true,
                Err(errno) => return Err(failed(errno)),
            }
        }
        search.known.sort_by_key(|known| (known.started, known.pid));
        Ok(search)
    }
}

/// All running sandboxes of this user, oldest first.
///
/// # Errors
/// /proc cannot be read.
pub(crate) fn running() -> Result<Vec<Known>, Error> {
    Search::of(|_| true).map(|search| search.known)
}

/// True while this sandbox is running.
///
/// # Errors
/// The launcher's process cannot be examined.
pub(crate) fn is_running(known: &Known) -> Outcome<bool> {
    let launcher = Processes::open()?.launcher(known.launcher)?;
    let found = launcher.map(Launcher::read).transpose()?;
    Ok(found.is_some_and(|found| (found.pid, found.started) == (known.pid, known.started)))
}

/// The running sandbox with this name or PID. The PID can be its first process's or its launcher's.
///
/// # Errors
/// No sandbox has that name or PID, or /proc cannot be read.
pub(crate) fn find(sandbox: &str) -> Result<Known, Error> {
    look_up(sandbox)?.map_err(|missing| Error::Running { sandbox: sandbox.into(), why: missing.why().into() })
}

/// Why no running sandbox was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// There is none.
    Nothing,
    /// Another version of subroot has started one, whose entry cannot be read.
    OtherVersion,
}

impl Missing {
    pub(crate) fn why(self) -> &'static str {
        match self {
            Missing::Nothing => "no running sandbox has that name or PID",
            Missing::OtherVersion => "it was started by another version of subroot",
        }
    }
}

/// The same, or why there is none.
///
/// # Errors
/// /proc cannot be read.
pub(crate) fn look_up(sandbox: &str) -> Result<Result<Known, Missing>, Error> {
    let is_meant = |launcher: &Launcher| {
        launcher.name == sandbox
            || sandbox == launcher.pid.to_string()
            || sandbox == launcher.launcher.to_string()
    };
    let search = Search::of(is_meant)?;
    let missing = if search.has_unreadable { Missing::OtherVersion } else { Missing::Nothing };
    Ok(search.known.into_iter().next().ok_or(missing))
}

/// A pidfd of the launcher of a running sandbox.
///
/// # Errors
/// ESRCH if the sandbox has ended.
pub(crate) fn open_launcher(known: &Known) -> Outcome<OwnedFd> {
    let launcher =
        u32::try_from(known.launcher).map_err(|_| Errno::ESRCH).and_then(sys::process::pidfd_open)?;
    // The PID may have been reused before it was opened.
    if is_running(known)? { Ok(launcher) } else { Err(Errno::ESRCH) }
}
