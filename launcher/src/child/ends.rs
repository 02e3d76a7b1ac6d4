//! What the child shares with its parent.

use crate::child::shim::Shim;
use crate::failure::{Failure, Step};
use crate::sys;
use std::os::fd::OwnedFd;

/// What the child shares with its parent.
pub(crate) struct ChildEnds {
    /// One byte says go, and which way the IDs were mapped; its end says that the launcher is gone.
    pub(crate) lifeline: OwnedFd,
    /// Takes warnings and a failure, and is closed by the start of the command.
    pub(crate) report: OwnedFd,
    /// Takes the terminal of the command, where it is to have one.
    pub(crate) terminal: Option<OwnedFd>,
    /// What executes the command, if the launcher's own program file needs it.
    pub(crate) shim: Option<Shim>,
}

impl ChildEnds {
    /// Closes everything that this process has inherited but these ends, its standard streams and `others`: before its root changes,
    /// so that no lookup in a hostile root can reach a directory of the host through an open descriptor (CVE-2024-21626), and so
    /// that /proc, which old kernels need for this, is the host's. What is opened from now on is closed again by its owner.
    ///
    /// # Errors
    /// Those of close_range(2).
    pub(crate) fn close_all_others(&self, others: &[&OwnedFd]) -> Result<(), Failure> {
        let kept = self.of_the_command().chain([&self.lifeline]).chain(others.iter().copied());
        sys::descriptors::close_from_but(3, &kept.collect::<Vec<_>>())
            .map_err(Failure::on(Step::CloseInherited, b""))
    }

    /// Closes the standard streams and these ends but one, one by one: /proc may be a fake by now.
    pub(crate) fn close_all_but_lifeline(&self) {
        (0..=2).map(sys::descriptors::standard_stream).for_each(sys::descriptors::close_own);
        self.of_the_command().for_each(sys::descriptors::close_own);
    }

    /// All but the lifeline: what the command's process needs until its execve.
    fn of_the_command(&self) -> impl Iterator<Item = &OwnedFd> {
        let shim = self.shim.as_ref().map(Shim::memory);
        [&self.report].into_iter().chain(&self.terminal).chain(shim)
    }
}
