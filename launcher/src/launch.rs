//! One launch as its parent sees it: spawned, mapped, released. Each stage is made from the one before, and only from it.

use crate::child::{self, ChildEnds};
use crate::error::Error;
use crate::kernel::{self, Side};
use crate::mapper::{self, Target};
use crate::mount_points::MountPoints;
use crate::plan::{FirstProcess, Plan};
use crate::relay::{self, Signals};
use crate::report;
use crate::watcher;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::{pipe2, write};
use std::os::fd::OwnedFd;

/// Performs a launch and returns the status of its command.
///
/// # Errors
/// What stopped the launch; nothing of it is left.
pub fn launch(plan: Plan) -> anyhow::Result<u8> {
    let signals = Signals::block()?;
    let mapped = Spawned::new(&plan)?.map(&plan)?;
    let released = mapped.release()?;
    Ok(relay::wait(released, &signals)?)
}

/// A process of ours and all that it holds open; gone when this is dropped.
pub struct Sandbox {
    /// The child.
    pub process: OwnedFd,
    /// Its folder in /proc.
    pub folder: OwnedFd,
    /// Which process is PID 1 inside.
    pub first: Option<FirstProcess>,
    mount_points: MountPoints,
    watcher: Option<OwnedFd>,
    /// Open for as long as the sandbox may live: the kernel closes it for us however we end.
    lifeline: Option<OwnedFd>,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = kernel::pidfd_send_signal(&self.process, libc::SIGKILL);
        let _ = kernel::wait_for(&self.process);
        self.lifeline = None;
        let _ = self.watcher.take().map(kernel::wait_for);
        self.mount_points.remove();
    }
}

/// A child in its new namespaces, waiting.
pub struct Spawned {
    pid: i32,
    sandbox: Sandbox,
    report: OwnedFd,
}

/// A child whose maps are in place and have been read back.
pub struct Mapped {
    sandbox: Sandbox,
    report: OwnedFd,
}

/// A child that has been told to go on.
pub struct Released {
    /// What is to be waited for.
    pub sandbox: Sandbox,
    /// Where the child reports a failure; closed by the start of the command.
    pub report: OwnedFd,
}

impl Spawned {
    fn new(plan: &Plan) -> Result<Spawned, Error> {
        let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(|errno| Error::Parent("making a pipe", errno));
        let mount_points = MountPoints::find(plan.root.as_ref());
        let ((go, lifeline), (report, report_write)) = (pipe()?, pipe()?);
        let (pid, process) = match kernel::clone_process(plan.namespaces).map_err(Error::Namespaces)? {
            Side::Parent(pid, process) => (pid, process),
            Side::Child => {
                drop((lifeline, report));
                child::run(plan, ChildEnds { lifeline: go, report: report_write, mount_points })
            }
        };
        // The child's end alone may hold this open: its closing says that the command has started.
        drop(report_write);
        let folder = open_folder(pid);
        let watcher = match plan.first {
            Some(FirstProcess::Init) => Ok(None),
            _ => watcher::start(&process, &go, &mount_points).map(Some),
        };
        let parent = |what| move |errno| Error::Parent(what, errno);
        let lifeline = Some(lifeline);
        match (folder, watcher) {
            (Ok(folder), Ok(watcher)) => {
                let sandbox = Sandbox { process, folder, first: plan.first, mount_points, watcher, lifeline };
                Ok(Spawned { pid, sandbox, report })
            }
            (folder, watcher) => {
                drop(lifeline);
                let _ = kernel::wait_for(&process);
                folder.map_err(parent("opening the new process in /proc"))?;
                watcher.map_err(parent("creating the watcher"))?;
                Err(Error::Vanished)
            }
        }
    }

    fn map(self, plan: &Plan) -> Result<Mapped, Error> {
        let target = Target { pid: self.pid, folder: &self.sandbox.folder };
        let (way, reasons) = mapper::map(&plan.ids.ways, &target)?;
        if let Some(note) = mapper::fall_back_note(&way.writer, plan.ids.lack.as_deref(), &reasons) {
            report::note(&note);
        }
        Ok(Mapped { sandbox: self.sandbox, report: self.report })
    }
}

impl Mapped {
    fn release(self) -> Result<Released, Error> {
        self.sandbox.mount_points.make();
        let go = self.sandbox.lifeline.as_ref().ok_or(Error::Vanished)?;
        write(go, b"g").map_err(|errno| match errno {
            Errno::EPIPE => Error::Vanished,
            errno => Error::Parent("releasing the new process", errno),
        })?;
        Ok(Released { sandbox: self.sandbox, report: self.report })
    }
}

fn open_folder(pid: i32) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    open(format!("/proc/{pid}").as_str(), flags, Mode::empty())
}
