//! A sandbox started through the library. A separate monitor process runs it as the program would.

use crate::child::prepared::Launch;
use crate::error::{Error, OsError};
use crate::parent::channel::pipe;
use crate::parent::exit_status::ExitStatus;
use crate::parent::join;
use crate::parent::launch;
use crate::parent::registry;
use crate::parent::status_stream;
use crate::request::passed::Passed;
use crate::request::sandbox::Sandbox;
use crate::sys::process::Ended;
use crate::sys::{self, Outcome, standard_error};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

/// A running sandbox. It ends when this is dropped, and when the process that holds this ends.
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
    /// The pipe on which the monitor reports the start, the end, and warnings.
    told: BufReader<File>,
    pid: u32,
    /// The first process of the sandbox, once it exists.
    first: Option<OwnedFd>,
    ended: Option<ExitStatus>,
    warnings: Vec<String>,
}

impl Sandbox {
    /// Starts the sandbox. A monitor process watches it, relays signals to it, and ends when it ends. The
    /// calling process is not changed, except that it gets the monitor as a child: its signals stay
    /// untouched, and nothing is printed. See [`Error::fix`] and [`Running::warnings`]. Relative host paths
    /// are relative to the caller's working directory.
    ///
    /// # Errors
    /// Why the command could not be started.
    pub fn spawn(mut self) -> Result<Running, Error> {
        let launch = launch::prepare(&self)?;
        // Only the launch keeps these.
        self.passed = Passed::default();
        let streams = self.streams.each_ref().map(|stream| stream.as_ref().map(|stream| stream.as_fd()));
        Running::start(launch, streams)
    }

    /// Runs the sandbox to its end in the calling process itself, which must have only one thread, and
    /// returns how it ended. Signals are blocked and relayed during the run; warnings are printed on standard
    /// error, as by the program.
    ///
    /// # Errors
    /// What stopped the launch. Nothing of it remains.
    pub fn run(&self) -> Result<ExitStatus, Error> {
        launch::launch(launch::prepare(self)?).map(|ended| ended.status().into())
    }
}

/// How long to wait for the end of a sandbox that has lost its monitor, in milliseconds: much more than it
/// needs.
const PATIENCE: u16 = 2_000;

