//! Everything that can stop a launch, with its exit status and its fix.

use crate::failure::{Failure, Step, reason};
use nix::errno::Errno;
use std::fmt;
use std::path::PathBuf;

/// The exit status when subroot itself failed.
pub(crate) const OWN_FAILURE: u8 = 125;

/// What stopped a launch.
#[derive(Debug)]
pub enum Error {
    /// subroot was started setuid, setgid or with file capabilities.
    Setuid,
    /// The process that started subroot has ended meanwhile.
    Orphaned,
    /// A word that cannot be meant: what it was given for, and why.
    Usage(&'static str, String),
    /// The rootfs.
    Rootfs(PathBuf, Errno),
    /// The source of a mount.
    Source(PathBuf, Errno),
    /// A running sandbox: what it was asked for by, and why it cannot be had.
    Running(String, String),
    /// The kernel made no namespaces.
    Namespaces(Errno),
    /// The mapper that was to be used: which one, and what it said.
    Mapper(PathBuf, String),
    /// No way to the IDs that were asked for was open: why each of them was not.
    Unmapped(String),
    /// The mapper said that the maps are in place, and they are not.
    MapsDiffer(PathBuf, &'static str),
    /// A system call of the parent's: what was being done.
    Parent(&'static str, Errno),
    /// The child failed.
    Start(Failure),
    /// The monitor of a sandbox said why it was not started, and ended with this status.
    Monitored(String, u8),
    /// The child ended without a word before the command was started.
    Vanished,
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Setuid => write!(
                f,
                "starting: subroot runs with the caller's own privilege only, and is installed setuid"
            ),
            Error::Orphaned => write!(f, "starting: the process that started subroot has ended already"),
            Error::Usage(what, why) => write!(f, "reading {what}: {why}"),
            Error::Rootfs(path, errno) => write!(f, "opening rootfs {}: {}", path.display(), reason(*errno)),
            Error::Source(path, errno) => {
                write!(f, "opening the source of a mount, {}: {}", path.display(), reason(*errno))
            }
            Error::Running(name, why) => write!(f, "looking for sandbox {name}: {why}"),
            Error::Namespaces(errno) => write!(f, "creating namespaces: {}", reason(*errno)),
            Error::Mapper(program, said) => write!(f, "mapping IDs with {}: {said}", program.display()),
            Error::Unmapped(why) => write!(f, "mapping IDs: {why}"),
            Error::MapsDiffer(program, file) => {
                write!(
                    f,
                    "mapping IDs with {}: it reported success, but {file} is not as asked",
                    program.display()
                )
            }
            Error::Parent(what, errno) => write!(f, "{what}: {}", reason(*errno)),
            Error::Start(failure) => failure.fmt(f),
            Error::Monitored(why, _) => write!(f, "{why}"),
            Error::Vanished => write!(f, "starting the command: the new process was killed before it could"),
        }
    }
}

impl Error {
    /// The exit status: the table in subroot(1).
    pub fn status(&self) -> u8 {
        match self {
            Error::Start(failure) => match failure.step {
                Step::FindCommand => 127,
                Step::RunCommand | Step::RunInterpreter | Step::RunLoader => 126,
                _ => OWN_FAILURE,
            },
            Error::Monitored(_, status) => *status,
            _ => OWN_FAILURE,
        }
    }

    /// What to do about it, where that is certain.
    pub fn fix(&self) -> Option<String> {
        match self {
            Error::Setuid => {
                Some("chmod u-s,g-s the subroot program and remove its file capabilities".into())
            }
            Error::Orphaned => Some("subroot run --outlive-parent goes on without it".into()),
            Error::Namespaces(errno) => crate::explain::namespaces(*errno),
            _ => None,
        }
    }
}
