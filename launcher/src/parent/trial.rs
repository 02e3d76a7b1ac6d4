//! Performs a step of a launch for real, in a child that is then discarded.

use crate::child::identity::Identity;
use crate::error::{Error, OsError};
use crate::failure::reason;
use crate::parent::channel::{open_dir, pipe};
use crate::parent::mapper::{self, Target};
use crate::plan::id_plan::Candidate;
use crate::sys::process::{Ended, Side};
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::libc::c_int;
use nix::unistd::{read, write};
use std::fmt;

/// What stopped a trial.
pub(crate) enum Stopped {
    /// The creation of the namespaces.
    Namespaces(Errno),
    /// The mapper, or a system call of this process.
    Maps(Error),
    /// The step itself.
    Step(Errno),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stopped::Namespaces(errno) | Stopped::Step(errno) => write!(f, "{}", reason(*errno)),
            Stopped::Maps(error) => write!(f, "{error}"),
        }
    }
}

/// Creates these namespaces, maps IDs with the first candidate that works (if there are candidates), and
/// performs a step in them. Returns the index of that candidate and why the earlier ones failed.
///
/// # Errors
/// What stopped the trial.
pub(crate) fn perform(
    flags: c_int,
    candidates: &[Candidate],
    step: impl FnOnce() -> Outcome<()>,
) -> Result<(usize, Vec<String>), Stopped> {
    perform_with(flags, candidates, || Ok(()), |()| step())
}

/// The same, but first calls `open` while the process still has the caller's own access rights.
///
/// # Errors
/// What stopped the trial.
pub(crate) fn perform_with<T>(
    flags: c_int,
    candidates: &[Candidate],
    open: impl FnOnce() -> Outcome<T>,
    step: impl FnOnce(T) -> Outcome<()>,
) -> Result<(usize, Vec<String>), Stopped> {
    let (go, start) = pipe().map_err(Stopped::Maps)?;
    let (pid, process) = match sys::process::clone_process(flags).map_err(Stopped::Namespaces)? {
        Side::Parent(pid, process) => (pid, process),
        Side::Child => {
            drop(start);
            let mut at = [0];
            // Error ignored: the step is then not performed.
            let told = read(&go, &mut at) == Ok(1);
            let first = candidates.get(usize::from(at[0])).map(|candidate| candidate.first);
            let assume = |first: [u32; 2]| Identity::first(first, None).assume();
            let opened = if told { open() } else { Err(Errno::ESRCH) };
            let done = opened.and_then(|opened| first.map_or(Ok(()), assume).and_then(|()| step(opened)));
            sys::process::exit(
                done.err().map_or(0, |errno| u8::try_from(errno as i32).ok().unwrap_or(u8::MAX)),
            );
        }
    };
    drop(go);
    let mapped = match candidates {
        [] => Ok((0, Vec::new())),
        candidates => open_dir(pid)
            .map_err(|errno| Error::Parent {
                doing: "opening the new process in /proc",
                errno: OsError(errno),
            })
            .and_then(|dir| mapper::map(candidates, &Target { pid, dir: &dir })),
    };
    // Error ignored: it is returned below.
    if let Ok((at, _)) = &mapped {
        // Error ignored: the child has ended, and its exit status says why.
        let _ = write(&start, &[u8::try_from(*at).ok().unwrap_or(u8::MAX)]);
    }
    drop(start);
    let ended = sys::process::wait_for(&process).map_err(Stopped::Step)?;
    let mapped = mapped.map_err(Stopped::Maps)?;
    match ended {
        Ended::Exited(0) => Ok(mapped),
        Ended::Exited(errno) => Err(Stopped::Step(Errno::from_raw(errno))),
        Ended::Killed(_) => Err(Stopped::Step(Errno::EINTR)),
    }
}
