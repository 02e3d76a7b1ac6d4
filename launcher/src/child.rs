//! The child, from its first instruction to the start of the command.

use crate::failure::{Failure, Step};
use crate::identity::Identity;
use crate::init;
use crate::kernel;
use crate::mount_points::MountPoints;
use crate::namespaces;
use crate::new_root;
use crate::plan::{FirstProcess, Plan};
use crate::process::Process;
use crate::terminal;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_dumpable, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::unistd::{read, setgroups};
use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};

/// What the child shares with its parent.
pub(crate) struct ChildEnds {
    /// One byte says go, and which way the IDs were mapped; its end says that the launcher is gone.
    pub(crate) lifeline: OwnedFd,
    /// Takes one record if something fails, and is closed by the start of the command.
    pub(crate) report: OwnedFd,
    /// Takes the terminal of the command, where it is to have one.
    pub(crate) terminal: Option<OwnedFd>,
    /// What the parent makes in folders of the caller's.
    pub(crate) mount_points: MountPoints,
}

/// The whole life of the child.
pub(crate) fn run(plan: &Plan, ends: ChildEnds) -> ! {
    match start(plan, &ends) {
        Ok(never) => match never {},
        Err(failure) => failed(&failure, &ends),
    }
}

fn failed(failure: &Failure, ends: &ChildEnds) -> ! {
    failure.send(&ends.report);
    kernel::exit(crate::error::OWN_FAILURE)
}

fn start(plan: &Plan, ends: &ChildEnds) -> Result<Infallible, Failure> {
    let way = plan.ids.ways.get(usize::from(wait_for_byte(ends)));
    let [uid, gid] =
        way.map(|way| way.first).ok_or(Errno::EINVAL).map_err(Failure::on(Step::BecomeRoot, b""))?;
    let first = Identity::first(uid, gid);
    become_first(&first, plan.process.process()).map_err(Failure::on(Step::BecomeRoot, b""))?;
    namespaces::furnish(plan)?;
    if let Some(root) = &plan.root {
        new_root::enter(root)?;
    }
    plan.process.adjust_oom_score()?;
    if plan.first == Some(FirstProcess::Init) {
        // Before there is a command: init holds descriptors of the host for a moment yet, and the command's process until its
        // execve, which makes it dumpable again.
        set_dumpable(false).map_err(Failure::on(Step::Fork, b""))?;
        let command = spawn(plan, ends, first).map_err(Failure::on(Step::Fork, b""))?;
        init::run(command, &ends.lifeline, &ends.mount_points);
    }
    die_with_launcher(ends);
    become_command(plan, ends, first)
}

/// Starts the command's own process and gives its PID. An init that has mount points to remove may not stand still meanwhile.
fn spawn(plan: &Plan, ends: &ChildEnds, first: Identity) -> Result<i32, Errno> {
    if ends.mount_points.is_empty() {
        die_with_launcher(ends);
        return kernel::vfork(|| become_command(plan, ends, first));
    }
    match kernel::fork()? {
        Some(pid) => Ok(pid),
        None => become_command(plan, ends, first),
    }
}

fn become_command(plan: &Plan, ends: &ChildEnds, first: Identity) -> ! {
    let taken = ends.terminal.as_ref().map_or(Ok(()), terminal::take_new);
    let started = taken.map_err(Failure::on(Step::Terminal, b"")).and_then(|()| plan.process.start(first));
    match started {
        Ok(never) => match never {},
        Err(failure) => failed(&failure, ends),
    }
}

/// Waits until the maps are in place. A launcher that died before leaves nothing to do but to tidy up.
pub(crate) fn wait_for_byte(ends: &ChildEnds) -> u8 {
    let mut byte = [0];
    loop {
        match read(&ends.lifeline, &mut byte) {
            Ok(1) => return byte[0],
            Ok(_) => {
                ends.mount_points.remove();
                kernel::exit(crate::error::OWN_FAILURE);
            }
            Err(_) => {}
        }
    }
}

/// Becomes who the caller is inside, for all that is done before the command. Where setgroups is denied
/// (user_namespaces(7)), the caller's groups stay: dropping one could open what it keeps shut.
///
/// # Errors
/// EINVAL for an ID that is not mapped.
pub(crate) fn become_first(first: &Identity, process: &Process) -> Result<(), Errno> {
    if !process.keeps_groups {
        match setgroups(&[]) {
            Ok(()) | Err(Errno::EPERM) => {}
            Err(errno) => return Err(errno),
        }
    }
    first.assume()
}

/// The second string to the watcher: the kernel's death signal, and a look whether it came too late.
pub(crate) fn die_with_launcher(ends: &ChildEnds) {
    let _ = set_pdeathsig(Signal::SIGKILL);
    let mut ready = [PollFd::new(ends.lifeline.as_fd(), PollFlags::empty())];
    if poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0) {
        ends.mount_points.remove();
        kernel::exit(crate::error::OWN_FAILURE);
    }
}
