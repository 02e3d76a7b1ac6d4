//! Starts the process that unpacks: this program, in its own namespaces, with its own mounts and no network.

use crate::error::Error;
use crate::output;
use crate::progress::Progress;
use crate::task::{Report, Task};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::pipe2;
use std::cell::Cell;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use subroot::{Network, Running, Sandbox};

/// How often the progress is shown, in milliseconds.
const INTERVAL: u16 = 100;

/// How something ended without an error.
pub(crate) enum Ended<T> {
    Complete(T),
    /// A signal has interrupted it.
    Interrupted(i32),
}

/// How the process is started.
pub(crate) struct Unpacker<'a> {
    /// The mapper to use.
    helper: Option<&'a PathBuf>,
    is_quiet: bool,
    signals: Signals,
    /// True once the warnings of a launch were printed: they are the same for every layer.
    has_warned: Cell<bool>,
}

impl Unpacker<'_> {
    /// Blocks the signals that end it, from now on.
    ///
    /// # Errors
    /// Errors of sigprocmask(2) and signalfd(2).
    pub(crate) fn new(helper: Option<&PathBuf>, is_quiet: bool) -> Result<Unpacker<'_>, Error> {
        Ok(Unpacker { helper, is_quiet, signals: Signals::block()?, has_warned: Cell::new(is_quiet) })
    }

    /// Performs a task in a directory. The archive is read from its current offset; if it is that of an image, it
    /// is written to the spool.
    ///
    /// # Errors
    /// What stopped it.
    pub(crate) fn run(
        &self,
        dir: &Path,
        task: &Task,
        archive: File,
        spool: Option<&File>,
    ) -> Result<Ended<Report>, Error> {
        let pipe = pipe2(OFlag::O_CLOEXEC).map_err(Error::preparing("making a pipe for the report"))?;
        let (mut report, write_end) = (File::from(pipe.0), pipe.1);
        let progress = if self.is_quiet { None } else { Progress::of(&archive) };
        let copied = |error| Error::Read { error };
        let copy = write_end.try_clone().map_err(copied)?;
        let mut sandbox = self.sandbox(dir, task)?.stdin(archive).stdout(write_end).stderr(copy);
        if let Some(spool) = spool {
            sandbox = sandbox.preserve_fd(spool.try_clone().map_err(copied)?);
        }
        let mut running = sandbox.spawn().map_err(Error::Launch)?;
        if !self.has_warned.replace(true) {
            running.warnings().iter().for_each(|text| output::line(text));
        }
        if let Some(signal) = wait(&running, &self.signals, progress.as_ref())? {
            // Dropped, it ends.
            return Ok(Ended::Interrupted(signal));
        }
        let status = running.wait().map_err(Error::Launch)?;
        let mut text = String::new();
        report.read_to_string(&mut text).map_err(|error| Error::Read { error })?;
        let reported = Report::read(&text);
        reported.unwrap_or_else(|| Err(Error::Died { status: status.to_string() })).map(Ended::Complete)
    }

    fn sandbox(&self, dir: &Path, task: &Task) -> Result<Sandbox, Error> {
        let program =
            std::env::current_exe().map_err(|error| Error::Open { path: "/proc/self/exe".into(), error })?;
        let task = serde_json::to_string(task).map_err(|error| Error::Read { error: error.into() })?;
        let command = [program.into_os_string(), OsString::from("unpack"), task.into()];
        let sandbox =
            Sandbox::unshare().network(Network::None).no_new_privileges().workdir(dir).command(command);
        Ok(match self.helper {
            Some(helper) => sandbox.helper(helper),
            None => sandbox,
        })
    }
}

/// Waits for the end, and shows the progress meanwhile. Returns a signal that has interrupted it.
fn wait(running: &Running, signals: &Signals, progress: Option<&Progress>) -> Result<Option<i32>, Error> {
    let waiting = Error::preparing("waiting for the process that unpacks");
    loop {
        let mut ready = [
            PollFd::new(running.as_fd(), PollFlags::POLLIN),
            PollFd::new(signals.0.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::from(INTERVAL)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(waiting(errno)),
        }
        if let Some(progress) = progress {
            progress.show();
        }
        let is_ready = |at: usize| ready.get(at).and_then(PollFd::any).unwrap_or(false);
        if is_ready(0) {
            return Ok(None);
        }
        if is_ready(1) {
            let signal = signals.0.read_signal().map_err(Error::preparing("reading a signal"))?;
            return Ok(signal.and_then(|signal| i32::try_from(signal.ssi_signo).ok()));
        }
    }
}

/// The signals after which the temporary directory is removed.
struct Signals(SignalFd);

impl Signals {
    fn block() -> Result<Signals, Error> {
        let set: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
        set.thread_block().map_err(Error::preparing("blocking signals"))?;
        let signals = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC);
        signals.map(Signals).map_err(Error::preparing("blocking signals"))
    }
}
