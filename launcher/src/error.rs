//! Everything that can stop a launch, with its exit status and its fix.

use crate::failure::{Failure, OWN_FAILURE, Step, reason};
use nix::errno::Errno;
use std::fmt;
use std::path::PathBuf;
use subroot_idmap::IdKind;

/// What stopped a launch. In one line, it reads as what was being done, on what, and why that failed; [`Error::fix`] is what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// subroot was started setuid, setgid or with file capabilities.
    Setuid,
    /// The process that started subroot has ended meanwhile.
    Orphaned,
    /// The process that started subroot cannot be watched.
    Unwatched(OsError),
    /// The command cannot be kept away from the program file of subroot, which its user owns.
    Shim(OsError),
    /// A directory is open as this standard stream.
    DirectoryStream(&'static str),
    /// A value that cannot be meant.
    Usage {
        /// The option of `subroot run`, or the file, that it was given by.
        what: &'static str,
        /// Why it cannot be meant.
        why: String,
    },
    /// Grants that cannot be known, or that there are none of.
    Grants {
        /// Why not.
        why: String,
        /// What to do about it, if that is certain.
        fix: Option<String>,
    },
    /// A file that had to be read could not be.
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why not.
        why: String,
    },
    /// The rootfs could not be opened.
    Rootfs {
        /// Its directory.
        path: PathBuf,
        /// The kernel's reason.
        errno: OsError,
    },
    /// The directory of `--overlay=DIR`.
    Kept {
        /// What was being done with it.
        doing: &'static str,
        /// Which one it is.
        directory: PathBuf,
        /// The kernel's reason.
        errno: OsError,
    },
    /// Another sandbox keeps its changes in the directory of `--overlay=DIR`.
    KeptInUse {
        /// Which one it is.
        directory: PathBuf,
    },
    /// No directory on disk holds the changes of an overlay that memory cannot hold.
    DiskLayers {
        /// The directory that was tried.
        path: PathBuf,
        /// Why it does not serve.
        why: String,
    },
    /// The source of a mount could not be opened.
    Source {
        /// Its path on the host.
        path: PathBuf,
        /// The kernel's reason.
        errno: OsError,
    },
    /// A running sandbox was not found, or cannot be entered.
    Running {
        /// The name or PID that was asked for.
        sandbox: String,
        /// Why it cannot be had.
        why: String,
    },
    /// The kernel created no namespaces.
    Namespaces {
        /// Its reason.
        errno: OsError,
        /// The namespaces that were asked for.
        flags: NamespaceFlags,
    },
    /// A running sandbox has this name.
    NameInUse {
        /// The name.
        name: String,
    },
    /// No directory serves for the lock of a sandbox's name.
    Name {
        /// The name.
        name: String,
        /// Why each directory does not serve.
        why: String,
    },
    /// The mapper wrote no maps.
    Mapper {
        /// Which program.
        program: PathBuf,
        /// What it printed.
        output: String,
    },
    /// `--userns full`, and fewer IDs can be mapped.
    NotFull {
        /// How many user IDs and group IDs from 0 up can be mapped.
        mapped: [u32; 2],
        /// Why there are no more.
        shortfall: Shortfall,
    },
    /// IDs were asked for that cannot be mapped.
    NotMapped {
        /// What asks for them.
        option: &'static str,
        /// Why not, if that is known.
        shortfall: Option<Shortfall>,
    },
    /// No way to the IDs that were asked for was open: why each of them was not.
    Unmapped(String),
    /// The mapper reported success, and the maps are not as asked.
    MapsDiffer {
        /// Which program.
        program: PathBuf,
        /// The file that differs: `uid_map`, `gid_map` or `setgroups`.
        file: &'static str,
    },
    /// A system call of the launcher's own process failed.
    Parent {
        /// What was being done.
        doing: &'static str,
        /// The kernel's reason.
        errno: OsError,
    },
    /// The child failed.
    Start(Failure),
    /// The process that [`Sandbox::spawn`](crate::Sandbox::spawn) made for the launch could not start the command.
    Monitored {
        /// What failed, on what, and why.
        why: String,
        /// What to do about it, if that is certain.
        fix: Option<String>,
        /// The exit status of `subroot run` for it.
        status: u8,
    },
    /// The child ended without a word before the command was started.
    Vanished,
}

