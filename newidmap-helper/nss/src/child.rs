//! A child process that runs foreign code without capabilities or the caller's descriptors, and for a limited
//! time.

use crate::answer::{NO_ANSWER, Trouble, encode};
use crate::foreign;
use newidmap_helper::Unanswered;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, chdir, close, dup2_stderr, dup2_stdin, dup2_stdout, pipe2, read, write};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use std::fs::read_dir;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// The time limit for all answers to one request together.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// More than the longest answer: a name, or one byte for each of 4,096 ranges.
const MAX_ANSWER: usize = 8 * 1024;

/// Runs `find` in a child and returns the bytes that the child wrote before it ended.
///
/// # Errors
/// The child cannot be created, does not end before the deadline, or writes more than the longest answer.
pub(crate) fn bytes_from_child(
    deadline: Instant,
    find: impl FnOnce() -> Result<Vec<u8>, Trouble>,
) -> Result<Vec<u8>, Unanswered> {
    let no_child = |_| Unanswered("no process or pipe could be made for it");
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(no_child)?;
    let child = foreign::fork(|| tell(&writer, find)).map_err(no_child)?;
    drop(writer);
    let bytes = read_until_end(&reader, child, deadline);
    // The child may only have closed the pipe. It is never waited for, so its PID cannot be reused while this
    // process runs.
    let _already_gone = kill(child, Signal::SIGKILL);
    bytes
}

/// Runs in the child. No foreign code runs before `confine`.
fn tell(writer: &OwnedFd, find: impl FnOnce() -> Result<Vec<u8>, Trouble>) {
    let answer = confine(writer).ok_or(Trouble::Confinement).and_then(|()| find());
    let mut rest = &encode(answer)[..];
    while let Ok(written @ 1..) = write(writer, rest) {
        rest = rest.get(written..).unwrap_or_default();
    }
}

/// Gives up every capability and closes what the caller left open. The child inherits not being dumpable, and
/// giving up capabilities does not change that (prctl(2)): the caller can neither trace it nor open its pipe
/// through /proc.
fn confine(writer: &OwnedFd) -> Option<()> {
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none }).ok()?;
    set_pdeathsig(Signal::SIGKILL).ok()?;
    let null = open("/dev/null", OFlag::O_RDWR, Mode::empty()).ok()?;
    dup2_stdin(&null).and_then(|()| dup2_stdout(&null)).and_then(|()| dup2_stderr(&null)).ok()?;
    drop(null);
    close_all_but(writer.as_raw_fd())?;
    chdir("/").ok()?;
    foreign::clear_environment()
}

/// Closes every descriptor except 0 to 2 and `kept`.
fn close_all_but(kept: RawFd) -> Option<()> {
    let entries = read_dir("/proc/self/fd").ok()?;
    let numbers: Option<Vec<RawFd>> =
        entries.map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    // The list includes the descriptor of the directory itself, which is closed by now.
    numbers?.into_iter().filter(|number| *number > 2 && *number != kept).for_each(|number| {
        let _not_open = close(number);
    });
    Some(())
}

/// Reads until the last writer closes the pipe, or until the child has ended and the pipe is empty. A process
/// that the child started may outlive it and keep the pipe open.
fn read_until_end(reader: &OwnedFd, child: Pid, deadline: Instant) -> Result<Vec<u8>, Unanswered> {
    let ended = foreign::descriptor_of(child);
    let mut bytes = Vec::new();
    while bytes.len() <= MAX_ANSWER {
        let reads = wait(reader, ended.as_ref(), deadline)?;
        let mut chunk = [0_u8; 4096];
        let length = if reads { read(reader, &mut chunk).unwrap_or(0) } else { 0 };
        if length == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(chunk.get(..length).unwrap_or_default());
    }
    Err(NO_ANSWER)
}

/// Waits until there is something to read (true) or the child has ended (false).
fn wait(reader: &OwnedFd, ended: Option<&OwnedFd>, deadline: Instant) -> Result<bool, Unanswered> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Unanswered("no answer within 10 seconds"));
        }
        let mut polled: Vec<PollFd<'_>> = [Some(reader), ended]
            .into_iter()
            .flatten()
            .map(|descriptor| PollFd::new(descriptor.as_fd(), PollFlags::POLLIN))
            .collect();
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        match poll(&mut polled, timeout) {
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(polled.first().and_then(PollFd::any).unwrap_or(false)),
            Err(_) => return Err(Unanswered("its process could not be watched")),
        }
    }
}