impl Running {
    /// Starts a monitor, and waits until the command has started or has failed to.
    pub(crate) fn start(mut launch: Launch, streams: [Option<BorrowedFd<'_>>; 3]) -> Result<Running, Error> {
        let kept = launch.plan.status_streams.iter().chain(&launch.plan.passed.descriptors);
        let kept: Vec<i32> = kept.map(|file| file.as_raw_fd()).collect();
        Running::monitor(streams, kept, move |status| {
            launch.plan.status_streams.push(status);
            launch::launch(launch)
        })
    }

    fn monitor(
        streams: [Option<BorrowedFd<'_>>; 3],
        kept: Vec<RawFd>,
        run: impl FnOnce(Arc<OwnedFd>) -> Result<Ended, Error>,
    ) -> Result<Running, Error> {
        let (told, status) = pipe()?;
        let failed = |doing| move |errno| Error::Parent { doing, errno: OsError(errno) };
        let forked = sys::process::fork().map_err(failed("creating the monitor"))?;
        let Some(pid) = forked else { monitor(streams, kept, Arc::new(status), run) };
        drop(status);
        let monitor = sys::process::pidfd_open(pid.unsigned_abs()).map_err(failed("watching the monitor"))?;
        let told = BufReader::new(File::from(told));
        let mut running = Running { monitor, told, pid: 0, first: None, ended: None, warnings: Vec::new() };
        running.wait_for_start().map(|()| running)
    }

    fn wait_for_start(&mut self) -> Result<(), Error> {
        let told = self.next_event().unwrap_or_default();
        if told["event"] == "started" {
            self.pid = told["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
            // Error ignored: its end is then not waited for; it follows the monitor's.
            self.first = sys::process::pidfd_open(self.pid).ok();
            return Ok(());
        }
        let status = self.wait()?;
        let text = |key: &str| told[key].as_str().map(str::to_owned);
        let why = text("reason").unwrap_or_else(|| format!("starting: the monitor ended with {status}"));
        Err(Error::Monitored { why, fix: text("fix"), status: status.into() })
    }

    /// The monitor's next report, except for warnings. `None` if the monitor has ended, or if the pipe is
    /// non-blocking and empty.
    fn next_event(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            // Error ignored: there are no more reports.
            self.told.read_line(&mut line).ok()?;
            let mut told: Value = serde_json::from_str(&line).ok()?;
            match told["event"].as_str() {
                Some("warning") => self.warnings.extend(told["text"].take().as_str().map(str::to_owned)),
                _ => return Some(told),
            }
        }
    }

    /// The PID of its first process, as seen outside.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The warnings that `subroot run` would have printed. Those about the end are added by a wait.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Waits for the sandbox to end and returns how it ended.
    ///
    /// # Errors
    /// ECHILD if the monitor was reaped elsewhere in this process.
    pub fn wait(&mut self) -> Result<ExitStatus, Error> {
        loop {
            if let Some(ended) = self.ended {
                return Ok(ended);
            }
            match sys::process::wait_for(&self.monitor) {
                Err(Errno::EINTR) => {}
                ended => self.record_end(ended.map(Some))?,
            }
        }
    }

    /// How the sandbox ended, if it has ended.
    ///
    /// # Errors
    /// ECHILD if the monitor was reaped elsewhere in this process.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>, Error> {
        if self.ended.is_none() {
            self.record_end(sys::process::reap(&self.monitor))?;
        }
        Ok(self.ended)
    }
    fn record_end(&mut self, ended: Outcome<Option<Ended>>) -> Result<(), Error> {
        let Some(ended) = ended
            .map_err(|errno| Error::Parent { doing: "waiting for the monitor", errno: OsError(errno) })?
        else {
            return Ok(());
        };
        // A process that another thread is just starting may hold a copy of the pipe's other end.
        // Error ignored: that copy is soon closed.
        let _ = fcntl(self.told.get_ref(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        let told = self.next_event().unwrap_or_default();
        self.warnings.extend(told["reason"].as_str().map(str::to_owned));
        self.ended = Some(ended.status().into());
        Ok(())
    }

    /// Kills every process in the sandbox. This is not an error if the sandbox has already ended.
    ///
    /// # Errors
    /// An error of pidfd_send_signal(2).
    pub fn kill(&self) -> Result<(), Error> {
        match self.signal(nix::libc::SIGKILL) {
            Err(Error::Parent { errno: OsError(Errno::ESRCH), .. }) => Ok(()),
            sent => sent,
        }
    }

    /// Sends a signal to the command. SIGKILL kills every process in the sandbox.
    ///
    /// # Errors
    /// ESRCH if the sandbox has ended.
    pub fn signal(&self, signal: i32) -> Result<(), Error> {
        sys::process::pidfd_send_signal(&self.monitor, signal)
            .map_err(|errno| Error::Parent { doing: "sending a signal", errno: OsError(errno) })
    }

    /// Runs another command in the sandbox, with the environment, user and limits of the first.
    ///
    /// # Errors
    /// Why the command could not be started.
    pub fn exec(&self, command: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Running, Error> {
        let command: Vec<OsString> = command.into_iter().map(Into::into).collect();
        if command.is_empty() {
            return Err(Error::Usage { what: "the command", why: "it is empty".into() });
        }
        let known = registry::find(&self.pid.to_string())?;
        let mut process = known.process.clone();
        process.command = command;
        process.terminal = false;
        let joined = join::Joined::new(&known, process)?;
        let kept = vec![joined.member().as_raw_fd()];
        Running::monitor([None; 3], kept, |status| join::run(&joined, Passed::default(), &[status]))
    }
}

/// The pidfd of the monitor. poll(2) reports it as readable when the sandbox has ended.
impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.monitor.as_fd()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Error ignored: it has already ended.
            let _ = self.kill();
            // Error ignored: it has already been reaped.
            let _ = self.wait();
            // The first process notices the end of its monitor and ends by itself.
            let first = self.first.iter().map(|first| PollFd::new(first.as_fd(), PollFlags::POLLIN));
            // Error ignored: it ends by itself.
            let _ = poll(&mut first.collect::<Vec<_>>(), PollTimeout::from(PATIENCE));
        }
    }
}

/// Runs the monitor: does what the program does, with these standard streams and without the calling
/// program's other descriptors. Locks that other threads held during the fork stay locked, so nothing is
/// logged and no backtrace is taken.
fn monitor(
    streams: [Option<BorrowedFd<'_>>; 3],
    mut kept: Vec<RawFd>,
    status: Arc<OwnedFd>,
    run: impl FnOnce(Arc<OwnedFd>) -> Result<Ended, Error>,
) -> ! {
    log::set_max_level(log::LevelFilter::Off);
    let sink = Arc::clone(&status);
    standard_error::divert_warnings(move |text| status_stream::warn(&sink, text));
    kept.push(status.as_raw_fd());
    let outcome = match take_over(streams, kept) {
        Ok(()) => run(status),
        Err(error) => {
            let outcome = Err(error);
            status_stream::report_end(&[status], &outcome);
            outcome
        }
    };
    sys::process::exit(match outcome {
        Ok(ended) => ended.status(),
        Err(error) => error.status(),
    })
}

fn take_over(streams: [Option<BorrowedFd<'_>>; 3], kept: Vec<RawFd>) -> Result<(), Error> {
    for (number, stream) in (0..).zip(streams) {
        if let Some(stream) = stream {
            sys::descriptors::duplicate_to(stream, number).map_err(|errno| Error::Parent {
                doing: "passing on the standard streams",
                errno: OsError(errno),
            })?;
        }
    }
    sys::descriptors::close_from_but_numbers(3, kept)
        .map_err(|errno| Error::Parent { doing: "closing inherited descriptors", errno: OsError(errno) })
}
