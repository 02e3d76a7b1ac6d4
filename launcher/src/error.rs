//! The errors of a launch, with their messages, exit statuses and fixes.

mod network;
mod os_error;

pub use crate::error::network::NetworkError;
pub use crate::error::os_error::{NamespaceFlags, OsError};
use crate::failure::{Failure, OWN_FAILURE, Step};
use crate::sys::standard_error::number_of;
use nix::errno::Errno;
use std::fmt;
use std::path::PathBuf;
use subroot_idmap::IdKind;

/// Why a launch failed. It displays as one line: what was being attempted, on what object, and why it failed.
/// [`Error::fix`] says what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// subroot was started setuid, setgid or with file capabilities.
    Setuid,
    /// The process that started subroot has already ended.
    Orphaned,
    /// The process that started subroot cannot be watched.
    Unwatched(OsError),
    /// The program file of subroot, which the caller owns, cannot be protected from the command.
    Shim(OsError),
    /// A directory is open as this standard stream.
    DirectoryStream(&'static str),
    /// A directory is open as this descriptor, which was to be passed to the command.
    DirectoryPassed(i32),
    /// An invalid value.
    Usage {
        /// The option of `subroot run`, or the file, that has the value.
        what: &'static str,
        /// Why it is invalid.
        why: String,
    },
    /// The grants are unknown, or there are none.
    Grants {
        /// Why.
        why: String,
        /// How to fix it, if that is certain.
        fix: Option<String>,
    },
    /// A required file could not be read.
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The rootfs could not be opened.
    Rootfs {
        /// Its directory.
        path: PathBuf,
        /// The kernel's reason.
        errno: OsError,
    },
    /// The directory of `--overlay=DIR` could not be used.
    Kept {
        /// What was being done with it.
        doing: &'static str,
        /// The directory.
        directory: PathBuf,
        /// The kernel's reason.
        errno: OsError,
    },
    /// Another sandbox is using the directory of `--overlay=DIR`.
    KeptInUse {
        /// The directory.
        directory: PathBuf,
    },
    /// An overlay's changes do not fit in memory, and no directory on disk can hold them.
    DiskLayers {
        /// The directory that was tried.
        path: PathBuf,
        /// Why it cannot be used.
        why: String,
    },
    /// The source of a mount could not be opened.
    Source {
        /// Its path on the host.
        path: PathBuf,
        /// The kernel's reason.
        errno: OsError,
    },
    /// A file that an option names could not be read.
    File {
        /// The option of `subroot run`.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        errno: OsError,
    },
    /// A running sandbox was not found or cannot be entered.
    Running {
        /// The requested name or PID.
        sandbox: String,
        /// Why.
        why: String,
    },
    /// The kernel refused to create the namespaces.
    Namespaces {
        /// The kernel's reason.
        errno: OsError,
        /// The requested namespaces.
        flags: NamespaceFlags,
    },
    /// A running sandbox already has this name.
    NameInUse {
        /// The name.
        name: String,
    },
    /// The lock for a sandbox's name could not be created in any directory.
    Name {
        /// The name.
        name: String,
        /// Why each directory could not be used.
        why: String,
    },
    /// The directory for the records of detached sandboxes cannot be used.
    NoState {
        /// Why.
        why: String,
    },
    /// The record or the log of a detached sandbox cannot be written or removed.
    State {
        /// Its path.
        path: PathBuf,
        /// The kernel's reason.
        errno: OsError,
    },
    /// The record of an ended sandbox with this name is kept.
    RecordKept {
        /// The name.
        name: String,
    },
    /// The record of a running sandbox cannot be removed.
    StillRunning {
        /// The name.
        name: String,
    },
    /// The mapper failed.
    Mapper {
        /// The mapper's path.
        program: PathBuf,
        /// What it printed.
        output: String,
    },
    /// `--userns full` was requested, but fewer IDs can be mapped.
    NotFull {
        /// The numbers of user IDs and group IDs, counted from 0, that can be mapped.
        mapped: [u32; 2],
        /// Why there are no more.
        shortfall: Shortfall,
    },
    /// The requested IDs cannot be mapped.
    NotMapped {
        /// The option that requests them.
        option: &'static str,
        /// Why, if that is known.
        shortfall: Option<Shortfall>,
    },
    /// None of the methods of mapping the requested IDs worked: why each of them failed.
    Unmapped(String),
    /// The mapper reported success, but the maps are not as requested.
    MapsDiffer {
        /// The mapper's path.
        program: PathBuf,
        /// The file that differs: `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
    },
    /// A tree could not be removed or measured.
    Tree {
        /// What was being done with it.
        doing: &'static str,
        /// Its directory.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The image store, or a file in it, cannot be used.
    Store {
        /// Its path.
        path: PathBuf,
        /// Why.
        why: String,
        /// How to fix it, if that is certain.
        fix: Option<String>,
    },
    /// An image cannot be used.
    Image {
        /// Its name.
        name: String,
        /// Why.
        why: String,
        /// How to fix it, if that is certain.
        fix: Option<String>,
    },
    /// subroot-image, which unpacks archives, is not installed.
    NoImageProgram,
    /// A system call of the launcher's own process failed.
    Parent {
        /// What was being done.
        doing: &'static str,
        /// The kernel's reason.
        errno: OsError,
    },
    /// The sandbox could not be connected with the outside.
    Network(NetworkError),
    /// The child reported a failure.
    Start(Failure),
    /// The process that [`Sandbox::spawn`](crate::Sandbox::spawn) created for the launch could not start the
    /// command.
    Monitored {
        /// What was being attempted, on what object, and why it failed.
        why: String,
        /// How to fix it, if that is certain.
        fix: Option<String>,
        /// The exit status that `subroot run` has for this error.
        status: u8,
    },
    /// The child ended before the command was started, without a report.
    Vanished,
}

/// Why fewer IDs can be mapped than a full root needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shortfall {
    /// No valid grant of this kind.
    NotGranted(IdKind),
    /// The mapper is not installed at the path where packages install it.
    MapperMissing(PathBuf),
    /// No mapper is installed.
    NoMapper,
    /// The kernel accepts only some of the ranges.
    Cut {
        /// The kind of ID.
        kind: IdKind,
        /// The number of IDs that it accepts.
        mapped: u32,
        /// The number of IDs that are available.
        total: u32,
        /// True if the available IDs are those of this user namespace, false if they are granted.
        is_nested: bool,
    },
    /// The grants have fewer IDs.
    TooFew,
    /// This user namespace has fewer IDs.
    TooFewHere,
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Setuid => {
                write!(f, "starting: subroot must not run setuid, setgid or with file capabilities")
            }
            Error::Orphaned => write!(f, "starting: the process that started subroot has already ended"),
            Error::Unwatched(errno) => {
                write!(f, "watching the process that started subroot: {}", errno)
            }
            Error::Shim(errno) => {
                write!(f, "protecting subroot's own program file: making a file in memory: {}", errno)
            }
            Error::DirectoryStream(name) => {
                write!(f, "starting: {name} is a directory, through which the command could leave its root")
            }
            Error::DirectoryPassed(number) => write!(
                f,
                "passing descriptor {number}: it is a directory, through which the command could leave its root"
            ),
            Error::Usage { what, why } => write!(f, "reading {what}: {why}"),
            Error::Grants { why, .. } => write!(f, "reading the grants: {why}"),
            Error::Unreadable { file: path, why } => write!(f, "reading {}: {why}", path.display()),
            Error::Rootfs { path, errno } => write!(f, "opening rootfs {}: {}", path.display(), errno),
            Error::Kept { doing, directory, errno } => {
                write!(f, "{doing} the directory of --overlay, {}: {}", directory.display(), errno)
            }
            Error::KeptInUse { directory } => {
                write!(
                    f,
                    "locking the directory of --overlay, {}: another sandbox is using it",
                    directory.display()
                )
            }
            Error::DiskLayers { path, why } => {
                write!(f, "making a directory for the changes of an overlay: {}: {why}", path.display())
            }
            Error::Source { path, errno } => {
                write!(f, "opening the source of a mount, {}: {}", path.display(), errno)
            }
            Error::File { option, path, errno } => {
                write!(f, "reading {option}: {}: {}", path.display(), errno)
            }
            Error::Running { sandbox: name, why } => write!(f, "looking for sandbox {name}: {why}"),
            Error::Namespaces { errno, .. } => write!(f, "creating namespaces: {}", errno),
            Error::NameInUse { name } => {
                write!(f, "reserving the name {name}: a sandbox with that name is already running")
            }
            Error::Name { name, why } => write!(f, "reserving the name {name}: {why}"),
            Error::NoState { why } => write!(f, "opening the directory of detached sandboxes: {why}"),
            Error::State { path, errno } => {
                write!(f, "writing the record of a detached sandbox, {}: {}", path.display(), errno)
            }
            Error::RecordKept { name } => {
                write!(f, "reserving the name {name}: the record of an ended sandbox with that name is kept")
            }
            Error::StillRunning { name } => write!(f, "removing the record of {name}: it is running"),
            Error::Mapper { program, output: said } => {
                write!(f, "mapping IDs with {}: {said}", program.display())
            }
            Error::NotFull { mapped: [uids, gids], .. } => write!(
                f,
                "mapping IDs: --userns full needs the IDs 0 to 65535, and only {} and {} can be mapped",
                number_of(*uids, "user ID"),
                number_of(*gids, "group ID")
            ),
            Error::NotMapped { option, .. } => write!(f, "reading {option}: these IDs are not yours"),
            Error::Unmapped(why) => write!(f, "mapping IDs: {why}"),
            Error::MapsDiffer { program, file } => {
                write!(
                    f,
                    "mapping IDs with {}: it reported success, but {file} is not as requested",
                    program.display()
                )
            }
            Error::Store { path, why, .. } => write!(f, "using the image store: {}: {why}", path.display()),
            Error::Image { name, why, .. } => write!(f, "using image {name}: {why}"),
            Error::NoImageProgram => write!(f, "starting subroot-image: it is not installed"),
            Error::Tree { doing, path, why } => write!(f, "{doing} {}: {why}", path.display()),
            Error::Parent { doing: what, errno } => write!(f, "{what}: {}", errno),
            Error::Network(error) => error.fmt(f),
            Error::Start(failure) => failure.fmt(f),
            Error::Monitored { why, .. } => write!(f, "{why}"),
            Error::Vanished => write!(f, "starting the command: the new process was killed before it could"),
        }
    }
}

impl Error {
    /// The error in a record that a child sent.
    pub(crate) fn reported(record: &[u8]) -> Error {
        let garbled =
            Error::Parent { doing: "reading the new process's report", errno: OsError(Errno::EBADMSG) };
        Failure::receive(record).map_or(garbled, Error::Start)
    }

    /// The exit status: the table in subroot(1).
    pub fn status(&self) -> u8 {
        match self {
            Error::Start(failure) => match failure.step {
                Step::FindCommand => 127,
                Step::RunCommand
                | Step::RunInterpreter
                | Step::RunLoader
                | Step::RunForeign
                | Step::RunNoexec => 126,
                _ => OWN_FAILURE,
            },
            Error::Monitored { status, .. } => *status,
            _ => OWN_FAILURE,
        }
    }
}
