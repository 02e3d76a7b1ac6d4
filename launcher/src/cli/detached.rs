//! `subroot run --detach`, `logs`, `attach`, `wait` and `stop`.

use crate::child::prepared::Launch;
use crate::cli::args::{AttachArgs, LogsArgs, StopArgs, WaitArgs};
use crate::cli::output;
use crate::error::{Error, OsError};
use crate::parent::detached::attach::{self, Left};
use crate::parent::detached::follow::{self, Follower};
use crate::parent::detached::job::{End, Job};
use crate::parent::detached::start;
use crate::parent::detached::supervisor::Wishes;
use crate::parent::join;
use crate::parent::registry::{self, Known};
use crate::request::sandbox::Sandbox;
use crate::sys::standard_error::{self, number_of};
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollTimeout, poll};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Gives a sandbox a name, unless it has one.
///
/// # Errors
/// There are no random numbers.
pub(crate) fn name(sandbox: &mut Sandbox) -> Result<(), Error> {
    if sandbox.name.is_none() {
        sandbox.name = Some(start::new_name()?);
    }
    Ok(())
}

/// Starts a detached sandbox and prints its name.
///
/// # Errors
/// Why nothing was started, or standard output cannot be written.
pub(crate) fn start(launch: Launch, wishes: Wishes) -> anyhow::Result<u8> {
    let name = launch.plan.name.clone().unwrap_or_default();
    let status = start::start(launch, wishes)?;
    if status == 0 {
        output::output(&format!("{name}\n"))?;
    }
    Ok(status)
}

/// Prints a log.
///
/// # Errors
/// There is none, or it cannot be read.
pub(crate) fn logs(typed: &LogsArgs) -> anyhow::Result<u8> {
    let job = Job::find(&typed.job)?;
    match print_log(&job, typed) {
        // The reader has closed the pipe.
        Ok(()) | Err(Errno::EPIPE) => Ok(0),
        Err(errno) => Err(Error::Parent { doing: "printing a log", errno: OsError(errno) }.into()),
    }
}

fn print_log(job: &Job, typed: &LogsArgs) -> Outcome<()> {
    let mut follower = Follower::new(job, false)?;
    let mut text = Vec::new();
    // A command that writes faster than this reads would never let it reach the end.
    let first = follower.copy(&mut |bytes| {
        text.extend_from_slice(bytes);
        if text.len() < follow::LARGEST { Ok(()) } else { Err(Errno::EFBIG) }
    });
    let mut goes_on = match first {
        Err(Errno::EFBIG) => true,
        first => first?,
    };
    let shown = typed.tail.map_or(text.as_slice(), |count| follow::last_lines(&text, count));
    // With --tail, all lines that were wanted may be there.
    if shown.len() == text.len() && job.is_trimmed()? {
        standard_error::warn(&"the log begins later than the output: it keeps only the last 8 to 16 MiB");
    }
    attach::print(shown)?;
    drop(text);
    while typed.follow && goes_on {
        match poll(&mut follower.wanted(), PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            polled => drop(polled?),
        }
        goes_on = follower.copy(&mut attach::print)?;
    }
    Ok(())
}

/// Connects the caller's streams with a sandbox. Returns the command's status if it ends.
///
/// # Errors
/// There is no such sandbox, or it cannot be reached.
pub(crate) fn attach(typed: &AttachArgs) -> anyhow::Result<u8> {
    let job = Job::find(&typed.sandbox)?;
    if job.supervisor.is_none() {
        let why = "it has ended; subroot logs prints its output".into();
        return Err(Error::Running { sandbox: typed.sandbox.clone(), why }.into());
    }
    Ok(match attach::attach(&job)? {
        Left::Ended(end) => reported(&typed.sandbox, &end),
        Left::Detached => 0,
        Left::Signal(signal) => u8::try_from(128 + signal)?,
    })
}

/// Waits for the ends, and prints a line with each exit status.
///
/// # Errors
/// There is no such sandbox.
pub(crate) fn wait(typed: &WaitArgs) -> anyhow::Result<u8> {
    let jobs = typed.jobs.iter().map(|arg| Job::find(arg)).collect::<Result<Vec<_>, _>>()?;
    for (name, job) in typed.jobs.iter().zip(&jobs) {
        let status = reported(name, &job.wait()?);
        output::output(&format!("{status}\n"))?;
    }
    Ok(0)
}

/// The status of a sandbox. Warns if nothing recorded it.
fn reported(name: &str, end: &End) -> u8 {
    if matches!(end, End::Lost) {
        let why = "its supervisor was killed, and everything in it with the supervisor";
        standard_error::warn(&format!("sandbox {name} has no exit status of its own: {why}"));
    }
    end.status()
}

/// Ends sandboxes, and prints a line about how each has ended. The others are ended, too, if one of them does not
/// exist or cannot be signalled; the highest exit status is returned.
pub(crate) fn stop(typed: &StopArgs) -> u8 {
    let (signalled, first) = output::attempt_each(&typed.sandboxes, |arg| {
        let stopping = Stopping::new(registry::find(arg)?)?;
        join::signal(&stopping.known, libc::SIGTERM).map(|()| stopping)
    });
    let until = Instant::now() + Duration::from_secs(typed.time.into());
    let (_, second) = output::attempt_each(signalled, |stopping| {
        let line = stopping.end(until, typed.time)?;
        output::output(&line).map_err(anyhow::Error::from)
    });
    first.max(second)
}

/// A sandbox that is to end.
struct Stopping {
    known: Known,
    launcher: OwnedFd,
    /// Its record, if it is detached.
    job: Option<Job>,
}

impl Stopping {
    fn new(known: Known) -> Result<Stopping, Error> {
        let name = known.shown_name();
        let launcher = registry::open_launcher(&known).map_err(|errno| join::unsignalled(&known, errno))?;
        let job = known.detached.as_ref().map(|_| Job::find(&name)).transpose()?;
        Ok(Stopping { known, launcher, job })
    }

    /// Waits for its end until then, and kills it. Returns the line that reports it.
    fn end(self, until: Instant, seconds: u32) -> Result<String, Error> {
        let name = self.known.shown_name();
        let ended = match self.has_ended(Some(until))? {
            true => String::from("ended"),
            false => {
                match join::signal(&self.known, libc::SIGKILL) {
                    // It has just ended by itself.
                    Ok(()) | Err(Error::Running { .. }) => {}
                    killed => killed?,
                }
                self.has_ended(None)?;
                format!("killed after {}", number_of(seconds, "second"))
            }
        };
        let status = self.job.as_ref().map(Job::end).transpose()?;
        let status = status.map(|end| format!(", exit status {}", end.status())).unwrap_or_default();
        Ok(format!("{name}: {ended}{status}\n"))
    }

    fn has_ended(&self, until: Option<Instant>) -> Result<bool, Error> {
        sys::process::ends_by(&self.launcher, until).map_err(|errno| Error::Parent {
            doing: "waiting for the end of a sandbox",
            errno: OsError(errno),
        })
    }
}
