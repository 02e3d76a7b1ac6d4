//! A program that runs as long as the sandbox that it connects.

use crate::diagnose::probes;
use crate::failure::reason;
use crate::sys;
use crate::sys::process::Ended;
use crate::sys::program::{Arguments, Lifetime, Program};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::SIGKILL;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{getpid, pipe2, read};
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the program may take until it is ready: many times what it needs.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program and its pipes.
pub(super) struct Started {
    pub(super) process: OwnedFd,
    /// Its standard output: it writes there when it is ready.
    ready: OwnedFd,
    /// Its standard error.
    errors: OwnedFd,
    /// The other end of its standard input, whose end ends slirp4netns.
    _input: OwnedFd,
}

impl Started {
    /// Starts it. The kernel kills it when this process ends.
    ///
    /// # Errors
    /// Why it could not be started.
    pub(super) fn new(path: &Path, arguments: Vec<Vec<u8>>) -> Result<Started, String> {
        start(path, arguments).map_err(reason)
    }

    /// Waits until it writes to its standard output.
    ///
    /// # Errors
    /// It has ended, or does nothing. It is killed then.
    pub(super) fn wait_until_ready(&self) -> Result<(), String> {
        self.wait(PATIENCE)
    }

    fn wait(&self, patience: Duration) -> Result<(), String> {
        match self.is_ready_by(Instant::now() + patience) {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.end();
                Err(format!("it was not ready within {} seconds", patience.as_secs()))
            }
            Err(Errno::EPIPE) => Err(self.ended()),
            Err(errno) => {
                self.end();
                Err(reason(errno))
            }
        }
    }

    /// EPIPE if it has closed its standard output.
    fn is_ready_by(&self, until: Instant) -> Result<bool, Errno> {
        loop {
            let left = until.saturating_duration_since(Instant::now()).as_millis();
            let limit = PollTimeout::try_from(left).ok().unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(self.ready.as_fd(), PollFlags::POLLIN)], limit) {
                Err(Errno::EINTR) => {}
                Ok(0) => return Ok(false),
                polled => {
                    polled?;
                    let length = read(&self.ready, &mut [0; 64])?;
                    return if length == 0 { Err(Errno::EPIPE) } else { Ok(true) };
                }
            }
        }
    }

    /// How it ended, after it has closed its standard output. It may still be running.
    fn ended(&self) -> String {
        let until = Instant::now() + Duration::from_secs(1);
        // Error ignored: it is killed, as one that does not end.
        if !sys::process::ends_by(&self.process, Some(until)).is_ok_and(|has_ended| has_ended) {
            self.end();
            return "it closed its standard output, and did not end".into();
        }
        // Error ignored: it affects only the text of the message.
        let ended = sys::process::wait_for(&self.process).ok().unwrap_or(Ended::Killed(SIGKILL));
        self.why_ended(ended)
    }

    /// Its last line of standard error, or how it ended.
    pub(super) fn why_ended(&self, ended: Ended) -> String {
        let mut said = vec![0; 16 * 1024];
        // Error ignored: it affects only the text of the message.
        let length = read(&self.errors, &mut said).ok().unwrap_or(0);
        said.truncate(length);
        let said = String::from_utf8_lossy(&said);
        last_line(&said).map_or_else(|| format!("it ended with {ended}"), str::to_owned)
    }

    /// Kills and reaps it.
    pub(super) fn end(&self) {
        // Error ignored: it has already ended.
        let _ = sys::process::pidfd_send_signal(&self.process, SIGKILL);
        // Error ignored: it has already been reaped.
        let _ = sys::process::wait_for(&self.process);
    }
}

/// The last line that says something. Older versions of pasta also report each failed write to syslog(3).
fn last_line(said: &str) -> Option<&str> {
    let is_of_log = |line: &&str| line.starts_with("Failed to send ") && line.ends_with(" to syslog");
    said.lines().map(str::trim).rfind(|line| !line.is_empty() && !is_of_log(line))
}

fn start(path: &Path, arguments: Vec<Vec<u8>>) -> Result<Started, Errno> {
    let name = path.as_os_str().as_bytes().to_vec();
    let arguments = std::iter::once(name).chain(arguments).map(CString::new).collect::<Result<Vec<_>, _>>();
    let arguments = arguments.map_err(|_| Errno::EINVAL)?;
    let path = arguments.first().cloned().unwrap_or_default();
    let (stdin, input) = pipe2(OFlag::O_CLOEXEC)?;
    let (ready, stdout) = pipe2(OFlag::O_CLOEXEC)?;
    // The pipe is read only at the end. A full one must not stop the program.
    let (errors, stderr) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    let process = sys::program::start(&Program {
        path: &path,
        arguments: &Arguments::new(arguments),
        environment: &Arguments::new(Vec::new()),
        streams: [&stdin, &stdout, &stderr].map(AsFd::as_fd),
        lifetime: Lifetime::Of(getpid()),
        // The launcher's profile would add that of sandboxed commands, which cannot enter a namespace.
        profile: probes::apparmor::is_own().then_some("exec subroot_network"),
    })?;
    Ok(Started { process, ready, errors, _input: input })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::network::program::Started;
    use nix::errno::Errno;
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn a_program_that_does_nothing_is_killed() {
        let started = Started::new(Path::new("/bin/sleep"), vec![b"1000".to_vec()]).unwrap();
        assert_eq!(started.wait(Duration::ZERO).unwrap_err(), "it was not ready within 0 seconds");
        let left = crate::sys::process::pidfd_send_signal(&started.process, nix::libc::SIGKILL);
        assert_eq!(left.unwrap_err(), Errno::ESRCH);
    }
}
