//! Configures new namespaces: the hostname, the loopback interface, the clocks.

use crate::failure::{Failure, Step};
use crate::plan::Plan;
use crate::plan::progress::begin;
use crate::plan::steps::Kind;
use crate::sys;
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::sethostname;
use std::fs;

/// Configures the namespaces that the plan creates. The child has every capability in them.
///
/// # Errors
/// The name, interface or clock that the kernel refused.
pub(crate) fn configure(plan: &Plan) -> Result<(), Failure> {
    if let Some(name) = &plan.hostname {
        begin(Kind::SetHostname, b"");
        sethostname(name).map_err(Failure::on(Step::Hostname, name.as_bytes()))?;
    }
    if plan.namespaces & libc::CLONE_NEWNET != 0 {
        begin(Kind::BringUpLoopback, b"");
        sys::namespaces::bring_loopback_up().map_err(Failure::on(Step::Loopback, b"lo"))?;
    }
    if let Some(clocks) = plan.clocks {
        begin(Kind::SetClocks, b"");
        // The offsets can be written only until a process enters the namespace, which the next child does:
        // time_namespaces(7).
        unshare(CloneFlags::from_bits_retain(libc::CLONE_NEWTIME)).map_err(Failure::on(Step::Clocks, b""))?;
        let offsets = format!("monotonic {} 0\nboottime {} 0\n", clocks.monotonic, clocks.boottime);
        sys::outcome_of(fs::write("/proc/self/timens_offsets", offsets))
            .map_err(Failure::on(Step::Clocks, b""))?;
    }
    Ok(())
}
