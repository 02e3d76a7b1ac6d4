//! The namespaces of the sandbox and their contents.

use crate::request::namespaces::{ClockOffsets, Namespace, Network};
use crate::request::sandbox::Sandbox;

impl Sandbox {
    /// Sets the network.
    #[must_use]
    pub fn network(mut self, network: Network) -> Sandbox {
        self.namespaces.network = network;
        self
    }

    /// Sets the pid namespace.
    #[must_use]
    pub fn pid(mut self, namespace: Namespace) -> Sandbox {
        self.namespaces.pid = namespace;
        self
    }

    /// Sets the ipc namespace.
    #[must_use]
    pub fn ipc(mut self, namespace: Namespace) -> Sandbox {
        self.namespaces.ipc = namespace;
        self
    }

    /// Sets the uts namespace.
    #[must_use]
    pub fn uts(mut self, namespace: Namespace) -> Sandbox {
        self.namespaces.uts = namespace;
        self
    }

    /// Sets the cgroup namespace.
    #[must_use]
    pub fn cgroupns(mut self, namespace: Namespace) -> Sandbox {
        self.namespaces.cgroup = namespace;
        self
    }

    /// Sets offsets for the clocks, in a new time namespace.
    #[must_use]
    pub fn timens(mut self, offsets: ClockOffsets) -> Sandbox {
        self.namespaces.time = Some(offsets);
        self
    }

    /// Sets the hostname.
    #[must_use]
    pub fn hostname(mut self, name: impl Into<String>) -> Sandbox {
        self.hostname = Some(name.into());
        self
    }

    /// Runs the command itself as PID 1, without an init.
    #[must_use]
    pub fn as_pid_1(mut self) -> Sandbox {
        self.as_pid_1 = true;
        self
    }
}
