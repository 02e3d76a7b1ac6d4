//! Starts a detached sandbox: `subroot run --detach`.

use crate::child::prepared::Launch;
use crate::error::{Error, OsError};
use crate::parent::channel::pipe;
use crate::parent::detached::supervisor::{Supervisor, Wishes};
use crate::parent::explain;
use crate::parent::launch;
use crate::plan::Plan;
use crate::plan::root::RootPlan;
use crate::sys;
use crate::sys::process::Ended;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::{read, setsid};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;

/// Starts a sandbox that has a name, and returns 0 once its command runs. Any other status is that of the
/// failure, whose message has been printed.
///
/// # Errors
/// Why nothing was started.
pub(crate) fn start(launch: Launch, wishes: Wishes) -> Result<u8, Error> {
    let (told, tell) = pipe()?;
    let failed = |errno| Error::Parent { doing: "creating the supervisor", errno: OsError(errno) };
    // If SIGCHLD were ignored, the supervisor's exit status could not be read: wait(2).
    sys::signals::default_disposition(libc::SIGCHLD).map_err(failed)?;
    let Some(pid) = sys::process::fork().map_err(failed)? else {
        drop(told);
        supervise(launch, wishes, tell)
    };
    drop(tell);
    let supervisor = sys::process::pidfd_open(pid.unsigned_abs()).map_err(failed)?;
    loop {
        match read(&told, &mut [0]) {
            Ok(1) => return Ok(0),
            Err(Errno::EINTR) => {}
            ended => break ended.map(drop).map_err(failed)?,
        }
    }
    match sys::process::wait_for(&supervisor).map_err(failed)? {
        ended @ Ended::Exited(1..) => Ok(ended.status()),
        Ended::Exited(_) | Ended::Killed(_) => Err(Error::Vanished),
    }
}

/// Runs the supervisor, which is in a session of its own and watches the caller until the command has started.
fn supervise(mut launch: Launch, wishes: Wishes, tell: OwnedFd) -> ! {
    let left = leave(&launch, &tell);
    let mut supervisor = Supervisor::new(wishes, tell);
    let outcome = left.and_then(|()| launch::supervised(&mut launch, &mut supervisor));
    supervisor.finish(&outcome);
    sys::process::exit(match outcome {
        Ok(ended) => ended.status(),
        Err(error) => explain::report(&error),
    })
}

/// Leaves the caller's session and descriptors, except for standard error, on which a failure is reported.
fn leave(launch: &Launch, tell: &OwnedFd) -> Result<(), Error> {
    let failed = |errno| Error::Parent { doing: "leaving the caller's session", errno: OsError(errno) };
    setsid().map_err(failed)?;
    // The terminal's hangup no longer comes here; that of subroot kill does.
    sys::signals::default_disposition(libc::SIGHUP).map_err(failed)?;
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_NOCTTY, Mode::empty()).map_err(failed)?;
    (0..=1).try_for_each(|number| sys::descriptors::duplicate_to(&null, number)).map_err(failed)?;
    drop(null);
    let Plan { status_streams, passed, .. } = &launch.plan;
    let streams = status_streams.iter().chain(&passed.descriptors).map(|stream| &**stream);
    let image = launch.plan.root.as_ref().and_then(RootPlan::image);
    let locks = image.map_or([].as_slice(), |image| &image.locks);
    let kept: Vec<&OwnedFd> = streams.chain([tell]).chain(locks).collect();
    sys::descriptors::close_from_but(3, &kept).map_err(failed)?;
    Ok(())
}

/// A name for a sandbox without one: seven random syllables, which fit into the column of `subroot ps`.
///
/// # Errors
/// There are no random numbers.
pub(crate) fn new_name() -> Result<String, Error> {
    const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
    const VOWELS: &[u8; 4] = b"aiou";
    let mut random = [0; 7];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random));
    sys::outcome_of(read)
        .map_err(|errno| Error::Parent { doing: "choosing a name", errno: OsError(errno) })?;
    let syllable = |byte: &u8| {
        let byte = usize::from(*byte);
        [char::from(CONSONANTS[byte % 16]), char::from(VOWELS[byte / 16 % 4])]
    };
    let (first, second) = random.split_at(4);
    let word = |bytes: &[u8]| bytes.iter().flat_map(syllable).collect::<String>();
    Ok(format!("{}-{}", word(first), word(second)))
}
