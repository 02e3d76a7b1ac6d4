//! `--preserve-fds`, and the descriptors of a socket activator: sd_listen_fds(3).

use crate::cli::values::number;
use crate::error::Error;
use crate::request::environment::Environment;
use crate::request::passed::{FIRST_PASSED, Passed};
use crate::sys;
use std::env::var_os;

const OPTION: &str = "--preserve-fds";
const COUNT: &str = "LISTEN_FDS";
/// The activator's variables that describe the caller, or that the command gets in another form.
const VARIABLES: [&str; 4] = ["LISTEN_PID", COUNT, "LISTEN_FDNAMES", "LISTEN_PIDFDID"];

/// Takes over the descriptors that `asked` (the value of the option) and the activator name. Must be called
/// once, before anything else is opened. `own` are the descriptors that other options name.
///
/// # Errors
/// A descriptor is not open or is one of `own`, or the activator's count is invalid.
pub(crate) fn take(asked: Option<u16>, own: &[(&'static str, i32)]) -> Result<Passed, Error> {
    let activation = activation();
    let activated = match activation.first() {
        Some((_, count)) => number::<u16>(count).map_err(|why| Error::Usage { what: COUNT, why })?,
        None => 0,
    };
    let asked = asked.unwrap_or(0);
    let inherited = |at: u16| {
        let (what, descriptor) = (if at < asked { OPTION } else { COUNT }, FIRST_PASSED + i32::from(at));
        let refused = |why: &str| Error::Usage { what, why: format!("descriptor {descriptor} {why}") };
        if let Some((option, _)) = own.iter().find(|(_, number)| *number == descriptor) {
            return Err(refused(&format!("is that of {option}")));
        }
        sys::descriptors::inherited(descriptor).map_err(|_| refused("is not open"))
    };
    let descriptors =
        (0..asked.max(activated)).map(|at| inherited(at).map(Into::into)).collect::<Result<_, _>>()?;
    Ok(Passed { descriptors, activation })
}

/// Removes the activator's variables from an environment that may have been copied from the caller's.
pub(crate) fn remove_variables(passed: &Passed, environment: &mut Environment) {
    if !passed.activation.is_empty() {
        environment.retain(|(name, _)| VARIABLES.iter().all(|variable| name != variable));
    }
}

/// LISTEN_FDS and, if it is set, LISTEN_FDNAMES. Empty if they are not for this process: they are inherited
/// by programs that were not activated.
fn activation() -> Environment {
    let is_ours = |pid: &std::ffi::OsString| number(pid) == Ok(std::process::id());
    if !var_os("LISTEN_PID").as_ref().is_some_and(is_ours) || var_os(COUNT).is_none() {
        return Environment::new();
    }
    let variables = [COUNT, "LISTEN_FDNAMES"].into_iter();
    variables.filter_map(|name| Some((name.into(), var_os(name)?))).collect()
}
