//! How a command ended, for callers of the library.

use std::fmt;
use std::process::ExitCode;

/// How a command ended: with an exit status, or by a signal.
///
/// It holds the exit status of `subroot run`, which is 128+N for signal N, as in shells. A command that
/// itself exits with 128+N is therefore reported as ended by that signal.
///
/// ```
/// use subroot::Sandbox;
///
/// let status = Sandbox::host().command(["sh", "-c", "kill -TERM $$"]).spawn()?.wait()?;
/// assert_eq!((status.code(), status.signal(), u8::from(status)), (None, Some(15), 128 + 15));
/// # Ok::<(), subroot::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus(u8);

/// SIGRTMAX.
const LAST_SIGNAL: u8 = 64;

impl ExitStatus {
    /// True for exit status 0.
    pub fn success(self) -> bool {
        self.0 == 0
    }

    /// The exit status; none if a signal ended the command.
    pub fn code(self) -> Option<i32> {
        if self.signal().is_none() { Some(self.0.into()) } else { None }
    }

    /// The signal that ended the command, if one did.
    pub fn signal(self) -> Option<i32> {
        self.0.checked_sub(128).filter(|signal| (1..=LAST_SIGNAL).contains(signal)).map(i32::from)
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.signal() {
            Some(signal) => write!(f, "signal {signal}"),
            None => write!(f, "exit status {}", self.0),
        }
    }
}

/// Converts the exit status of `subroot run`.
impl From<u8> for ExitStatus {
    fn from(status: u8) -> ExitStatus {
        ExitStatus(status)
    }
}

/// The exit status of `subroot run`.
impl From<ExitStatus> for u8 {
    fn from(status: ExitStatus) -> u8 {
        status.0
    }
}

/// The same, for returning from `main`.
impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> ExitCode {
        ExitCode::from(status.0)
    }
}
