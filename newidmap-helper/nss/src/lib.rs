//! The mapper's name services: who the caller is where no local file says so, and what a `subid:` plugin grants to him.
//!
//! Everything that is not part of this program, an NSS module or a plugin, runs in a child that has given up every capability
//! and has nothing open but the pipe that its answer comes through. The answer is read as what a stranger has written.
//!
//! The child has the caller's IDs, because a plugin must never run with any others. The caller can therefore limit it by
//! prlimit(2), stop it and kill it. Reading its limits back would not help: a soft limit can be lowered and raised again while the
//! child is stopped. What keeps the caller from choosing the answer is this:
//! - The child is not dumpable, so that the kernel refuses ptrace(2), /proc/PID/mem and pidfd_getfd(2).
//! - An answer counts only if it is whole. An end, a signal, a timeout or an error of any kind is a refusal.
//! - The parent decides what it can read itself: no name of a local account is taken from the child.

mod answer;
mod child;
mod foreign;
mod services;

pub use answer::{Trouble, decode, encode};
pub use services::NameServices;
