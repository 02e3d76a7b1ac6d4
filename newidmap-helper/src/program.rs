//! The programs built on this library. They differ in command line and exit status, not in what they check.

use core::ffi::CStr;
use rustix::thread::CapabilitySet;
use subroot_idmap::IdKind;

/// Identifies the program. It is compiled in and never read from argv.
pub struct Program {
    pub(crate) name: &'static str,
    /// The path of the variant with name services, as installed by its package.
    pub variant: &'static CStr,
    /// Appended to messages about the command line.
    pub(crate) usage: &'static str,
    /// The only kind of map that the program writes; its exit status is 1 for every failure. `None` for both
    /// kinds.
    pub(crate) only: Option<IdKind>,
}

impl Program {
    /// Writes both maps in one run and has an exit status for each kind of failure.
    pub const NEWIDMAP_HELPER: Program = Program {
        name: "newidmap-helper",
        variant: c"/usr/libexec/subroot/newidmap-helper-nss",
        usage: " (see --help)",
        only: None,
    };
    /// Compatible with shadow's newuidmap(1).
    pub const NEWUIDMAP: Program = Program {
        name: "newuidmap",
        variant: c"/usr/libexec/subroot/newuidmap-nss",
        usage: "; usage: newuidmap [<pid>|fd:<pidfd>] <uid> <loweruid> <count> [ <uid> <loweruid> <count> ] ...",
        only: Some(IdKind::Uid),
    };
    /// Compatible with shadow's newgidmap(1).
    pub const NEWGIDMAP: Program = Program {
        name: "newgidmap",
        variant: c"/usr/libexec/subroot/newgidmap-nss",
        usage: "; usage: newgidmap [<pid>|fd:<pidfd>] <gid> <lowergid> <count> [ <gid> <lowergid> <count> ] ...",
        only: Some(IdKind::Gid),
    };

    /// The capabilities that its maps need: user_namespaces(7).
    pub(crate) fn capabilities(&self) -> CapabilitySet {
        self.only.map_or(CapabilitySet::SETUID | CapabilitySet::SETGID, needed)
    }
}

/// The capability that a map of this kind needs.
pub(crate) fn needed(kind: IdKind) -> CapabilitySet {
    kind.pick(CapabilitySet::SETUID, CapabilitySet::SETGID)
}
