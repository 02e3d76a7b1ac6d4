//! Why a launch failed and how to fix it: the findings of diagnose/, and tests that only the launcher can
//! perform.

use crate::causes::Cause;
use crate::diagnose::explain;
use crate::error::Error;
use crate::failure::{Failure, Step};
use crate::parent::layers::overlay_probe;
use crate::sys::standard_error;
use nix::errno::Errno;

/// The cause of an error, determined by examining the system, if the error itself does not state it.
pub(crate) fn found(error: &Error) -> Option<Cause> {
    match error {
        Error::DiskLayers { .. } => Some(overlay_probe::disk_refused()),
        Error::Start(Failure { step: Step::LayerOnDisk, .. }) => {
            explain::found(error).or_else(|| Some(overlay_probe::disk_refused()))
        }
        Error::Start(failure @ Failure { step: Step::LayerKept, .. }) => {
            explain::found(error).or_else(|| unfit(failure))
        }
        _ => explain::found(error),
    }
}

fn unfit(failure: &Failure) -> Option<Cause> {
    let is_unfit = matches!(failure.errno, Errno::EINVAL | Errno::EOPNOTSUPP);
    is_unfit.then(|| overlay_probe::not_kept(failure.object().as_ref())).flatten()
}

impl Error {
    /// How to fix the error, if that is certain: one command or one action, as text.
    pub fn fix(&self) -> Option<String> {
        explain::fix(self, found(self).as_ref())
    }
}

/// The message with its cause, and the fix if one is known.
pub(crate) fn lines(error: &Error) -> (String, Option<String>) {
    let found = found(error);
    let why = found.as_ref().map_or_else(|| error.to_string(), |cause| format!("{error} ({cause})"));
    (why, explain::fix(error, found.as_ref()))
}

/// Prints the message and the fix, each on its own line. Returns the exit status.
pub(crate) fn report(error: &Error) -> u8 {
    let (why, fix) = lines(error);
    standard_error::line(&why);
    if let Some(fix) = fix {
        standard_error::line(&format!("fix: {fix}"));
    }
    error.status()
}
