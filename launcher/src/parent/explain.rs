//! Why a launch failed, and what to do about it: what diagnose/ finds, and what only a launch can try out.

use crate::causes::Cause;
use crate::diagnose::explain;
use crate::error::Error;
use crate::failure::{Failure, Step};
use crate::parent::layers::overlay_probe;
use crate::sys::standard_error;
use nix::errno::Errno;

/// What stands behind an error, found by looking, if the error itself does not say so.
pub(crate) fn found(error: &Error) -> Option<Cause> {
    match error {
        Error::DiskLayers { .. } => Some(overlay_probe::disk_refused()),
        Error::Start(Failure { step: Step::LayerOnDisk, .. }) => {
            explain::found(error).or_else(|| Some(overlay_probe::disk_refused()))
        }
        Error::Start(Failure { step: Step::LayerRoot, errno: Errno::EOPNOTSUPP, .. }) => {
            explain::found(error).or_else(overlay_probe::kept_elsewhere)
        }
        _ => explain::found(error),
    }
}

impl Error {
    /// What to do about it, if that is certain: one command or one action, in words.
    pub fn fix(&self) -> Option<String> {
        explain::fix(self, found(self).as_ref())
    }
}

/// Why subroot failed, with what stands behind it, and the fix if one is known.
pub(crate) fn lines(error: &Error) -> (String, Option<String>) {
    let found = found(error);
    let why = found.as_ref().map_or_else(|| error.to_string(), |cause| format!("{error} ({cause})"));
    (why, explain::fix(error, found.as_ref()))
}

/// Prints them, the fix on a line of its own; returns the exit status that goes with them.
pub(crate) fn report(error: &Error) -> u8 {
    let (why, fix) = lines(error);
    standard_error::line(&why);
    if let Some(fix) = fix {
        standard_error::line(&format!("fix: {fix}"));
    }
    error.status()
}
