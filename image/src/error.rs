//! What stops an import: each error with its message and, if one is certain, its fix.

use crate::digest::Digest;
use nix::errno::Errno;
use nix::unistd::getuid;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why an archive could not be imported. It displays as one line: what was being attempted, on what object,
/// and why it failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The command line is invalid.
    Usage {
        /// Why.
        why: String,
    },
    /// The archive could not be opened.
    Open {
        /// The archive.
        path: PathBuf,
        /// The kernel's reason.
        error: io::Error,
    },
    /// A directory is not an image.
    Directory {
        /// The directory.
        path: PathBuf,
        /// The transport with which it would be one.
        holds: Option<&'static str>,
    },
    /// The compressed data could not be read.
    Read {
        /// The kernel's or the decompressor's reason.
        error: io::Error,
    },
    /// The archive is compressed, or made, in a way that is not supported.
    Format {
        /// What it is.
        found: &'static str,
        /// A command that makes a supported archive of it, followed by the archive's name.
        convert: Option<&'static str>,
    },
    /// The archive is malformed.
    Archive {
        /// Why.
        why: String,
    },
    /// A file of an image cannot be accepted.
    Image {
        /// Its name in the layout or the archive.
        file: String,
        /// Why.
        why: String,
    },
    /// A layout has no image of this name, or several if no name is wanted.
    Name {
        /// The name.
        wanted: Option<String>,
        /// The names that it has.
        found: Vec<String>,
    },
    /// An index has no image for this machine.
    Platform {
        /// This machine.
        wanted: String,
        /// Those that it has.
        found: Vec<String>,
    },
    /// A layer has another digest than its manifest or configuration says.
    Digest {
        /// What has it: the layer, or its content without compression.
        what: &'static str,
        /// The digest that it has.
        found: Digest,
        /// The digest that it should have.
        wanted: Digest,
    },
    /// An entry cannot be accepted.
    Entry {
        /// Its name.
        name: Vec<u8>,
        /// Why.
        why: String,
    },
    /// The kernel refused a step of an entry.
    Apply {
        /// What was being done.
        doing: &'static str,
        /// The entry's name.
        name: Vec<u8>,
        /// The kernel's reason.
        errno: Errno,
    },
    /// A file cannot be packed.
    Pack {
        /// Its name.
        name: Vec<u8>,
        /// Why.
        why: String,
    },
    /// An entry's owner is not mapped.
    Owner {
        /// The entry's name.
        name: Vec<u8>,
        /// `user` or `group`.
        kind: &'static str,
        /// The ID in the archive.
        id: u64,
    },
    /// The target directory cannot be used.
    Target {
        /// What was being done.
        doing: &'static str,
        /// The directory.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A step in the image store failed.
    Store {
        /// What was being done.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The kernel's reason.
        errno: Errno,
    },
    /// The filesystem of the image store cannot keep what layers need.
    Filesystem {
        /// The store.
        store: PathBuf,
        /// The type of the filesystem.
        kind: String,
        /// What it cannot keep.
        lacks: String,
        /// The kernel's reason.
        errno: Errno,
    },
    /// A request about stored images cannot be fulfilled.
    Images {
        /// What was being done.
        doing: &'static str,
        /// The image.
        name: String,
        /// Why.
        why: String,
        /// A command that fixes it.
        fix: Option<String>,
    },
    /// A registry does not do what was asked.
    Registry {
        /// What was being done.
        doing: &'static str,
        /// The image or the registry.
        name: String,
        /// Why.
        why: String,
        /// A command that fixes it.
        fix: Option<String>,
    },
    /// A signal has ended it.
    Interrupted {
        /// Its number.
        signal: i32,
    },
    /// The process that unpacks could not be prepared.
    Prepare {
        /// What was being done.
        doing: &'static str,
        /// The kernel's reason.
        errno: Errno,
    },
    /// The namespaces could not be created.
    Launch(subroot::Error),
    /// The process that unpacks ended without a report.
    Died {
        /// How it ended.
        status: String,
    },
    /// The process that unpacks reported this.
    Reported {
        /// The message.
        why: String,
        /// What a fix is made of.
        hint: Option<Hint>,
    },
}

/// What a fix of an error is made of. The process that unpacks knows neither the archive's name nor the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// The caller needs this many subordinate IDs.
    Grant(u64),
    /// This command, followed by the archive's name, writes a supported archive.
    Convert(String),
    /// A tar of this directory can be imported.
    Tree(PathBuf),
    /// The same source with this transport.
    Transport(&'static str),
    /// This command.
    Command(String),
    /// The filesystem or the user's quota of it is full: the number of the error.
    Space(i32),
}

impl Error {
    /// Adds the tree to an error of the process that packs, which names only a file of the tree.
    #[must_use]
    pub(crate) fn in_tree(self, doing: &'static str, tree: &Path) -> Error {
        match self {
            Error::Reported { .. } | Error::Died { .. } => {
                Error::Target { doing, path: tree.into(), why: self.to_string() }
            }
            other => other,
        }
    }

