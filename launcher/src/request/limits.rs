//! Resource limits: getrlimit(2).

use nix::sys::resource::Resource;
use serde::{Deserialize, Serialize};

/// The names of docker's ulimits, and the resources of getrlimit(2).
const NAMES: [(&str, Resource); 16] = [
    ("as", Resource::RLIMIT_AS),
    ("core", Resource::RLIMIT_CORE),
    ("cpu", Resource::RLIMIT_CPU),
    ("data", Resource::RLIMIT_DATA),
    ("fsize", Resource::RLIMIT_FSIZE),
    ("locks", Resource::RLIMIT_LOCKS),
    ("memlock", Resource::RLIMIT_MEMLOCK),
    ("msgqueue", Resource::RLIMIT_MSGQUEUE),
    ("nice", Resource::RLIMIT_NICE),
    ("nofile", Resource::RLIMIT_NOFILE),
    ("nproc", Resource::RLIMIT_NPROC),
    ("rss", Resource::RLIMIT_RSS),
    ("rtprio", Resource::RLIMIT_RTPRIO),
    ("rttime", Resource::RLIMIT_RTTIME),
    ("sigpending", Resource::RLIMIT_SIGPENDING),
    ("stack", Resource::RLIMIT_STACK),
];

/// Both limits of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limit {
    /// Which resource, as a number of getrlimit(2).
    pub(crate) resource: u32,
    /// What holds.
    pub(crate) soft: u64,
    /// As far as it can be raised.
    pub(crate) hard: u64,
}

impl Limit {
    /// The number of the resource that docker calls so.
    pub(crate) fn resource(name: &str) -> Option<u32> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, resource)| *resource as u32)
    }

    /// The resource's name.
    pub(crate) fn name(&self) -> &'static str {
        NAMES.iter().find(|(_, resource)| *resource as u32 == self.resource).map_or("", |(name, _)| name)
    }
}
