//! What new namespaces are filled with: a host name, a network interface, clocks.

use crate::failure::{Failure, Step};
use crate::plan::Plan;
use crate::sys;
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::sethostname;
use std::fs;

/// Every kind, by its name in /proc/PID/ns and its flag of clone(2).
pub(crate) const KINDS: [(&str, i32); 8] = [
    ("user", libc::CLONE_NEWUSER),
    ("mnt", libc::CLONE_NEWNS),
    ("pid", libc::CLONE_NEWPID),
    ("ipc", libc::CLONE_NEWIPC),
    ("uts", libc::CLONE_NEWUTS),
    ("cgroup", libc::CLONE_NEWCGROUP),
    ("net", libc::CLONE_NEWNET),
    ("time", libc::CLONE_NEWTIME),
];

/// Those of a launch that nothing is left out of; the others are made on request alone.
pub(crate) const OF_A_LAUNCH: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Fills those that the plan has made. The child has every capability in them.
///
/// # Errors
/// The name, interface or clock that the kernel refused.
pub(crate) fn furnish(plan: &Plan) -> Result<(), Failure> {
    if let Some(name) = &plan.hostname {
        sethostname(name).map_err(Failure::on(Step::Hostname, name.as_bytes()))?;
    }
    if plan.namespaces & libc::CLONE_NEWNET != 0 {
        sys::namespaces::bring_loopback_up().map_err(Failure::on(Step::Loopback, b"lo"))?;
    }
    if let Some(clocks) = plan.clocks {
        // The offsets can be written until a process is in the namespace, which the next child will be: time_namespaces(7).
        unshare(CloneFlags::from_bits_retain(libc::CLONE_NEWTIME)).map_err(Failure::on(Step::Clocks, b""))?;
        let offsets = format!("monotonic {} 0\nboottime {} 0\n", clocks.monotonic, clocks.boottime);
        fs::write("/proc/self/timens_offsets", offsets)
            .map_err(|error| sys::errno_of(&error))
            .map_err(Failure::on(Step::Clocks, b""))?;
    }
    Ok(())
}
