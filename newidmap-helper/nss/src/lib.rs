//! The mapper's name services: the names of callers without a local account, and the grants of a `subid:`
//! plugin.
//!
//! All code that is not part of this program (NSS modules and plugins) runs in a child that has given up
//! every capability and has only the pipe for its answer open. The answer is treated as untrusted input.
//!
//! The child has the caller's IDs, because a plugin must not run with any others. The caller can therefore
//! limit it by prlimit(2), stop it and kill it. Checking its limits afterwards would not help: the caller can
//! lower a soft limit and raise it again while the child is stopped. The caller still cannot choose the
//! answer, because:
//! - The child is not dumpable, so the kernel refuses ptrace(2), /proc/PID/mem and pidfd_getfd(2).
//! - An answer counts only if it is whole. An early end, a signal, a timeout or any error is a refusal.
//! - The parent checks what it can read itself: it never accepts the name of a local account from the child.

mod answer;
mod child;
mod foreign;
mod services;

pub use answer::{Trouble, decode, encode};
pub use services::NameServices;
