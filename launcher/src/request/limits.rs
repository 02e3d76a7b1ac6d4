//! Resource limits: getrlimit(2).

use nix::libc;
use nix::sys::resource::Resource as Kernels;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! resources {
    ($($name:ident = $kernels:ident, $option:literal, $doc:literal;)*) => {
        /// A resource that the kernel limits.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Resource {
            $(#[doc = $doc] $name = Kernels::$kernels as u32,)*
        }

        impl Resource {
            /// Every resource, with docker's name for it.
            const ALL: &[(Resource, &str)] = &[$((Resource::$name, $option)),*];
        }
    };
}

resources! {
    AddressSpace = RLIMIT_AS, "as", "Bytes of address space: RLIMIT_AS.";
    Core = RLIMIT_CORE, "core", "Bytes of a core file: RLIMIT_CORE.";
    Cpu = RLIMIT_CPU, "cpu", "Seconds of processor time: RLIMIT_CPU.";
    Data = RLIMIT_DATA, "data", "Bytes of the data segment: RLIMIT_DATA.";
    FileSize = RLIMIT_FSIZE, "fsize", "Bytes of a file: RLIMIT_FSIZE.";
    Locks = RLIMIT_LOCKS, "locks", "Locks of files, which Linux no longer limits: RLIMIT_LOCKS.";
    LockedMemory = RLIMIT_MEMLOCK, "memlock", "Bytes of memory that is kept from being swapped out: RLIMIT_MEMLOCK.";
    MessageQueues = RLIMIT_MSGQUEUE, "msgqueue", "Bytes of the user's POSIX message queues: RLIMIT_MSGQUEUE.";
    Nice = RLIMIT_NICE, "nice", "20 minus the lowest nice value: RLIMIT_NICE.";
    OpenFiles = RLIMIT_NOFILE, "nofile", "One above the highest descriptor: RLIMIT_NOFILE.";
    Processes = RLIMIT_NPROC, "nproc", "Processes and threads of the user: RLIMIT_NPROC.";
    ResidentSet = RLIMIT_RSS, "rss", "Bytes in memory, which Linux no longer limits: RLIMIT_RSS.";
    RealtimePriority = RLIMIT_RTPRIO, "rtprio", "The highest realtime priority: RLIMIT_RTPRIO.";
    RealtimeTime = RLIMIT_RTTIME, "rttime", "Microseconds in a row with realtime priority: RLIMIT_RTTIME.";
    PendingSignals = RLIMIT_SIGPENDING, "sigpending", "Signals that wait to be taken: RLIMIT_SIGPENDING.";
    Stack = RLIMIT_STACK, "stack", "Bytes of the stack: RLIMIT_STACK.";
}

impl Resource {
    /// The resource with this docker name.
    pub(crate) fn named(name: &str) -> Option<Resource> {
        Resource::ALL.iter().find(|(_, known)| *known == name).map(|(resource, _)| *resource)
    }

    /// What docker calls each of them.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Resource::ALL.iter().map(|(_, name)| *name)
    }

    fn numbered(number: u32) -> Option<Resource> {
        Resource::ALL.iter().find(|(known, _)| *known as u32 == number).map(|(resource, _)| *resource)
    }

    /// docker's name for the resource.
    pub(crate) fn name(self) -> &'static str {
        Resource::ALL.iter().find(|(known, _)| *known == self).map_or("", |(_, name)| name)
    }
}

/// Both limits of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Limit {
    /// The resource.
    #[serde(with = "as_number")]
    pub resource: Resource,
    /// The limit in force.
    pub soft: u64,
    /// The limit up to which the command can raise the soft limit.
    pub hard: u64,
}

/// The number of a resource, for registry entries.
mod as_number {
    use crate::request::limits::Resource;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(resource: &Resource, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(*resource as u32)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Resource, D::Error> {
        let number = u32::deserialize(deserializer)?;
        Resource::numbered(number).ok_or_else(|| D::Error::custom("unknown resource"))
    }
}

impl Limit {
    /// The value for no limit.
    pub const UNLIMITED: u64 = libc::RLIM_INFINITY;

    /// A limit for a resource.
    pub fn new(resource: Resource, soft: u64, hard: u64) -> Limit {
        Limit { resource, soft, hard }
    }

    /// # Errors
    /// Limits that setrlimit(2) refuses.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.soft > self.hard {
            Err(format!("{self}: the soft limit exceeds the hard limit"))
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.resource.name(), self.soft, self.hard)
    }
}
