//! The waiting of a process that does little for as long as a sandbox runs.

use crate::sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollTimeout, poll};

/// Milliseconds without an event after which a sandbox is one that stays.
const SETTLED: u8 = 10;

/// poll(2) without a limit. Once it has waited for a moment, it gives the memory back that only the start of the sandbox needed.
#[derive(Default)]
pub(crate) struct Idle {
    is_settled: bool,
}

impl Idle {
    /// Waits for one of these.
    ///
    /// # Errors
    /// EINTR, where a signal is handled.
    pub(crate) fn poll(&mut self, ready: &mut [PollFd<'_>]) -> Result<i32, Errno> {
        if !self.is_settled {
            match poll(ready, PollTimeout::from(SETTLED)) {
                Ok(0) => sys::program::unmap_code(),
                polled => return polled,
            }
            self.is_settled = true;
        }
        poll(ready, PollTimeout::NONE)
    }
}
