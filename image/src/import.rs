//! `subroot import SOURCE DIR`: opens the archive, starts the process that unpacks it, and gives the complete tree
//! its name.

use crate::apply::applier::Summary;
use crate::error::Error;
use crate::output;
use crate::progress::Progress;
use crate::target::{Target, Unfinished};
use crate::unpack;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::pipe2;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use subroot::{Network, Running, Sandbox};

/// How often the progress is shown, in milliseconds.
const INTERVAL: u16 = 100;

/// What was requested.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The archive; `-` is standard input.
    pub(crate) source: PathBuf,
    pub(crate) dir: PathBuf,
    pub(crate) squashes: bool,
    pub(crate) max_size: u64,
    /// The mapper to use.
    pub(crate) helper: Option<PathBuf>,
    pub(crate) is_quiet: bool,
}

/// How an import ended without an error.
pub(crate) enum Ended {
    Complete(Summary),
    /// A signal has interrupted it.
    Interrupted(i32),
}

/// Imports an archive. After an error or a signal, nothing of it remains.
///
/// # Errors
/// What stopped it.
pub(crate) fn import(request: &Request) -> Result<Ended, Error> {
    let archive = open(&request.source)?;
    let target = Target::new(&request.dir)?;
    let signals = Signals::block()?;
    target.remove_leftovers().iter().for_each(|line| output::line(line));
    let unfinished = target.begin()?;
    match unpack_in(request, archive, &unfinished, &signals).and_then(|ended| {
        if let Ended::Complete(_) = ended {
            target.finish(&unfinished)?;
        }
        Ok(ended)
    }) {
        Ok(ended @ Ended::Complete(_)) => Ok(ended),
        ended => {
            if let Err(error) = unfinished.discard() {
                output::line(&error.to_string());
            }
            ended
        }
    }
}

fn open(source: &Path) -> Result<File, Error> {
    let failed = |error| Error::Open { path: source.into(), error };
    if source == Path::new("-") {
        return io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(failed);
    }
    let file = File::open(source).map_err(failed)?;
    let is_dir = file.metadata().map_err(failed)?.is_dir();
    if is_dir { Err(failed(Errno::EISDIR.into())) } else { Ok(file) }
}

fn unpack_in(
    request: &Request,
    archive: File,
    unfinished: &Unfinished,
    signals: &Signals,
) -> Result<Ended, Error> {
    let pipe = pipe2(OFlag::O_CLOEXEC).map_err(Error::preparing("making a pipe for the report"))?;
    let (mut report, write_end) = (File::from(pipe.0), pipe.1);
    let progress = if request.is_quiet { None } else { Progress::of(&archive) };
    let copy = write_end.try_clone().map_err(|error| Error::Read { error })?;
    let sandbox = sandbox(request, unfinished)?.stdin(archive).stdout(write_end).stderr(copy);
    let mut running = sandbox.spawn().map_err(Error::Launch)?;
    if !request.is_quiet {
        running.warnings().iter().for_each(|text| output::line(text));
    }
    if let Some(signal) = wait(&running, signals, progress.as_ref())? {
        // Dropped, it ends.
        return Ok(Ended::Interrupted(signal));
    }
    let status = running.wait().map_err(Error::Launch)?;
    let mut text = String::new();
    report.read_to_string(&mut text).map_err(|error| Error::Read { error })?;
    let reported = unpack::read_report(&text);
    reported.unwrap_or_else(|| Err(Error::Died { status: status.to_string() })).map(Ended::Complete)
}

/// The process that unpacks: this program, in its own namespaces, with its own mounts and no network.
fn sandbox(request: &Request, unfinished: &Unfinished) -> Result<Sandbox, Error> {
    let program =
        std::env::current_exe().map_err(|error| Error::Open { path: "/proc/self/exe".into(), error })?;
    let (device, inode) = unfinished.identity;
    let numbers = [device, inode, request.max_size, u64::from(request.squashes)];
    let command = [program.into_os_string(), OsString::from("unpack")];
    let command = command.into_iter().chain(numbers.map(|number| number.to_string().into()));
    let sandbox = Sandbox::unshare()
        .network(Network::None)
        .no_new_privileges()
        .workdir(&unfinished.path)
        .command(command);
    Ok(match &request.helper {
        Some(helper) => sandbox.helper(helper),
        None => sandbox,
    })
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