/// Why fewer IDs can be mapped than a whole root takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shortfall {
    /// Nothing of this kind is granted, or nothing that counts.
    NotGranted(IdKind),
    /// The mapper is not where packages install it.
    MapperMissing(PathBuf),
    /// There is no mapper at all.
    NoMapper,
    /// The kernel takes only some of the ranges.
    Cut {
        /// Of which kind of ID.
        kind: IdKind,
        /// How many IDs it takes.
        mapped: u32,
        /// How many there are.
        total: u32,
        /// True if they are those of this user namespace, false if they are granted ones.
        is_nested: bool,
    },
    /// Fewer are granted.
    TooFew,
    /// This user namespace has fewer.
    TooFewHere,
}

/// The kernel's reason for refusing a system call: errno(3). It is displayed in the words of strerror(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OsError(pub(crate) Errno);

impl OsError {
    /// The number: `ENOENT` and its like.
    pub fn raw_os_error(self) -> i32 {
        self.0 as i32
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&reason(self.0))
    }
}

impl std::error::Error for OsError {}

impl From<OsError> for std::io::Error {
    fn from(error: OsError) -> std::io::Error {
        std::io::Error::from_raw_os_error(error.raw_os_error())
    }
}

/// Kinds of namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamespaceFlags(pub(crate) i32);

impl NamespaceFlags {
    /// The flags of clone(2): `CLONE_NEWUSER` and its like.
    pub fn bits(self) -> i32 {
        self.0
    }
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
            Error::Unwatched(errno) => {
                write!(f, "watching the process that started subroot: {}", errno)
            }
            Error::Shim(errno) => {
                write!(f, "protecting subroot's own program file: making a file in memory: {}", errno)
            }
            Error::DirectoryStream(name) => {
                write!(f, "starting: {name} is a directory, through which the command could leave its root")
            }
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
                    "locking the directory of --overlay, {}: another sandbox keeps its changes in it",
                    directory.display()
                )
            }
            Error::DiskLayers { path, why } => {
                write!(f, "making a directory for the changes of an overlay: {}: {why}", path.display())
            }
            Error::Source { path, errno } => {
                write!(f, "opening the source of a mount, {}: {}", path.display(), errno)
            }
            Error::Running { sandbox: name, why } => write!(f, "looking for sandbox {name}: {why}"),
            Error::Namespaces { errno, .. } => write!(f, "creating namespaces: {}", errno),
            Error::NameInUse { name } => {
                write!(f, "reserving the name {name}: a sandbox of that name is running already")
            }
            Error::Name { name, why } => write!(f, "reserving the name {name}: {why}"),
            Error::Mapper { program, output: said } => {
                write!(f, "mapping IDs with {}: {said}", program.display())
            }
            Error::NotFull { mapped: [uids, gids], .. } => write!(
                f,
                "mapping IDs: --userns full needs the IDs 0 to 65535, and only {uids} user IDs and {gids} group IDs can be mapped"
            ),
            Error::NotMapped { option, .. } => write!(f, "reading {option}: these IDs are not yours"),
            Error::Unmapped(why) => write!(f, "mapping IDs: {why}"),
            Error::MapsDiffer { program, file } => {
                write!(
                    f,
                    "mapping IDs with {}: it reported success, but {file} is not as asked",
                    program.display()
                )
            }
            Error::Parent { doing: what, errno } => write!(f, "{what}: {}", errno),
            Error::Start(failure) => failure.fmt(f),
            Error::Monitored { why, .. } => write!(f, "{why}"),
            Error::Vanished => write!(f, "starting the command: the new process was killed before it could"),
        }
    }
}

impl Error {
    /// What a child has reported: a record of its failure.
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
