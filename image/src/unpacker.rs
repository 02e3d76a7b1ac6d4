//! Starts the process that unpacks: this program, in its own namespaces, with its own mounts and no network.

use crate::error::Error;
use crate::ids;
use crate::output;
use crate::pack::task::{PackTask, Packed};
use crate::probe::{self, Probed};
use crate::progress::Progress;
use crate::signals::Signals;
use crate::task::{Report, Task};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use std::cell::Cell;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use subroot::images::id_options::IdOptions;
use subroot::{Network, Running, Sandbox};

/// How often the progress is shown, in milliseconds.
const INTERVAL: u16 = 100;

/// How the process is started.
pub(crate) struct Unpacker<'a> {
    pub(crate) ids: &'a IdOptions,
    is_quiet: bool,
    pub(crate) signals: &'a Signals,
    /// True once the warnings of a launch were printed: they are the same for every layer.
    has_warned: Cell<bool>,
}

impl<'a> Unpacker<'a> {
    pub(crate) fn new(ids: &'a IdOptions, is_quiet: bool, signals: &'a Signals) -> Unpacker<'a> {
        Unpacker { ids, is_quiet, signals, has_warned: Cell::new(is_quiet) }
    }

    /// Performs a task in a directory. The archive is read from its current offset; if it is that of an image, it
    /// is written to the spool.
    ///
    /// # Errors
    /// What stopped it, or [`Error::Interrupted`].
    pub(crate) fn run(
        &self,
        dir: &Path,
        task: &Task,
        archive: File,
        spool: Option<&File>,
    ) -> Result<Report, Error> {
        let progress = if self.is_quiet { None } else { Progress::of(&archive) };
        let words = serde_json::to_string(task).map_err(|error| Error::Read { error: error.into() })?;
        let mut sandbox = self.sandbox(["unpack".into(), words.into()])?.workdir(dir).stdin(archive);
        if let Some(spool) = spool {
            sandbox = sandbox.preserve_fd(spool.try_clone().map_err(|error| Error::Read { error })?);
        }
        let (text, status) = self.report(sandbox, progress.as_ref(), None)?;
        Report::read(&text).unwrap_or(Err(Error::Died { status }))
    }

    /// Examines the filesystem of an empty directory.
    ///
    /// # Errors
    /// What stopped it, or [`Error::Interrupted`].
    pub(crate) fn probe(&self, dir: &Path) -> Result<Probed, Error> {
        let input = File::open("/dev/null").map_err(|error| Error::Read { error })?;
        let sandbox = self.sandbox(["probe".into()])?.workdir(dir).stdin(input);
        let (text, status) = self.report(sandbox, None, None)?;
        probe::read_report(&text).unwrap_or(Err(Error::Died { status }))
    }

    /// Packs trees below a directory. The archive is written to the output.
    ///
    /// # Errors
    /// What stopped it, or [`Error::Interrupted`].
    pub(crate) fn pack(&self, dir: &Path, task: &PackTask, output: OwnedFd) -> Result<Packed, Error> {
        let input = File::open("/dev/null").map_err(|error| Error::Read { error })?;
        let words = serde_json::to_string(task).map_err(|error| Error::Read { error: error.into() })?;
        let sandbox = self.sandbox(["pack".into(), words.into()])?.workdir(dir).stdin(input);
        let (text, status) = self.report(sandbox, None, Some(output))?;
        Packed::read(&text).unwrap_or(Err(Error::Died { status }))
    }

    /// What the process writes to its standard output, unless that is another one, and to its standard error, and how
    /// it ended.
    fn report(
        &self,
        sandbox: Sandbox,
        progress: Option<&Progress>,
        output: Option<OwnedFd>,
    ) -> Result<(String, String), Error> {
        let pipe = pipe2(OFlag::O_CLOEXEC).map_err(Error::preparing("making a pipe for the report"))?;
        let (mut report, write_end) = (File::from(pipe.0), pipe.1);
        let output = output.map_or_else(|| write_end.try_clone(), Ok);
        let output = output.map_err(|error| Error::Read { error })?;
        let mut running = sandbox.stdout(output).stderr(write_end).spawn().map_err(Error::Launch)?;
        if !self.has_warned.replace(true) {
            running.warnings().iter().for_each(|text| output::line(text));
        }
        // Dropped, it ends.
        self.wait(&running, progress)?;
        let status = running.wait().map_err(Error::Launch)?.to_string();
        let mut text = String::new();
        report.read_to_string(&mut text).map_err(|error| Error::Read { error })?;
        Ok((text, status))
    }

    fn sandbox<const N: usize>(&self, args: [OsString; N]) -> Result<Sandbox, Error> {
        let program =
            std::env::current_exe().map_err(|error| Error::Open { path: "/proc/self/exe".into(), error })?;
        let command = [program.into_os_string()].into_iter().chain(args);
        let sandbox = Sandbox::unshare().network(Network::None).no_new_privileges().command(command);
        Ok(ids::request(self.ids, sandbox))
    }

    /// Waits for the end, and shows the progress meanwhile.
    fn wait(&self, running: &Running, progress: Option<&Progress>) -> Result<(), Error> {
        while !self.signals.wait_for(running.as_fd(), INTERVAL)? {
            progress.inspect(|progress| progress.show());
        }
        Ok(())
    }
}
