//! Connects a sandbox's own network with the outside: starts pasta(1) or slirp4netns(1), waits until it is
//! ready, and ends it with the sandbox.

mod api;
mod pasta;
mod ports;
mod program;
mod slirp4netns;

pub(crate) use crate::network::ports::check as check_ports;

use crate::error::{Error, NetworkError};
use crate::failure::reason_of;
use crate::network::api::Api;
use crate::network::program::Started;
use crate::plan::network::{Connector, NetworkPlan};
use crate::sys;
use crate::sys::process::Ended;
use nix::libc::SIGKILL;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

/// The program that connects a running sandbox. Dropping it ends the program.
pub(crate) struct Connection {
    started: Started,
    program: PathBuf,
    has_ended: bool,
}

impl Connection {
    /// Connects the network of the process with this PID, which waits in its new namespaces and has not been
    /// reaped: its PID cannot have been reused. Returns when the network is ready and the ports are open.
    ///
    /// # Errors
    /// The program failed, or was not ready in time.
    pub(crate) fn new(plan: &NetworkPlan, pid: i32) -> Result<Connection, Error> {
        let failed = |why| Error::Network(NetworkError::Program { program: plan.path.clone(), why });
        let connected = match plan.connector {
            Connector::Pasta => Started::new(&plan.path, pasta::arguments(plan, pid)).and_then(|started| {
                started.wait_until_ready()?;
                Ok(started)
            }),
            Connector::Slirp4netns => {
                let api = (!plan.ports.is_empty()).then(Api::new).transpose().map_err(failed)?;
                Started::new(&plan.path, slirp4netns::arguments(plan, api.as_ref(), pid)).and_then(
                    |started| {
                        started.wait_until_ready()?;
                        api.map_or(Ok(()), |api| plan.ports.iter().try_for_each(|port| api.publish(port)))?;
                        Ok(started)
                    },
                )
            }
        };
        let started = connected.and_then(|started| has_interface(pid).map(|()| started)).map_err(failed)?;
        Ok(Connection { started, program: plan.path.clone(), has_ended: false })
    }

    /// Readable when the program has ended; none after that was reported.
    pub(crate) fn watched(&self) -> Option<BorrowedFd<'_>> {
        (!self.has_ended).then(|| self.started.process.as_fd())
    }

    /// The warning that the program has ended, which is given once.
    pub(crate) fn warning(&mut self) -> String {
        self.has_ended = true;
        let ended = sys::process::wait_for(&self.started.process);
        // Error ignored: it affects only the text of the warning.
        let why = self.started.why_ended(ended.ok().unwrap_or(Ended::Killed(SIGKILL)));
        format!("the sandbox has no network any more: {}: {why}", self.program.display())
    }
}

/// Verifies what the program reported: the network namespace has an interface other than lo.
fn has_interface(pid: i32) -> Result<(), String> {
    let path = format!("/proc/{pid}/net/dev");
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("reading {path}: {}", reason_of(&error)))?;
    let mut names = text.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim());
    match names.any(|name| name != "lo") {
        true => Ok(()),
        false => Err("it reported that it is ready, but made no interface".into()),
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.has_ended {
            self.started.end();
        }
    }
}
