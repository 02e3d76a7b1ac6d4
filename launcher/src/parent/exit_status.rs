//! How a command ended, as a library's caller sees it.

use crate::sys::process::Ended;
use std::fmt;
use std::process::ExitCode;

/// How a command ended: by itself, with an exit status, or by a signal.
///
/// ```
/// use subroot::Sandbox;
///
/// let status = Sandbox::host().command(["sh", "-c", "exit 3"]).spawn()?.wait()?;
/// assert_eq!((status.code(), status.signal(), u8::from(status)), (Some(3), None, 3));
/// # Ok::<(), subroot::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus(pub(crate) Ended);

impl ExitStatus {
    /// True if it ended by itself with exit status 0.
    pub fn success(self) -> bool {
        self.0 == Ended::Exited(0)
    }

    /// Its exit status; none if a signal ended it.
    pub fn code(self) -> Option<i32> {
        match self.0 {
            Ended::Exited(code) => Some(code),
            Ended::Killed(_) => None,
        }
    }

    /// The signal that ended it, if one did.
    pub fn signal(self) -> Option<i32> {
        match self.0 {
            Ended::Exited(_) => None,
            Ended::Killed(signal) => Some(signal),
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As `subroot run` and shells exit: the exit status, or 128 and the signal's number.
impl From<ExitStatus> for u8 {
    fn from(status: ExitStatus) -> u8 {
        status.0.status()
    }
}

/// The same for the end of `main`.
impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> ExitCode {
        ExitCode::from(status.0.status())
    }
}
