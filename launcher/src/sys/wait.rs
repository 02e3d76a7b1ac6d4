//! How a process ended: waitid(2).

use crate::sys::Outcome;
use nix::errno::Errno;
use nix::libc::{self, c_int};
use std::fmt;
use std::os::fd::{AsFd, AsRawFd};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By exit(2), with this status.
    Exited(c_int),
    /// By this signal.
    Killed(c_int),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Exited(status) => write!(f, "exit status {status}"),
            Ended::Killed(signal) => write!(f, "signal {signal}"),
        }
    }
}

impl Ended {
    /// As a shell says it: the exit status, or 128 and the signal's number.
    pub(crate) fn status(self) -> u8 {
        let status = match self {
            Ended::Exited(status) => status,
            Ended::Killed(signal) => 128 + signal,
        };
        u8::try_from(status & 0xff).ok().unwrap_or(u8::MAX)
    }
}

/// Reaps the process of a pidfd, waiting for its end.
///
/// # Errors
/// ECHILD when it is no child of this process.
pub(crate) fn wait_for(process: impl AsFd) -> Outcome<Ended> {
    let id = process.as_fd().as_raw_fd().unsigned_abs();
    match wait(libc::P_PIDFD, id, 0)? {
        Some((_, ended)) => Ok(ended),
        None => Err(Errno::ECHILD),
    }
}

/// Reaps a child that has ended, if there is one: its PID, and how it ended.
///
/// # Errors
/// ECHILD when there is no child at all.
pub(crate) fn reap_any() -> Outcome<Option<(i32, Ended)>> {
    wait(libc::P_ALL, 0, libc::WNOHANG)
}

fn wait(kind: libc::idtype_t, id: libc::id_t, flags: c_int) -> Outcome<Option<(i32, Ended)>> {
    // SAFETY: siginfo_t is plain data for which all zeros is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: waitid writes one siginfo_t.
    Errno::result(unsafe { libc::waitid(kind, id, &raw mut info, libc::WEXITED | flags) })?;
    // SAFETY: waitid has filled the fields of a SIGCHLD in, or left all at zero where no child had ended.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    let ended = if info.si_code == libc::CLD_EXITED { Ended::Exited(status) } else { Ended::Killed(status) };
    Ok((pid != 0).then_some((pid, ended)))
}