    /// What a fix of the error is made of.
    pub(crate) fn hint(&self) -> Option<Hint> {
        match self {
            // As many as most images need, or what this file needs.
            Error::Owner { id, .. } => Some(Hint::Grant(id.saturating_add(1).max(65_536))),
            Error::Format { convert, .. } => convert.map(|command| Hint::Convert(command.to_owned())),
            Error::Directory { holds: Some(kind), .. } => Some(Hint::Transport(kind)),
            Error::Directory { path, holds: None } => Some(Hint::Tree(path.clone())),
            Error::Reported { hint, .. } => hint.clone(),
            Error::Launch(error) => error.fix().map(Hint::Command),
            Error::Images { fix, .. } | Error::Registry { fix, .. } => fix.clone().map(Hint::Command),
            Error::Filesystem { .. } => {
                Some(Hint::Command(format!("export SUBROOT_STORE=/var/tmp/subroot-{}", getuid())))
            }
            Error::Apply { errno, .. } | Error::Prepare { errno, .. } | Error::Store { errno, .. }
                if matches!(errno, Errno::ENOSPC | Errno::EDQUOT) =>
            {
                Some(Hint::Space(*errno as i32))
            }
            _ => None,
        }
    }

    pub(crate) fn archive(why: impl Into<String>) -> Error {
        Error::Archive { why: why.into() }
    }

    pub(crate) fn image(file: &str, why: impl Into<String>) -> Error {
        Error::Image { file: file.to_owned(), why: why.into() }
    }

    pub(crate) fn entry(name: &[u8], why: impl Into<String>) -> Error {
        Error::Entry { name: name.to_vec(), why: why.into() }
    }

    pub(crate) fn packing(name: &[u8], why: impl Into<String>) -> Error {
        Error::Pack { name: if name.is_empty() { b"./".to_vec() } else { name.to_vec() }, why: why.into() }
    }

    /// For `map_err`: a step of an entry that the kernel refused.
    pub(crate) fn applying(doing: &'static str, name: &[u8]) -> impl FnOnce(Errno) -> Error {
        move |errno| Error::Apply { doing, name: name.to_vec(), errno }
    }

    /// For `map_err`: a step of preparing the process.
    pub(crate) fn preparing(doing: &'static str) -> impl FnOnce(Errno) -> Error {
        move |errno| Error::Prepare { doing, errno }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage { why } => write!(f, "reading the command line: {why}"),
            Error::Open { path, error } => write!(f, "opening {}: {}", path.display(), reason(error)),
            Error::Directory { path, holds } => {
                let why = if holds.is_some() { "of an image" } else { "without a manifest of an image" };
                write!(f, "opening {}: it is a directory {why}", path.display())
            }
            Error::Read { error } => write!(f, "reading the archive: {}", reason(error)),
            Error::Format { found, .. } => write!(f, "reading the archive: {found} is not supported"),
            Error::Archive { why } => write!(f, "reading the archive: {why}"),
            Error::Image { file, why } => write!(f, "reading {file}: {why}"),
            Error::Name { wanted: Some(wanted), found } => {
                write!(f, "it has no image {wanted}; it has {}", listed(found))
            }
            Error::Name { wanted: None, found } => {
                write!(f, "it has several images, name one after a colon; it has {}", listed(found))
            }
            Error::Platform { wanted, found } => {
                write!(f, "it has no image for {wanted}; it has {}", listed(found))
            }
            Error::Digest { what, found, wanted } => {
                write!(f, "checking {what}: its digest is {found}, and should be {wanted}")
            }
            Error::Entry { name, why } => write!(f, "unpacking {}: {why}", shown(name)),
            Error::Apply { doing, name, errno } => {
                write!(f, "unpacking {}: {doing}: {}", shown(name), errno_text(*errno))
            }
            Error::Pack { name, why } => write!(f, "reading {}: {why}", shown(name)),
            Error::Owner { name, kind, id } => write!(
                f,
                "unpacking {}: {kind} ID {id} is not mapped; a larger grant keeps it, --squash-ids makes the file yours",
                shown(name)
            ),
            Error::Target { doing, path, why } => write!(f, "{doing} {}: {why}", path.display()),
            Error::Store { doing, path, errno } => {
                write!(f, "{doing} {}: {}", path.display(), errno_text(*errno))
            }
            Error::Filesystem { store, kind, lacks, errno } => write!(
                f,
                "the image store {} is on {kind}, which cannot keep {lacks}: {}",
                store.display(),
                errno_text(*errno)
            ),
            Error::Images { doing, name, why, .. } | Error::Registry { doing, name, why, .. } => {
                write!(f, "{doing} {name}: {why}")
            }
            Error::Interrupted { signal } => write!(f, "interrupted by signal {signal}"),
            Error::Prepare { doing, errno } => {
                write!(f, "preparing to unpack: {doing}: {}", errno_text(*errno))
            }
            Error::Launch(error) => error.fmt(f),
            Error::Died { status } => write!(f, "unpacking: the process that unpacks ended early: {status}"),
            Error::Reported { why, .. } => f.write_str(why),
        }
    }
}

/// The names of what there is.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "none with a name".into() } else { names.join(", ") }
}

/// The name of an entry as text.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The words of strerror(3), without Rust's number of the error.
pub(crate) fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| errno_text(Errno::from_raw(number)))
}

pub(crate) fn errno_text(errno: Errno) -> String {
    errno.desc().to_owned()
}
