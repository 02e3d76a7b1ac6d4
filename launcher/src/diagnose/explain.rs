//! The cause of an error, and its fix.

use crate::causes::{
    COMMAND_MISSING, Cause, FOREIGN, INTERPRETER_MISSING, LOADER_MISSING, NO_TERMINAL, NOEXEC, NOT_EXECUTABLE,
};
use crate::diagnose::named;
use crate::diagnose::probes;
use crate::diagnose::shortfall;
use crate::error::{Error, OsError};
use crate::failure::{Failure, Step};
use nix::errno::Errno;
use nix::unistd::geteuid;

/// The cause of a failure, found by examining the system, if the failure itself does not state it.
pub(crate) fn found(error: &Error) -> Option<Cause> {
    match error {
        Error::Namespaces { errno, flags } => probes::namespaces::refused(errno.0, flags.0),
        Error::Rootfs { path, errno } => named::rootfs(path, errno.0),
        Error::Source { path, errno } | Error::File { path, errno, .. } => named::other(path, errno.0),
        Error::Kept { directory, errno, .. } => named::kept(directory, errno.0),
        Error::Network(error) => probes::network::refused(error),
        Error::Start(failure) => named::start(failure).or_else(|| probes::step::refused(failure)),
        Error::Mapper { program, output: said } => {
            probes::mapper::needs_admin(program, said).or_else(|| probes::apparmor::denied(said))
        }
        Error::NotFull { shortfall, .. } => shortfall::cause(shortfall, None),
        Error::NotMapped { shortfall, .. } => shortfall::cause(shortfall.as_ref()?, None),
        _ => None,
    }
}

/// The fix, if it is certain. `found` is the cause of the error.
pub(crate) fn fix(error: &Error, found: Option<&Cause>) -> Option<String> {
    match error {
        Error::Setuid => Some("chmod u-s,g-s the subroot program and remove its file capabilities".into()),
        Error::Orphaned | Error::Unwatched(_) => {
            Some("use subroot run --outlive-parent, which does not watch that process".into())
        }
        // For root there is no fix: the file is not owned by a different user.
        Error::Shim(_) | Error::Start(Failure { step: Step::RunShim, .. }) => {
            (!geteuid().is_root()).then(|| {
                "install subroot so that its program file belongs to root and only root can write to it"
                    .into()
            })
        }
        Error::Monitored { fix, .. } => fix.clone(),
        Error::Grants { fix, .. } | Error::Store { fix, .. } | Error::Image { fix, .. } => fix.clone(),
        Error::DirectoryStream(name) => Some(format!("redirect {name}, for example to /dev/null")),
        // mktemp is available in every shell environment, and the directory that it creates passes all
        // checks.
        Error::State { path, errno: OsError(Errno::ENOSPC | Errno::EDQUOT) } => {
            Some(format!("remove files from the filesystem of {}", path.display()))
        }
        Error::NoState { .. } | Error::State { .. } => Some("export XDG_STATE_HOME=$(mktemp -d)".into()),
        Error::RecordKept { name } => Some(format!("subroot rm {name}")),
        Error::StillRunning { name } => Some(format!("subroot stop {name}")),
        Error::Name { .. } => Some("export XDG_RUNTIME_DIR=$(mktemp -d)".into()),
        _ => found.map(Cause::fix).or_else(|| implied(error).map(|cause| cause.fix())),
    }
}

/// The cause that the failure itself states.
fn implied(error: &Error) -> Option<Cause> {
    let failure = match error {
        Error::Mapper { program, .. } => return probes::mapper::lacks(program),
        Error::Start(failure) => failure,
        _ => return None,
    };
    let path = std::path::Path::new(failure.object()).display();
    let kind = match (failure.step, failure.errno) {
        (Step::FindCommand, _) => &COMMAND_MISSING,
        (Step::RunInterpreter, _) => &INTERPRETER_MISSING,
        (Step::RunLoader, _) => &LOADER_MISSING,
        (Step::RunForeign, _) => &FOREIGN,
        (Step::RunNoexec, _) => &NOEXEC,
        (Step::RunCommand, Errno::EACCES) => &NOT_EXECUTABLE,
        (Step::BecomeUser | Step::SetGroups, Errno::EPERM) => return Some(probes::grants::no_setgroups()),
        (Step::Terminal, Errno::ENOENT) => &NO_TERMINAL,
        _ => return None,
    };
    Some(Cause::new(kind, &[("path", &path)]))
}
