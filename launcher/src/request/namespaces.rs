//! The requested namespaces and their contents.

use nix::libc::{self, c_int};

/// Where a namespace comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Namespace {
    /// A new namespace.
    #[default]
    Private,
    /// The host's namespace.
    Host,
}

/// The offsets of the clocks in a new time namespace from the host's: time_namespaces(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockOffsets {
    /// CLOCK_MONOTONIC, in seconds.
    pub monotonic: i64,
    /// CLOCK_BOOTTIME, in seconds.
    pub boottime: i64,
}

impl ClockOffsets {
    /// Offsets for both clocks, in seconds.
    pub fn new(monotonic: i64, boottime: i64) -> ClockOffsets {
        ClockOffsets { monotonic, boottime }
    }
}

/// The namespaces except user and mount, which are always new.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Namespaces {
    pub(crate) pid: Namespace,
    pub(crate) ipc: Namespace,
    pub(crate) uts: Namespace,
    pub(crate) cgroup: Namespace,
    pub(crate) network: Network,
    pub(crate) time: Option<ClockOffsets>,
}

impl Namespaces {
    /// The flags of clone3(2), except for the time namespace, which only children enter.
    pub(crate) fn flags(&self) -> c_int {
        let optional = [
            (self.pid, libc::CLONE_NEWPID),
            (self.ipc, libc::CLONE_NEWIPC),
            (self.uts, libc::CLONE_NEWUTS),
            (self.cgroup, libc::CLONE_NEWCGROUP),
            (self.network.namespace(), libc::CLONE_NEWNET),
        ];
        let wanted = optional.into_iter().filter(|(namespace, _)| *namespace == Namespace::Private);
        wanted.fold(libc::CLONE_NEWUSER | libc::CLONE_NEWNS, |flags, (_, flag)| flags | flag)
    }
}

/// The network of a sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network {
    /// The host's network.
    #[default]
    Host,
    /// A new network namespace that has only the interface lo.
    None,
    /// A new one that pasta connects with the outside, or slirp4netns if pasta is not installed.
    Private,
    /// A new one that pasta(1) connects with the outside.
    Pasta,
    /// A new one that slirp4netns(1) connects with the outside.
    Slirp4netns,
}

impl Network {
    /// Whether its network namespace is a new one.
    pub(crate) fn namespace(self) -> Namespace {
        if self == Network::Host { Namespace::Host } else { Namespace::Private }
    }

    /// True if a program connects the sandbox with the outside.
    pub(crate) fn is_connected(self) -> bool {
        matches!(self, Network::Private | Network::Pasta | Network::Slirp4netns)
    }
}

/// Every kind of namespace: its name in /proc/PID/ns and its flag of clone(2).
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

/// The namespaces that a launch creates by default. The others are created only on request.
pub(crate) const OF_A_LAUNCH: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;
