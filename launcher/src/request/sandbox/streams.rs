//! The standard streams of a sandbox, and where its start and end are reported.

use crate::request::sandbox::Sandbox;
use std::os::fd::OwnedFd;
use std::sync::Arc;

impl Sandbox {
    /// Reads standard input from here; the caller's own is used otherwise.
    #[must_use]
    pub fn stdin(self, stream: impl Into<OwnedFd>) -> Sandbox {
        self.stream(0, stream)
    }

    /// Writes standard output here; the caller's own is used otherwise.
    #[must_use]
    pub fn stdout(self, stream: impl Into<OwnedFd>) -> Sandbox {
        self.stream(1, stream)
    }

    /// Writes standard error here; the caller's own is used otherwise.
    #[must_use]
    pub fn stderr(self, stream: impl Into<OwnedFd>) -> Sandbox {
        self.stream(2, stream)
    }

    /// Reports the start and the end here, as `--json-status` does: a line of JSON for each.
    #[must_use]
    pub fn status_stream(mut self, stream: impl Into<OwnedFd>) -> Sandbox {
        self.status_stream = Some(Arc::new(stream.into()));
        self
    }

    fn stream(mut self, number: usize, stream: impl Into<OwnedFd>) -> Sandbox {
        if let Some(slot) = self.streams.get_mut(number) {
            *slot = Some(Arc::new(stream.into()));
        }
        self
    }
}
