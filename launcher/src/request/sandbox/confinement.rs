//! What the command may do.

use crate::request::process::{Landlock, Seccomp};
use crate::request::sandbox::Sandbox;

impl Sandbox {
    /// Adds capabilities to root by name, such as `NET_ADMIN` or `ALL`.
    #[must_use]
    pub fn cap_add(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Sandbox {
        self.added_capabilities.extend(names.into_iter().map(Into::into));
        self
    }

    /// Removes capabilities from root by name, or `ALL`.
    #[must_use]
    pub fn cap_drop(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Sandbox {
        self.dropped_capabilities.extend(names.into_iter().map(Into::into));
        self
    }

    /// Makes setuid bits and file capabilities have no effect: no_new_privs of prctl(2).
    #[must_use]
    pub fn no_new_privileges(mut self) -> Sandbox {
        self.process.no_new_privileges = true;
        self
    }

    /// Sets the system call filter.
    #[must_use]
    pub fn seccomp(mut self, seccomp: Seccomp) -> Sandbox {
        self.process.seccomp = seccomp;
        self
    }

    /// Makes system calls of architectures other than the kernel's own fail.
    #[must_use]
    pub fn native_calls_only(mut self) -> Sandbox {
        self.process.native_calls_only = true;
        self
    }

    /// Also confines the command with Landlock.
    #[must_use]
    pub fn landlock(mut self, landlock: Landlock) -> Sandbox {
        self.process.landlock = Some(landlock);
        self
    }
}
