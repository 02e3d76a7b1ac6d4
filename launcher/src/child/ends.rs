//! The descriptors that connect the child with its parent.

use crate::child::shim::Shim;
use crate::failure::{Failure, Step};
use crate::request::passed::Passed;
use crate::sys;
use nix::unistd::{Pid, isatty, setpgid};
use std::os::fd::OwnedFd;

/// The child's ends of the pipes and sockets it shares with its parent.
pub(crate) struct ChildEnds {
    /// The launcher writes one byte to start the child: the index of the mapping it used. End of file means
    /// that the launcher has ended.
    pub(crate) lifeline: OwnedFd,
    /// Takes warnings and a failure. Closes when the command starts.
    pub(crate) report: OwnedFd,
    /// Takes the command's terminal, if it gets one.
    pub(crate) terminal: Option<OwnedFd>,
    /// Executes the command, if the launcher's own program file must be protected from it.
    pub(crate) shim: Option<Shim>,
    /// The descriptors that the command gets in addition to its standard streams.
    pub(crate) passed: Passed,
    /// True if the command leads its own process group, so that a hangup for the launcher's group does not
    /// reach it: nohup(1).
    pub(crate) leads_group: bool,
}

impl ChildEnds {
    /// Moves the command's process into its own process group, if it needs one. With a terminal of its own, it
    /// gets its own session. If it reads the caller's terminal, it stays: the kernel stops a background process
    /// group that reads. nohup(1) replaces such an input.
    ///
    /// # Errors
    /// An error of setpgid(2).
    pub(crate) fn leave_group(&self) -> Result<(), Failure> {
        // Error ignored: the input is not open, so it is not a terminal.
        let has_terminal = || isatty(std::io::stdin()).ok() == Some(true);
        if !self.leads_group || self.terminal.is_some() || has_terminal() {
            return Ok(());
        }
        setpgid(Pid::from_raw(0), Pid::from_raw(0)).map_err(Failure::on(Step::Group, b""))
    }

    /// Closes every inherited descriptor except these ends, the standard streams and `others`.
    ///
    /// This happens before the root changes: no lookup in a hostile root can then reach a host directory
    /// through an open descriptor (CVE-2024-21626), and /proc, which older kernels need for this, is still
    /// the host's. Later descriptors are closed by their owners.
    ///
    /// # Errors
    /// An error of close_range(2).
    pub(crate) fn close_all_others(&self, others: &[&OwnedFd]) -> Result<(), Failure> {
        let kept = self.of_the_command().chain([&self.lifeline]).chain(others.iter().copied());
        sys::descriptors::close_from_but(3, &kept.collect::<Vec<_>>())
            .map_err(Failure::on(Step::CloseInherited, b""))
    }

    /// Closes the standard streams and all ends except the lifeline, one by one: /proc could be faked by the
    /// rootfs now.
    pub(crate) fn close_all_but_lifeline(&self) {
        (0..=2).map(sys::descriptors::standard_stream).for_each(sys::descriptors::close_own);
        self.of_the_command().for_each(sys::descriptors::close_own);
    }

    /// All ends except the lifeline: what the command's process needs until it calls execve.
    fn of_the_command(&self) -> impl Iterator<Item = &OwnedFd> {
        let shim = self.shim.as_ref().map(Shim::memory);
        let passed = self.passed.numbered().map(|(_, file)| file);
        [&self.report].into_iter().chain(&self.terminal).chain(shim).chain(passed)
    }
}
