//! The descriptors that the command gets in addition to its standard streams.

use crate::request::environment::Environment;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The number of the first one inside: SD_LISTEN_FDS_START in sd_listen_fds(3).
pub(crate) const FIRST_PASSED: i32 = 3;

/// Descriptors to pass to the command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed {
    /// They become [`FIRST_PASSED`] and up inside, in this order.
    pub(crate) descriptors: Vec<Arc<OwnedFd>>,
    /// What a socket activator says about them, without LISTEN_PID: that is the command's PID inside.
    pub(crate) activation: Environment,
}

impl Passed {
    /// Each descriptor with its number inside.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (i32, &OwnedFd)> {
        (FIRST_PASSED..).zip(self.descriptors.iter().map(|file| &**file))
    }

    /// The first number after those that they have inside.
    pub(crate) fn end(&self) -> i32 {
        self.numbered().last().map_or(FIRST_PASSED, |(number, _)| number + 1)
    }
}
