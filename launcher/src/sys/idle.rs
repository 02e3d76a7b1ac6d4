//! Waiting in a process that does little while a sandbox runs.

use crate::sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollTimeout, poll};

/// The time without an event, in milliseconds, after which the sandbox is considered settled.
const SETTLED: u8 = 10;

/// Waits with poll(2) without a time limit. After the first pause it releases memory that only the sandbox's
/// start needed.
#[derive(Default)]
pub(crate) struct Idle {
    is_settled: bool,
}

impl Idle {
    /// Waits for one of these descriptors.
    ///
    /// # Errors
    /// EINTR if a signal is handled.
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
