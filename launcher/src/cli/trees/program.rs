//! subroot-image, the program that has the code for archives: where it is, and how it is started.

use crate::diagnose::probes;
use crate::error::Error;
use crate::failure::reason_of;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program's name.
const NAME: &str = "subroot-image";
/// Where packages install it.
const BUILT_IN: &str = "/usr/libexec/subroot/subroot-image";
/// Where this program is `bin/subroot`, as the tarball's installer has it.
const BELOW_PREFIX: &str = "libexec/subroot/subroot-image";
/// What the kernel reads at the next execve: proc_pid_attr(5).
const NEXT_PROFILE: &str = "/proc/thread-self/attr/apparmor/exec";

/// A command of subroot-image that the calling thread executes next, by [`CommandExt::exec`].
///
/// [`CommandExt::exec`]: std::os::unix::process::CommandExt::exec
///
/// # Errors
/// It is not installed; the packaged AppArmor profile is in force, but does not lead to that of subroot-image.
pub(crate) fn command_to_execute() -> Result<Command, Error> {
    let program = find().ok_or(Error::NoImageProgram)?;
    choose_profile()?;
    Ok(Command::new(program))
}

/// Beside this program, in its prefix, or where packages install it.
fn find() -> Option<PathBuf> {
    // Error ignored: the installed one is then used.
    let own = env::current_exe().ok();
    let prefix = own.as_deref().and_then(Path::parent).and_then(Path::parent);
    let beside = own.as_deref().map(|own| own.with_file_name(NAME));
    let below = prefix.map(|prefix| prefix.join(BELOW_PREFIX));
    beside.into_iter().chain(below).chain([BUILT_IN.into()]).find(|path| is_there(path))
}

/// A file that cannot be examined counts: executing it then says why.
fn is_there(path: &Path) -> bool {
    // Error ignored: as above.
    path.try_exists().ok() != Some(false)
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
