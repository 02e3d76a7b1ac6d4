//! The descriptors of the sandbox: standard streams, the stream for reports on its start and end, and others.

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

    /// Passes a descriptor to the command: the first one becomes 3, the next one 4, and so on. It stays what it
    /// is, so that the command can do with it what you can: a socket stays connected to where it was. A
    /// directory is refused, because a path from it leads to all of the host.
    ///
    /// ```
    /// use std::io::Read as _;
    /// use std::os::unix::net::UnixStream;
    /// use subroot::Sandbox;
    ///
    /// let (mut ours, theirs) = UnixStream::pair()?;
    /// let mut running = Sandbox::host().preserve_fd(theirs).command(["sh", "-c", "echo hello >&3"]).spawn()?;
    /// running.wait()?;
    /// let mut text = String::new();
    /// ours.read_to_string(&mut text)?;
    /// assert_eq!(text, "hello\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn preserve_fd(mut self, file: impl Into<OwnedFd>) -> Sandbox {
        self.passed.descriptors.push(Arc::new(file.into()));
        self
    }

    fn stream(mut self, number: usize, stream: impl Into<OwnedFd>) -> Sandbox {
        if let Some(slot) = self.streams.get_mut(number) {
            *slot = Some(Arc::new(stream.into()));
        }
        self
    }
}
