//! The programs over this library: their command lines and exit statuses differ, what they check does not.

use core::ffi::CStr;
use rustix::thread::CapabilitySet;
use subroot_idmap::IdKind;

/// Which program this is: said by the program itself, never by argv.
pub struct Program {
    pub(crate) name: &'static str,
    /// The variant with name services, where its package puts it.
    pub variant: &'static CStr,
    /// What follows a complaint about the command line.
    pub(crate) usage: &'static str,
    /// The one map that it writes, with status 1 for every failure, or none for both.
    pub(crate) only: Option<IdKind>,
}

impl Program {
    /// Both maps in one run, with a status for each kind of failure.
    pub const NEWIDMAP_HELPER: Program = Program {
        name: "newidmap-helper",
        variant: c"/usr/libexec/subroot/newidmap-helper-nss",
        usage: " (see --help)",
        only: None,
    };
    /// shadow's newuidmap(1).
    pub const NEWUIDMAP: Program = Program {
        name: "newuidmap",
        variant: c"/usr/libexec/subroot/newuidmap-nss",
        usage: "; usage: newuidmap [<pid>|fd:<pidfd>] <uid> <loweruid> <count> [ <uid> <loweruid> <count> ] ...",
        only: Some(IdKind::Uid),
    };
    /// shadow's newgidmap(1).
    pub const NEWGIDMAP: Program = Program {
        name: "newgidmap",
        variant: c"/usr/libexec/subroot/newgidmap-nss",
        usage: "; usage: newgidmap [<pid>|fd:<pidfd>] <gid> <lowergid> <count> [ <gid> <lowergid> <count> ] ...",
        only: Some(IdKind::Gid),
    };

    /// The capabilities that its maps take: user_namespaces(7).
    pub(crate) fn capabilities(&self) -> CapabilitySet {
        self.only.map_or(CapabilitySet::SETUID | CapabilitySet::SETGID, needed)
    }
}

/// The capability that a map of this kind takes.
pub(crate) fn needed(kind: IdKind) -> CapabilitySet {
    kind.pick(CapabilitySet::SETUID, CapabilitySet::SETGID)
}
