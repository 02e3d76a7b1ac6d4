//! The programs over this library: their command lines and exit statuses differ, what they check does not.

use crate::error::Error;
use core::ffi::CStr;
use idmap::{IdKind, Request, RequestError, Verb};
use rustix::thread::CapabilitySet;

/// Which program this is: said by the program itself, never by argv.
#[derive(Clone, Copy)]
pub enum Program {
    /// Both maps in one run, with a status for each kind of failure.
    NewidmapHelper,
    /// shadow's newuidmap(1): one map, status 1 for every failure.
    Newuidmap,
    /// shadow's newgidmap(1).
    Newgidmap,
}

impl Program {
    /// The capabilities that its maps take: user_namespaces(7).
    pub(crate) fn capabilities(self) -> CapabilitySet {
        match self {
            Program::NewidmapHelper => CapabilitySet::SETUID | CapabilitySet::SETGID,
            Program::Newuidmap => CapabilitySet::SETUID,
            Program::Newgidmap => CapabilitySet::SETGID,
        }
    }

    /// The variant with name services, where its package puts it.
    pub const fn variant(self) -> &'static CStr {
        match self {
            Program::NewidmapHelper => c"/usr/libexec/subroot/newidmap-helper-nss",
            Program::Newuidmap => c"/usr/libexec/subroot/newuidmap-nss",
            Program::Newgidmap => c"/usr/libexec/subroot/newgidmap-nss",
        }
    }

    pub(crate) const fn name(self) -> &'static [u8] {
        match self {
            Program::NewidmapHelper => b"newidmap-helper",
            Program::Newuidmap => b"newuidmap",
            Program::Newgidmap => b"newgidmap",
        }
    }

    /// What follows a complaint about the command line.
    pub(crate) const fn usage(self) -> &'static [u8] {
        match self {
            Program::NewidmapHelper => b" (see --help)",
            Program::Newuidmap => {
                b"; usage: newuidmap [<pid>|fd:<pidfd>] <uid> <loweruid> <count> [ <uid> <loweruid> <count> ] ..."
            }
            Program::Newgidmap => {
                b"; usage: newgidmap [<pid>|fd:<pidfd>] <gid> <lowergid> <count> [ <gid> <lowergid> <count> ] ..."
            }
        }
    }

    pub(crate) fn read<'a>(
        self,
        request: &mut Request,
        words: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Verb, RequestError<'a>> {
        match self {
            Program::NewidmapHelper => request.read(words),
            Program::Newuidmap => request.read_triples(IdKind::Uid, words),
            Program::Newgidmap => request.read_triples(IdKind::Gid, words),
        }
    }

    pub(crate) const fn status(self, error: &Error<'_>) -> u8 {
        match self {
            Program::NewidmapHelper => error.status(),
            Program::Newuidmap | Program::Newgidmap => 1,
        }
    }
}
