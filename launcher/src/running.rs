//! A sandbox that was started by a library's caller, seen from outside: a monitor process runs it as the program would.

use crate::error::Error;
use crate::exec;
use crate::kernel::{self, Ended};
use crate::launch;
use crate::plan::Plan;
use crate::registry;
use crate::report;
use nix::errno::Errno;
use serde_json::Value;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

/// A running sandbox. It ends with this handle's process, and when the handle is dropped.
#[derive(Debug)]
pub struct Running {
    monitor: OwnedFd,
    pid: u32,
    ended: Option<u8>,
}

impl Running {
    /// Starts a monitor and waits until the command has been started, or could not be.
    pub(crate) fn start(plan: Plan, streams: [Option<BorrowedFd<'_>>; 3]) -> Result<Running, Error> {
        Running::monitor(streams, move |status| launch::launch(Plan { status_stream: Some(status), ..plan }))
    }

    fn monitor(
        streams: [Option<BorrowedFd<'_>>; 3],
        run: impl FnOnce(Arc<OwnedFd>) -> anyhow::Result<u8>,
    ) -> Result<Running, Error> {
        let (told, status) = launch::pipe()?;
        let forked = kernel::fork().map_err(|errno| Error::Parent("creating the monitor", errno))?;
        let Some(pid) = forked else {
            drop(told);
            log::set_max_level(log::LevelFilter::Off);
            monitor(streams, || run(Arc::new(status)))
        };
        drop(status);
        let monitor = kernel::pidfd_open(pid.unsigned_abs())
            .map_err(|errno| Error::Parent("watching the monitor", errno))?;
        let mut running = Running { monitor, pid: 0, ended: None };
        let mut line = String::new();
        let read = BufReader::new(File::from(told)).read_line(&mut line);
        let told: Value = serde_json::from_str(&line).unwrap_or_default();
        match told["event"].as_str() {
            Some("started") if read.is_ok() => {
                running.pid = told["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
                Ok(running)
            }
            _ => {
                let status = running.wait()?;
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

    /// Waits for its end and returns its exit status, 128+N for signal N.
    ///
    /// # Errors
    /// ECHILD where somebody else has reaped the monitor.
    pub fn wait(&mut self) -> Result<u8, Error> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        loop {
            match kernel::wait_for(&self.monitor).map(Ended::status) {
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Error::Parent("waiting for the monitor", errno)),
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
        kernel::pidfd_send_signal(&self.monitor, signal)
            .map_err(|errno| Error::Parent("sending a signal", errno))
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
        let joined = exec::Joined::new(&known, process)?;
        Running::monitor([None; 3], move |status| exec::run(joined, Some(status)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.signal(nix::libc::SIGKILL);
            let _ = self.wait();
        }
    }
}

/// The life of the monitor: what the program does, with these standard streams.
fn monitor(streams: [Option<BorrowedFd<'_>>; 3], run: impl FnOnce() -> anyhow::Result<u8>) -> ! {
    for (number, stream) in (0..).zip(streams) {
        if let Some(stream) = stream {
            let _ = kernel::duplicate_to(stream, number);
        }
    }
    let status = run().unwrap_or_else(|error| report::status(&error));
    kernel::exit(status)
}
