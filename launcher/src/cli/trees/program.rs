//! How subroot-image is started, the program that has the code for archives.

use crate::cli::args::MapperArgs;
use crate::diagnose::probes;
use crate::error::Error;
use crate::failure::reason_of;
use crate::images::program;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// What the kernel reads at the next execve: proc_pid_attr(5).
const NEXT_PROFILE: &str = "/proc/thread-self/attr/apparmor/exec";

/// A command of subroot-image that the calling thread executes next, by [`CommandExt::exec`].
///
/// [`CommandExt::exec`]: std::os::unix::process::CommandExt::exec
///
/// # Errors
/// It is not installed; the packaged AppArmor profile is in force, but does not lead to that of subroot-image.
pub(crate) fn command_to_execute() -> Result<Command, Error> {
    let program = program::find().ok_or(Error::NoImageProgram)?;
    choose_profile()?;
    Ok(Command::new(program))
}

/// The option of subroot-image about the mapper.
pub(super) fn helper(typed: &MapperArgs) -> Option<OsString> {
    let path = typed.helper.as_ref()?;
    Some([OsStr::new("--helper="), path.as_os_str()].into_iter().collect())
}

/// Replaces this process with subroot-image.
///
/// # Errors
/// It is not installed, or cannot be executed.
pub(crate) fn execute(args: Vec<OsString>) -> anyhow::Result<u8> {
    let mut command = command_to_execute()?;
    let error = command.args(args).exec();
    Err(Error::Unreadable { file: command.get_program().into(), why: reason_of(&error) }.into())
}

/// Asks AppArmor for subroot-image's own profile, which may create user namespaces. Without this, the profile of
/// sandboxed commands would be added.
fn choose_profile() -> Result<(), Error> {
    if !probes::apparmor::is_own() {
        return Ok(());
    }
    let refused = |error| Error::Unreadable { file: NEXT_PROFILE.into(), why: reason_of(&error) };
    fs::write(NEXT_PROFILE, "exec subroot_image").map_err(refused)
}
