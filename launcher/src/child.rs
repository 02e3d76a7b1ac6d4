//! The child, from its first instruction to the start of the command.

use crate::failure::{Failure, Step};
use crate::init;
use crate::kernel;
use crate::mount_points::MountPoints;
use crate::new_root;
use crate::plan::{FirstProcess, Plan};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, read, setgroups, setresgid, setresuid};
use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};

/// What the child shares with its parent.
pub struct ChildEnds {
    /// One byte says go; its end says that the launcher is gone.
    pub lifeline: OwnedFd,
    /// Takes one record if something fails, and is closed by the start of the command.
    pub report: OwnedFd,
    /// What the parent makes in the rootfs.
    pub mount_points: MountPoints,
}

/// The whole life of the child.
pub fn run(plan: &Plan, ends: ChildEnds) -> ! {
    let failure = match start(plan, &ends) {
        Ok(never) => match never {},
        Err(failure) => failure,
    };
    failure.send(&ends.report);
    std::process::exit(i32::from(crate::error::OWN_FAILURE))
}

fn start(plan: &Plan, ends: &ChildEnds) -> Result<Infallible, Failure> {
    wait_for_go(ends);
    become_root().map_err(Failure::on(Step::BecomeRoot, b""))?;
    if let Some(root) = &plan.root {
        new_root::enter(root)?;
    }
    if plan.first == Some(FirstProcess::Init) {
        if let Some(command) = kernel::fork().map_err(Failure::on(Step::Fork, b""))? {
            init::run(command, &ends.lifeline, &ends.mount_points);
        }
    } else {
        die_with_launcher(ends);
    }
    if let Some(kept) = plan.capabilities {
        kernel::limit_capabilities(kept).map_err(Failure::on(Step::LimitCapabilities, b""))?;
    }
    plan.command.execute()
}

/// Waits until the maps are in place. A launcher that died before leaves nothing to do but to tidy up.
fn wait_for_go(ends: &ChildEnds) {
    let mut byte = [0];
    while !matches!(read(&ends.lifeline, &mut byte), Ok(1)) {
        if matches!(read(&ends.lifeline, &mut byte), Ok(0)) {
            ends.mount_points.remove();
            std::process::exit(i32::from(crate::error::OWN_FAILURE));
        }
    }
}

/// Groups go first, then the group, then the user: each needs a capability that the next one might take away. Where setgroups
/// is denied (user_namespaces(7)), the caller's groups stay: dropping one could open what it keeps shut.
fn become_root() -> Result<(), Errno> {
    match setgroups(&[]) {
        Ok(()) | Err(Errno::EPERM) => {}
        Err(errno) => return Err(errno),
    }
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)
}

/// The second string to the watcher: the kernel's death signal, and a look whether it came too late.
fn die_with_launcher(ends: &ChildEnds) {
    let _ = set_pdeathsig(Signal::SIGKILL);
    let mut ready = [PollFd::new(ends.lifeline.as_fd(), PollFlags::empty())];
    if poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0) {
        ends.mount_points.remove();
        std::process::exit(i32::from(crate::error::OWN_FAILURE));
    }
}
