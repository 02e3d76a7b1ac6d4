//! Waiting in a process that does little while a sandbox runs.

use crate::sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollTimeout, poll};

/// The time without an event, in milliseconds, after which the sandbox is considered settled.
const SETTLED: u8 = 10;

/// poll(2). Once it has waited for a moment, it gives the memory back that only the start of the sandbox needed.
#[derive(Default)]
pub(crate) struct Idle {
    is_settled: bool,
}

impl Idle {
    /// Waits for one of these, or until this time is over.
    ///
    /// # Errors
    /// EINTR if a signal is handled.
    pub(crate) fn poll(&mut self, ready: &mut [PollFd<'_>], limit: PollTimeout) -> Result<i32, Errno> {
        if !self.is_settled {
            match poll(ready, PollTimeout::from(SETTLED)) {
                Ok(0) => sys::program::unmap_code(),
                polled => return polled,
            }
            self.is_settled = true;
        }
        poll(ready, limit)
    }
}
