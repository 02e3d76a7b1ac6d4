//! A detached sandbox that another command comes back to, whether it runs or has ended.

use crate::error::{Error, OsError};
use crate::parent::detached::record::{KILLED, Record};
use crate::parent::detached::store::{JobDir, Store, making, unreadable};
use crate::parent::registry::{self, Known, Missing, Name};
use crate::request::names::check_name;
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;

/// A detached sandbox. Its record stays open, so that the status can be read after the end even if the record
/// is removed then.
pub(crate) struct Job {
    pub(crate) dir: JobDir,
    record: File,
    /// A pidfd of the supervisor, if the sandbox runs.
    pub(crate) supervisor: Option<OwnedFd>,
    pub(crate) known: Option<Known>,
}

/// How a sandbox has ended.
pub(crate) enum End {
    /// With this exit status.
    Status(u8),
    /// Together with its supervisor, which could not record it.
    Lost,
}

impl End {
    /// The exit status. Everything in a sandbox whose supervisor has ended was killed.
    pub(crate) fn status(&self) -> u8 {
        match self {
            End::Status(status) => *status,
            End::Lost => KILLED,
        }
    }
}

/// How a sandbox with this record has ended, which no longer runs.
pub(crate) fn end_of(record: &Record) -> End {
    record.status().map_or(End::Lost, End::Status)
}

impl Job {
    /// Finds a detached sandbox by its name; if it runs, also by its PID.
    ///
    /// # Errors
    /// There is none, or its record cannot be read.
    pub(crate) fn find(sandbox: &str) -> Result<Job, Error> {
        let missing = |why: &str| Error::Running { sandbox: sandbox.into(), why: why.into() };
        let known = match registry::look_up(sandbox)? {
            Ok(known) => known,
            Err(Missing::Nothing) => {
                return Job::ended(sandbox)?.ok_or_else(|| missing("no sandbox has that name"));
            }
            Err(other) => return Job::ended(sandbox)?.ok_or_else(|| missing(other.why())),
        };
        let Some(detached) = &known.detached else {
            return Err(missing("it was not started by subroot run --detach"));
        };
        let just_ended = |errno| match errno {
            Errno::ESRCH | Errno::ENOENT => missing("it has just ended"),
            errno => unreadable(&detached.dir, errno),
        };
        let opened = JobDir::open(&detached.dir).and_then(|dir| Ok((dir.record()?, dir)));
        let (record, dir) = opened.map_err(just_ended)?;
        match registry::open_launcher(&known) {
            Ok(supervisor) => Ok(Job { dir, record, supervisor: Some(supervisor), known: Some(known) }),
            // It has ended since it was found.
            Err(Errno::ESRCH) => Ok(Job { dir, record, supervisor: None, known: None }),
            Err(errno) => Err(just_ended(errno)),
        }
    }

    /// The record of a sandbox that no longer runs.
    fn ended(name: &str) -> Result<Option<Job>, Error> {
        // A name that no sandbox can have could be a path.
        // Error ignored: no sandbox has it.
        if check_name(name).is_err() {
            return Ok(None);
        }
        let Some(dir) = Store::open()?.map(|store| store.job(name)).transpose()?.flatten() else {
            return Ok(None);
        };
        match dir.record() {
            Ok(_) if !dir.read()?.has_started() => Ok(None),
            Ok(record) => Ok(Some(Job { dir, record, supervisor: None, known: None })),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(unreadable(&dir.path, errno)),
        }
    }

    /// True if the log has lost its beginning.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(crate) fn is_trimmed(&self) -> Outcome<bool> {
        Record::read(&self.record).map(|record| record.is_trimmed())
    }

    /// How it ended. Waits for the end.
    ///
    /// # Errors
    /// The supervisor cannot be watched, or the record cannot be read.
    pub(crate) fn wait(&self) -> Result<End, Error> {
        let failed =
            |errno| Error::Parent { doing: "waiting for the end of a sandbox", errno: OsError(errno) };
        if let Some(supervisor) = &self.supervisor {
            sys::process::ends_by(supervisor, None).map_err(failed)?;
        }
        self.end()
    }

    /// How it ended, after its end.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(crate) fn end(&self) -> Result<End, Error> {
        let record = Record::read(&self.record).map_err(|errno| unreadable(&self.dir.path, errno))?;
        Ok(end_of(&record))
    }
}

/// A sandbox that has ended and whose record is kept.
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) dir: JobDir,
    pub(crate) record: Record,
}

/// All sandboxes that have ended and whose records are kept, sorted by name. An inner error is that of a record
/// that cannot be read.
///
/// # Errors
/// The directory of the records cannot be read.
pub(crate) fn kept(running: &[Known]) -> Result<Vec<Result<Kept, Error>>, Error> {
    let Some(store) = Store::open()? else { return Ok(Vec::new()) };
    let is_running = |name: &String| running.iter().any(|known| known.name.as_ref() == Some(name));
    let names = store.names()?.into_iter().filter(|name| !is_running(name));
    Ok(names.filter_map(|name| kept_as(&store, name).transpose()).collect())
}

fn kept_as(store: &Store, name: String) -> Result<Option<Kept>, Error> {
    let Some(dir) = store.job(&name)? else { return Ok(None) };
    match dir.record().and_then(|file| Record::read(&file)) {
        Ok(record) if record.has_started() => Ok(Some(Kept { name, dir, record })),
        // It is just being started, or its supervisor was killed at the start.
        Ok(_) => Ok(None),
        // It has just been removed, or is just being created.
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(unreadable(&dir.path, errno)),
    }
}

/// Removes the record and the log of a sandbox that has ended.
///
/// # Errors
/// It is running, or has no record.
pub(crate) fn remove(name: &str) -> Result<(), Error> {
    let missing = || Error::Running { sandbox: name.into(), why: "no ended sandbox has that name".into() };
    check_name(name).map_err(|why| Error::Usage { what: "NAME", why })?;
    let _reserved = Name::take(name).map_err(still_running)?;
    let store = Store::open()?.ok_or_else(missing)?;
    let job = store.job(name)?.ok_or_else(missing)?;
    store.remove(name, &job).map_err(|errno| making(&job.path, errno))
}

fn still_running(error: Error) -> Error {
    match error {
        Error::NameInUse { name } => Error::StillRunning { name },
        error => error,
    }
}
