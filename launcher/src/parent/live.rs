//! A running child: what it holds open, and what is removed when it ends.

use crate::error::{Error, OsError};
use crate::parent::registry::Entry;
use crate::parent::status_stream;
use crate::parent::terminal::Terminal;
use crate::parent::watcher;
use crate::plan::FirstProcess;
use crate::rootfs::created_mount_points::MountPoints;
use crate::sys;
use nix::errno::Errno;
use nix::libc;
use nix::unistd::write;
use std::fs::File;
use std::os::fd::OwnedFd;

/// A process of ours and all that it holds open; gone when this is dropped.
pub(crate) struct Live {
    /// The child.
    pub(crate) process: OwnedFd,
    /// /proc/PID/status of a command that is PID 1 inside: opened before its execve(2), after which hidepid may hide it.
    pub(crate) status: Option<File>,
    mount_points: MountPoints,
    watcher: Option<OwnedFd>,
    /// Open for as long as the sandbox may live: the kernel closes it for us however we end.
    lifeline: Option<OwnedFd>,
}

impl Live {
    /// Holds a process, and has it watched if no init of ours does that, or if there are mount points to remove.
    ///
    /// # Errors
    /// A watcher that could not be made; the process ends then.
    pub(crate) fn new(
        process: OwnedFd,
        first: Option<FirstProcess>,
        mount_points: MountPoints,
        (go, lifeline): (&OwnedFd, OwnedFd),
    ) -> Result<Live, Error> {
        let mut live = Live { process, status: None, mount_points, watcher: None, lifeline: Some(lifeline) };
        if first != Some(FirstProcess::Init) || !live.mount_points.is_empty() {
            let watcher = watcher::start(&live.process, go, &live.mount_points);
            live.watcher =
                Some(watcher.map_err(|errno| Error::Parent {
                    doing: "creating the watcher",
                    errno: OsError(errno),
                })?);
        }
        Ok(live)
    }

    /// Tells the child to go on: which of the ways to IDs was the one.
    ///
    /// # Errors
    /// A child that is gone.
    pub(crate) fn release(&self, candidate: u8) -> Result<(), Error> {
        self.mount_points.make();
        let go = self.lifeline.as_ref().ok_or(Error::Vanished)?;
        write(go, &[candidate]).map(drop).map_err(|errno| match errno {
            Errno::EPIPE => Error::Vanished,
            errno => Error::Parent { doing: "releasing the new process", errno: OsError(errno) },
        })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Error ignored: it has ended already.
        let _ = sys::process::pidfd_send_signal(&self.process, libc::SIGKILL);
        // Error ignored: it has been reaped already.
        let _ = sys::process::wait_for(&self.process);
        self.lifeline = None;
        // Error ignored: it has been reaped already.
        let _ = self.watcher.take().map(sys::process::wait_for);
        self.mount_points.remove();
    }
}

/// A child that has been told to go on.
pub(crate) struct Released {
    /// What is to be waited for.
    pub(crate) live: Live,
    /// Where the child reports a failure; closed by the start of the command.
    pub(crate) report: OwnedFd,
    /// The process whose death ends it all.
    pub(crate) parent: Option<OwnedFd>,
    /// The command's own terminal.
    pub(crate) terminal: Option<Terminal>,
    /// Where others find it, for as long as this is open.
    pub(crate) _entry: Option<Entry>,
    /// Tells those who asked of the start.
    pub(crate) started: Option<status_stream::Started>,
}

impl Released {
    /// The command has been started.
    pub(crate) fn report_start(&mut self) {
        if let Some(started) = self.started.take() {
            started.tell();
        }
    }
}
