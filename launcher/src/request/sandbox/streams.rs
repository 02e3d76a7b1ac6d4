//! The standard streams of the sandbox, and the stream for reports on its start and end.

use crate::request::sandbox::Sandbox;
use std::os::fd::OwnedFd;
use std::sync::Arc;

impl Sandbox {
    /// Sets standard input. The default is the caller's.
    #[must_use]
    pub fn stdin(self, stream: impl Into<OwnedFd>) -> Sandbox {
        self.stream(0, stream)
    }

    /// Sets standard output. The default is the caller's.
    #[must_use]
    pub fn stdout(self, stream: impl Into<OwnedFd>) -> Sandbox {
        self.stream(1, stream)
    }

    /// Sets standard error. The default is the caller's.
    #[must_use]
    pub fn stderr(self, stream: impl Into<OwnedFd>) -> Sandbox {
        self.stream(2, stream)
    }

    /// Sets a stream for reports on the start and the end, in the format of `--json-status`: a line of JSON
    /// for each.
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
