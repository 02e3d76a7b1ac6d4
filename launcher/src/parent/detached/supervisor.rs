//! The supervisor of a detached sandbox: what it prepares before the launch, and leaves after the end.

use crate::child::prepared::Launch;
use crate::error::{Error, OsError};
use crate::failure::reason;
use crate::parent::channel::pipe;
use crate::parent::detached::console::{Console, Parts};
use crate::parent::detached::earlier::{self, Earlier};
use crate::parent::detached::input::Receiver;
use crate::parent::detached::log::Log;
use crate::parent::detached::record::{self, Kept};
use crate::parent::detached::store::{JobDir, Store, making};
use crate::parent::registry::{Entry, Name};
use crate::parent::status_stream;
use crate::plan::Plan;
use crate::plan::root::RootPlan;
use crate::sys::Outcome;
use crate::sys::process::Ended;
use crate::sys::standard_error;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the record and the log of a sandbox are kept if nothing else was requested.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What was requested for a detached sandbox.
#[derive(Clone, Copy)]
pub(crate) struct Wishes {
    pub(crate) kept: Kept,
    /// True if `subroot attach` can send input to the command.
    pub(crate) takes_input: bool,
}

/// The supervisor of one sandbox.
pub(crate) struct Supervisor {
    wishes: Wishes,
    /// Takes a byte when the command has started.
    tell: Option<OwnedFd>,
    place: Option<Place>,
    /// The entry in the registry. It stays until the end is recorded, so that other commands always find one of
    /// the two.
    pub(crate) entry: Option<Entry>,
}

/// The directory of the sandbox. Its name is reserved until the directory is removed or complete.
struct Place {
    name: String,
    store: Arc<Store>,
    job: JobDir,
    record: Option<Arc<OwnedFd>>,
    _reserved: Name,
}

impl Supervisor {
    pub(crate) fn new(wishes: Wishes, tell: OwnedFd) -> Supervisor {
        Supervisor { wishes, tell: Some(tell), place: None, entry: None }
    }

    /// Reserves the name, creates the record and the log, and gives the command its streams.
    ///
    /// # Errors
    /// The name is in use, or the record or the log cannot be created.
    pub(crate) fn prepare(&mut self, launch: &mut Launch) -> Result<Console, Error> {
        let name = launch.plan.name.clone().ok_or(Error::Vanished)?;
        let reserved = Name::reserve(&name)?;
        let store = Arc::new(Store::create()?);
        remove_old(&store, &name);
        let earlier = Earlier::set_aside(&store, &name)?;
        let job = store.make(&name).inspect_err(|_| restore(&store, &name))?;
        let place = self.place.insert(Place { name, store, job, record: None, _reserved: reserved });
        let file = place.job.make_record()?;
        let plan = &mut launch.plan;
        begin(&file, plan, self.wishes.kept).map_err(|errno| making(&place.job.path, errno))?;
        let record = Arc::new(OwnedFd::from(file));
        place.record = Some(Arc::clone(&record));
        plan.status_streams.push(record);
        self.connect(launch, earlier)
    }

    fn connect(&mut self, launch: &mut Launch, earlier: Option<Earlier>) -> Result<Console, Error> {
        let failed =
            |errno| Error::Parent { doing: "making the streams of the command", errno: OsError(errno) };
        let (Some(place), Some(tell)) = (&self.place, self.tell.take()) else { return Err(Error::Vanished) };
        let null = || open("/dev/null", OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC, Mode::empty());
        let (output, written) = pipe()?;
        let (input, stdin) = match self.wishes.takes_input && !launch.plan.process.terminal {
            true => pipe().map(|(input, stdin)| (input, Some(stdin)))?,
            false => (null().map_err(failed)?, None),
        };
        let receiver = match self.wishes.takes_input {
            true => pipe().map(|(read, write)| Some(Receiver::new(read, write)))?,
            false => None,
        };
        let error = written.try_clone().map_err(|error| failed(crate::sys::errno_of(&error)))?;
        launch.streams = Some([input, written, error]);
        let dir = place.job.dir.try_clone().map_err(|error| failed(crate::sys::errno_of(&error)))?;
        let log = Log::create(dir, place.record.clone()).map_err(|errno| making(&place.job.path, errno))?;
        let path = place.job.path.clone();
        let null = null().map_err(failed)?;
        Console::new(Parts { path, log, output, receiver, stdin, null, tell, earlier }).map_err(failed)
    }

    /// Records how the command ended. Removes the record and the log if they are not kept, or if the command
    /// was not started.
    pub(crate) fn finish(self, outcome: &Result<Ended, Error>) {
        let Some(place) = self.place else { return };
        // Error ignored: a record that cannot be read has no start.
        let has_started = place.job.read().is_ok_and(|record| record.has_started());
        if let Some(record) = place.record.filter(|_| has_started) {
            status_stream::report_end(&[record], outcome);
        }
        if !has_started || self.wishes.kept == Kept::No {
            if let Err(errno) = place.store.remove(&place.name, &place.job) {
                standard_error::warn(&making(&place.job.path, errno));
            }
        }
        if !has_started {
            restore(&place.store, &place.name);
        }
    }
}

fn begin(file: &std::fs::File, plan: &Plan, kept: Kept) -> Outcome<()> {
    let text = |arg: &OsString| arg.to_string_lossy().into_owned();
    let command: Vec<String> = plan.process.command.iter().map(text).collect();
    record::begin(file, &command, plan.root.as_ref().and_then(RootPlan::source).map(Path::new), kept)
}

/// Gives the record of an earlier sandbox its name again.
fn restore(store: &Store, name: &str) {
    if let Err(errno) = earlier::restore(store, name) {
        standard_error::warn(&format!("restoring the record of the earlier {name}: {}", reason(errno)));
    }
}

/// Removes the records of sandboxes that ended more than a day ago.
fn remove_old(store: &Store, own: &str) {
    earlier::settle_all(store, own);
    // Error ignored: they are removed by the next start.
    for name in store.names().ok().unwrap_or_default().iter().filter(|name| *name != own) {
        match remove_if_old(store, name) {
            Ok(()) => {}
            // Error ignored: the same.
            Err(error) => log::debug!("{error}"),
        }
    }
}

fn remove_if_old(store: &Store, name: &str) -> Result<(), Error> {
    let Some(job) = store.job(name)? else { return Ok(()) };
    // Error ignored: a directory without a record is not removed here.
    if !job.age().is_ok_and(|age| age > A_DAY) || job.read()?.is_kept() {
        return Ok(());
    }
    // A running sandbox has its name.
    let _reserved = Name::take(name)?;
    store.remove(name, &job).map_err(|errno| making(&job.path, errno))
}
