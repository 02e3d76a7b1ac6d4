//! What is known of a client: how it is called, what it asks for and what it says when it fails.

use crate::clients::grants::{Grants, Ranges};
use subroot_tests::Install;

/// A client.
pub(crate) struct Client {
    /// Its command line, up to the command that it is to run in the user namespace it makes.
    pub(crate) words: fn(&Grants) -> String,
    /// The lines of the map that it makes of granted ranges.
    pub(crate) lines: fn(Ranges) -> String,
    /// The host's path of the directory that its command sees as /tmp.
    pub(crate) tmp: &'static str,
    /// The program that it starts first.
    pub(crate) first: &'static str,
    /// Who starts them, as seen from the process that is mapped.
    pub(crate) caller: Caller,
    /// The ways of installing in which it starts them at all.
    pub(crate) installs: &'static [Install],
    /// What it does when one of them fails.
    pub(crate) failure: Failure,
}

/// Who asks for a map.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The process that has made the target, or another that it has made.
    Outside,
    /// A process that the target itself has made before it entered its user namespace.
    TargetsChild,
}

/// What becomes of a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The client fails as well, and shows what the program said.
    IsShown,
    /// The client shows what the program said, and goes on with a map of the own ID alone.
    FallsBack,
    /// The client looks for privilege itself, tries without the programs where they have none, and fails.
    IsForeseen,
}

/// Every way that gives privilege.
pub(crate) const ALL_INSTALLS: &[Install] =
    &[Install::SetuidRoot, Install::FileCapabilities, Install::EffectiveCapabilities, Install::Both];
