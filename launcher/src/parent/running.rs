//! A sandbox that was started by a library's caller, seen from outside: a monitor process runs it as the program would.

use crate::child::prepared::Launch;
use crate::error::{Error, OsError};
use crate::parent::channel::pipe;
use crate::parent::exit_status::ExitStatus;
use crate::parent::explain;
use crate::parent::join;
use crate::parent::launch;
use crate::parent::registry;
use crate::request::sandbox::Sandbox;
use crate::sys;
use crate::sys::process::Ended;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// A running sandbox. It ends with this handle's process, and when the handle is dropped.
///
/// ```
/// use subroot::Sandbox;
///
/// let mut running = Sandbox::host().command(["sleep", "1000"]).spawn()?;
/// running.signal(15)?;
/// assert_eq!(u8::from(running.wait()?), 128 + 15);
/// # Ok::<(), subroot::Error>(())
/// ```
#[derive(Debug)]
pub struct Running {
    monitor: OwnedFd,
    pid: u32,
    /// Its first process, once there is one.
    first: Option<OwnedFd>,
    ended: Option<ExitStatus>,
}

impl Sandbox {
    /// Starts it. A process of its own watches over it, passes signals on to it, and ends with it, so that nothing of the
    /// calling process is changed: no signal, no child but that one.
    ///
    /// # Errors
    /// What cannot be meant; what fails later is told by [`Running::wait`].
    pub fn spawn(self) -> Result<Running, Error> {
        Running::start(
            Launch::new(&self)?,
            self.streams.each_ref().map(|stream| stream.as_ref().map(|stream| stream.as_fd())),
        )
    }

    /// Runs it to its end in the calling process itself, which must have one thread, and returns how it ended. Signals are
    /// blocked meanwhile, and passed on; warnings are printed on standard error, as by the program.
    ///
    /// # Errors
    /// What stopped the launch; nothing of it is left.
    pub fn run(&self) -> Result<ExitStatus, Error> {
        launch::launch(Launch::new(self)?).map(ExitStatus)
    }
}

/// How long a sandbox may take to be gone that has lost its monitor, in milliseconds: far more than any needs.
const PATIENCE: u16 = 2_000;

impl Running {
    /// Starts a monitor and waits until the command has been started, or could not be.
    pub(crate) fn start(mut launch: Launch, streams: [Option<BorrowedFd<'_>>; 3]) -> Result<Running, Error> {
        Running::monitor(streams, &[], move |status| {
            launch.plan.status_stream = Some(status);
            launch::launch(launch)
        })
    }

    fn monitor(
        streams: [Option<BorrowedFd<'_>>; 3],
        kept: &[&OwnedFd],
        run: impl FnOnce(Arc<OwnedFd>) -> Result<Ended, Error>,
    ) -> Result<Running, Error> {
        let (told, status) = pipe()?;
        let forked =
            sys::process::fork().map_err(|errno| Error::Parent("creating the monitor", OsError(errno)))?;
        let Some(pid) = forked else {
            let status = Arc::new(status);
            monitor(streams, &[kept, &[&*status]].concat(), || run(Arc::clone(&status)))
        };
        drop(status);
        let monitor = sys::process::pidfd_open(pid.unsigned_abs())
            .map_err(|errno| Error::Parent("watching the monitor", OsError(errno)))?;
        let mut running = Running { monitor, pid: 0, first: None, ended: None };
        let mut line = String::new();
        let read = BufReader::new(File::from(told)).read_line(&mut line);
        let told: Value = serde_json::from_str(&line).ok().unwrap_or_default();
        match told["event"].as_str() {
            // Error ignored: the monitor has ended before it has told anything.
            Some("started") if read.is_ok() => {
                running.pid = told["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
                // Error ignored: its end is then not waited for, which comes with its monitor's.
                running.first = sys::process::pidfd_open(running.pid).ok();
                Ok(running)
            }
            _ => {
                let status = running.wait()?.into();
                Err(Error::Monitored(
                    told["reason"].as_str().unwrap_or("its monitor ended").to_owned(),
                    status,
                ))
            }
        }
    }

    /// The PID of its first process, as it is seen from outside.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end and returns how it ended.
    ///
    /// # Errors
    /// ECHILD where somebody else has reaped the monitor.
    pub fn wait(&mut self) -> Result<ExitStatus, Error> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        loop {
            match sys::process::wait_for(&self.monitor).map(ExitStatus) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::Parent("waiting for the monitor", OsError(errno))),
                Ok(status) => {
                    self.ended = Some(status);
                    return Ok(status);
                }
            }
        }
    }

    /// Sends a signal to its command; SIGKILL ends everything in it.
    ///
    /// # Errors
    /// ESRCH when it has ended.
    pub fn signal(&self, signal: i32) -> Result<(), Error> {
        sys::process::pidfd_send_signal(&self.monitor, signal)
            .map_err(|errno| Error::Parent("sending a signal", OsError(errno)))
    }

    /// Runs another command in it, with the environment, user and limits of the first.
    ///
    /// # Errors
    /// What kept it from being started.
    pub fn exec(&self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Running, Error> {
        let known = registry::find(&self.pid.to_string())?;
        let mut process = known.process.clone();
        process.words = words.into_iter().map(Into::into).collect();
        process.terminal = false;
        let joined = join::Joined::new(&known, process)?;
        Running::monitor([None; 3], &[joined.member()], |status| join::run(&joined, Some(status)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Error ignored: it has ended already.
            let _ = self.signal(nix::libc::SIGKILL);
            // Error ignored: it has been reaped already.
            let _ = self.wait();
            // It sees the end of its monitor, and ends by itself.
            let first = self.first.iter().map(|first| PollFd::new(first.as_fd(), PollFlags::POLLIN));
            // Error ignored: it ends by itself.
            let _ = poll(&mut first.collect::<Vec<_>>(), PollTimeout::from(PATIENCE));
        }
    }
}

/// The life of the monitor: what the program does, with these standard streams, and with nothing else that the calling program
/// has open. What other threads held locked when it was forked stays so: nothing is logged, and no backtrace taken.
fn monitor(
    streams: [Option<BorrowedFd<'_>>; 3],
    kept: &[&OwnedFd],
    run: impl FnOnce() -> Result<Ended, Error>,
) -> ! {
    log::set_max_level(log::LevelFilter::Off);
    sys::process::exit(match take_over(streams, kept).and_then(|()| run()) {
        Ok(ended) => ended.status(),
        Err(error) => explain::report(&error),
    })
}

fn take_over(streams: [Option<BorrowedFd<'_>>; 3], kept: &[&OwnedFd]) -> Result<(), Error> {
    for (number, stream) in (0..).zip(streams) {
        if let Some(stream) = stream {
            sys::descriptors::duplicate_to(stream, number)
                .map_err(|errno| Error::Parent("passing on the standard streams", OsError(errno)))?;
        }
    }
    sys::descriptors::close_from_but(3, kept)
        .map_err(|errno| Error::Parent("closing inherited descriptors", OsError(errno)))
}
