//! Facts about a client: how it is called, what it requests and what it prints on failure.

use crate::clients::grants::{Grants, Ranges};
use subroot_tests::Install;

/// A client.
pub(crate) struct Client {
    /// Its command line, up to the command to run in the user namespace that it creates.
    pub(crate) words: fn(&Grants) -> String,
    /// The lines of the map that it makes from granted ranges.
    pub(crate) lines: fn(Ranges) -> String,
    /// The host's path of the directory that the command sees as /tmp.
    pub(crate) tmp: &'static str,
    /// The program that it starts first.
    pub(crate) first: &'static str,
    /// The process that starts them, relative to the process that is mapped.
    pub(crate) caller: Caller,
    /// The kinds of installation with which it starts them at all.
    pub(crate) installs: &'static [Install],
    /// What it does when one of them fails.
    pub(crate) failure: Failure,
}

/// The process that requests a map.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The process that created the target, or another one that it created.
    Outside,
    /// A process that the target itself created before it entered its user namespace.
    TargetsChild,
}

/// The effect of a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The client also fails, and shows the program's message.
    IsShown,
    /// The client shows the program's message, and continues with a map of only the caller's own ID.
    FallsBack,
    /// The client checks for privilege itself. If there is none, it tries without the programs and fails.
    IsForeseen,
}

/// Every kind of installation that gives privilege.
pub(crate) const ALL_INSTALLS: &[Install] =
    &[Install::SetuidRoot, Install::FileCapabilities, Install::EffectiveCapabilities, Install::Both];
