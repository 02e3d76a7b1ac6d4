//! Which namespaces are new, and what they are filled with.

use crate::request::namespaces::{ClockOffsets, Namespace, Network};
use crate::request::sandbox::Sandbox;

impl Sandbox {
    /// Has this network.
    #[must_use]
    pub fn network(mut self, network: Network) -> Sandbox {
        self.namespaces.network = network;
        self
    }

    /// Has this pid namespace.
    #[must_use]
    pub fn pid(mut self, namespace: Namespace) -> Sandbox {
        self.namespaces.pid = namespace;
        self
    }

    /// Has this ipc namespace.
    #[must_use]
    pub fn ipc(mut self, namespace: Namespace) -> Sandbox {
        self.namespaces.ipc = namespace;
        self
    }

    /// Has this uts namespace.
    #[must_use]
    pub fn uts(mut self, namespace: Namespace) -> Sandbox {
        self.namespaces.uts = namespace;
        self
    }

    /// Has this cgroup namespace.
    #[must_use]
    pub fn cgroupns(mut self, namespace: Namespace) -> Sandbox {
        self.namespaces.cgroup = namespace;
        self
    }

    /// Has clocks that are ahead.
    #[must_use]
    pub fn timens(mut self, offsets: ClockOffsets) -> Sandbox {
        self.namespaces.time = Some(offsets);
        self
    }

    /// Has this host name.
    #[must_use]
    pub fn hostname(mut self, name: impl Into<String>) -> Sandbox {
        self.hostname = Some(name.into());
        self
    }

    /// Makes the command PID 1 itself, without an init.
    #[must_use]
    pub fn as_pid_1(mut self) -> Sandbox {
        self.as_pid_1 = true;
        self
    }
}
