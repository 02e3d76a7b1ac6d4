//! The signals after which what is unfinished is removed.

use crate::error::Error;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::os::fd::{AsFd as _, BorrowedFd};

/// SIGINT, SIGTERM and SIGHUP, blocked and read from a descriptor.
pub(crate) struct Signals(SignalFd);

impl Signals {
    pub(crate) fn block() -> Result<Signals, Error> {
        set().thread_block().map_err(Error::preparing("blocking signals"))?;
        let signals = SignalFd::with_flags(&set(), SfdFlags::SFD_CLOEXEC);
        signals.map(Signals).map_err(Error::preparing("blocking signals"))
    }

    /// Lets signals end this process again.
    ///
    /// # Errors
    /// Errors of sigprocmask(2).
    pub(crate) fn unblock(self) -> Result<(), Error> {
        set().thread_unblock().map_err(Error::preparing("unblocking signals"))
    }

    /// Waits until a descriptor can be read, a signal comes or `milliseconds` have passed. Returns true if the
    /// descriptor can be read.
    ///
    /// # Errors
    /// A signal came: [`Error::Interrupted`].
    pub(crate) fn wait_for(&self, other: BorrowedFd<'_>, milliseconds: u16) -> Result<bool, Error> {
        let mut ready =
            [PollFd::new(other, PollFlags::POLLIN), PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        self.poll(&mut ready, milliseconds)?;
        Ok(ready.first().and_then(PollFd::any).unwrap_or(false))
    }

    /// Waits until a signal comes or `milliseconds` have passed.
    ///
    /// # Errors
    /// A signal came: [`Error::Interrupted`].
    pub(crate) fn pause(&self, milliseconds: u16) -> Result<(), Error> {
        self.poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], milliseconds)
    }

    /// The signals' descriptor is the last one. The end of what is waited for comes before a signal.
    fn poll(&self, ready: &mut [PollFd<'_>], milliseconds: u16) -> Result<(), Error> {
        match poll(ready, PollTimeout::from(milliseconds)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::preparing("waiting")(errno)),
        }
        let is_ready = |poll: Option<&PollFd<'_>>| poll.and_then(PollFd::any).unwrap_or(false);
        if !is_ready(ready.last()) || ready.len() > 1 && is_ready(ready.first()) {
            return Ok(());
        }
        let signal = self.0.read_signal().map_err(Error::preparing("reading a signal"))?;
        match signal.and_then(|signal| i32::try_from(signal.ssi_signo).ok()) {
            Some(signal) => Err(Error::Interrupted { signal }),
            None => Ok(()),
        }
    }
}

fn set() -> SigSet {
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect()
}
