//! A running child: the descriptors for it, and the cleanup when it ends.

use crate::error::{Error, OsError};
use crate::network::Connection;
use crate::parent::detached::console::Console;
use crate::parent::reach::is_in_our_group;
use crate::parent::registry::Entry;
use crate::parent::status_stream;
use crate::parent::terminal::Terminal;
use crate::parent::watcher;
use crate::plan::FirstProcess;
use crate::rootfs::created_mount_points::MountPoints;
use crate::sys;
use crate::sys::process::pidfd_send_signal_with_code;
use crate::sys::signals::{END, SENT_TO_GROUP, code_of_carried, must_be_carried};
use nix::errno::Errno;
use nix::libc;
use nix::unistd::write;
use std::fs::File;
use std::os::fd::OwnedFd;

/// A child process and everything held open for it. Dropping this kills the child.
pub(crate) struct Live {
    /// The child.
    pub(crate) process: OwnedFd,
    /// The PID of the child if it is the command itself, and not an init of ours.
    pub(crate) command: Option<i32>,
    /// /proc/PID/status of a command that is PID 1 in the sandbox. It is opened before the execve(2), after
    /// which hidepid may hide it.
    pub(crate) status: Option<File>,
    /// The program that connects the sandbox's network.
    pub(crate) connection: Option<Connection>,
    mount_points: MountPoints,
    watcher: Option<OwnedFd>,
    /// Open while the sandbox may run. The kernel closes it whichever way this process ends.
    lifeline: Option<OwnedFd>,
}

impl Live {
    /// Takes over a process. Starts a watcher if the sandbox has no init of subroot to watch the launcher, or
    /// if there are mount points to remove.
    ///
    /// # Errors
    /// The watcher could not be created; the process is killed then.
    pub(crate) fn new(
        (pid, process): (i32, OwnedFd),
        first: Option<FirstProcess>,
        mount_points: MountPoints,
        (go, lifeline): (&OwnedFd, OwnedFd),
    ) -> Result<Live, Error> {
        let command = (first != Some(FirstProcess::Init)).then_some(pid);
        let lifeline = Some(lifeline);
        let (status, connection, watcher) = (None, None, None);
        let mut live = Live { process, command, status, connection, mount_points, watcher, lifeline };
        if live.command.is_some() || !live.mount_points.is_empty() {
            let watcher = watcher::start(&live.process, go, &live.mount_points);
            live.watcher =
                Some(watcher.map_err(|errno| Error::Parent {
                    doing: "creating the watcher",
                    errno: OsError(errno),
                })?);
        }
        Ok(live)
    }

    /// Lets the child continue, and sends it the index of the candidate that mapped the IDs.
    ///
    /// # Errors
    /// The child has ended.
    pub(crate) fn release(&self, candidate: u8) -> Result<(), Error> {
        self.mount_points.make();
        let go = self.lifeline.as_ref().ok_or(Error::Vanished)?;
        write(go, &[candidate]).map(drop).map_err(|errno| match errno {
            Errno::EPIPE => Error::Vanished,
            errno => Error::Parent { doing: "releasing the new process", errno: OsError(errno) },
        })
    }
}

impl Live {
    /// Sends the command a signal. An init of ours gets it to relay it.
    pub(crate) fn signal(&self, number: i32) {
        let is_carried = self.command.is_none() && must_be_carried(number);
        // Error ignored: it has ended already.
        let _ = match is_carried {
            true => pidfd_send_signal_with_code(&self.process, END, code_of_carried(number)),
            false => sys::process::pidfd_send_signal(&self.process, number),
        };
    }

    /// Sends the command a signal that the kernel has sent to our process group, unless the command is in the group.
    pub(crate) fn signal_outside_of_group(&self, number: i32) {
        match self.command {
            Some(pid) if is_in_our_group(pid) => {}
            Some(_) => self.signal(number),
            None => {
                // Error ignored: it has ended already.
                let _ = pidfd_send_signal_with_code(&self.process, number, SENT_TO_GROUP);
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Error ignored: it has already ended.
        let _ = sys::process::pidfd_send_signal(&self.process, libc::SIGKILL);
        // Error ignored: it has already been reaped.
        let _ = sys::process::wait_for(&self.process);
        self.lifeline = None;
        // Error ignored: it has already been reaped.
        let _ = self.watcher.take().map(sys::process::wait_for);
        self.mount_points.remove();
    }
}

/// A child that was allowed to continue.
pub(crate) struct Released {
    /// The child and what is held open for it.
    pub(crate) live: Live,
    /// The pipe on which the child reports a failure. The command's start closes it.
    pub(crate) report: OwnedFd,
    /// The process whose death ends the launch.
    pub(crate) parent: Option<OwnedFd>,
    /// The command's own terminal, if it has one.
    pub(crate) terminal: Option<Terminal>,
    /// The streams of a detached command.
    pub(crate) console: Option<Console>,
    /// The registry entry, which exists while this is open.
    pub(crate) entry: Option<Entry>,
    /// The signal that the command gets instead of SIGTERM.
    pub(crate) stop_signal: Option<i32>,
    /// The event for status streams, sent when the command starts.
    pub(crate) started: Option<status_stream::Started>,
}

impl Released {
    /// Reports that the command has started. A detached sandbox no longer depends on its parent then.
    ///
    /// # Errors
    /// The process that started a detached sandbox has ended, and cannot report it.
    pub(crate) fn report_start(&mut self) -> Result<(), Errno> {
        if let Some(started) = self.started.take() {
            started.send();
        }
        let Some(console) = &mut self.console else { return Ok(()) };
        self.parent = None;
        console.announce()
    }
}
