//! Finds files that the mapper would refuse: those that users other than root can write, and those that the
//! caller cannot read.

use crate::causes::{Cause, UNREADABLE, UNREADABLE_DIR, UNTRUSTED};
use crate::error::Error;
use crate::failure::reason_of;
use crate::grants::files::kind_of;
use crate::grants::remedy::quoted::quoted_path;
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access, getuid};
use std::fmt::Display;
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use subroot_idmap::{ACCOUNTS_FILE, CONFIG_FILE, IdKind, NSSWITCH_FILE};

const FILES: [&str; 5] =
    [ACCOUNTS_FILE, NSSWITCH_FILE, CONFIG_FILE, IdKind::Uid.grant_file(), IdKind::Gid.grant_file()];
/// How many symlinks may lead to each other, as in the mapper.
const MAX_LINKS: u32 = 8;

/// Why the mapper refuses a file.
pub(crate) struct Fault {
    /// The file's name as the mapper opens it.
    pub(crate) file: &'static str,
    path: PathBuf,
    flaw: Flaw,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// Not trusted: the reason, and whether the path is a symlink.
    Untrusted(&'static str, bool),
    /// A file that users cannot read, with its mode.
    Closed(u32),
    ClosedDir(u32),
}

impl Fault {
    /// The name of the kind of problem, as in `subroot grants lint --json`.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.flaw {
            Flaw::Untrusted(..) => "not-trusted",
            Flaw::Closed(_) | Flaw::ClosedDir(_) => "not-readable",
        }
    }

    /// True if the mapper reads the file for a map of this kind.
    pub(crate) fn concerns(&self, kind: IdKind) -> bool {
        concerns(self.file, kind)
    }

    /// True if this process cannot read the file.
    pub(crate) fn hides(&self) -> bool {
        matches!(self.flaw, Flaw::Closed(_) | Flaw::ClosedDir(_)) && !getuid().is_root()
    }

    fn fix(&self) -> String {
        let path = quoted_path(&self.path);
        match self.flaw {
            Flaw::Untrusted(_, true) => format!("chown --no-dereference root {path}"),
            Flaw::Untrusted(_, false) => format!("chown root {path} && chmod go-w {path}"),
            Flaw::Closed(_) => format!("chmod 644 {path}"),
            Flaw::ClosedDir(_) => format!("chmod 755 {path}"),
        }
    }

    /// The fault as a cause. Its fix removes all faults, because nothing is granted before the last one is
    /// removed.
    pub(crate) fn cause(&self, all: &[Fault]) -> Cause {
        let who = if getuid().is_root() { "users" } else { "you" };
        let mut fixes: Vec<String> = Vec::new();
        for fix in all.iter().map(Fault::fix) {
            if !fixes.contains(&fix) {
                fixes.push(fix);
            }
        }
        let (path, fix) = (self.path.display(), fixes.join(" && "));
        let values: [(_, &dyn Display); 4] =
            [("file", &self.file), ("path", &path), ("fix", &fix), ("who", &who)];
        let with =
            |kind, name, value: &dyn Display| Cause::new(kind, &[&values[..], &[(name, value)]].concat());
        match self.flaw {
            Flaw::Untrusted(why, _) => with(&UNTRUSTED, "why", &why),
            Flaw::Closed(mode) => with(&UNREADABLE, "mode", &format!("{mode:o}")),
            Flaw::ClosedDir(mode) => with(&UNREADABLE_DIR, "mode", &format!("{mode:o}")),
        }
    }
}

/// True if the mapper reads this file for a map of this kind. It reads only one of the two grant files for
/// each kind.
pub(crate) fn concerns(file: &str, kind: IdKind) -> bool {
    kind_of(file).is_none_or(|of| of == kind)
}

/// The first fault of each file.
///
/// # Errors
/// A file cannot be examined, or is not a regular file.
pub(crate) fn faults() -> Result<Vec<Fault>, Error> {
    let mut found = Vec::new();
    for file in FILES {
        match examine(file) {
            Ok(()) => {}
            Err(Refusal::Fault(path, flaw)) => found.push(Fault { file, path, flaw }),
            Err(Refusal::Unreadable(error)) if error.kind() == ErrorKind::NotFound => {}
            Err(Refusal::Unreadable(error)) => {
                return Err(Error::Unreadable { file: file.into(), why: reason_of(&error) });
            }
            Err(Refusal::NotRegular) => {
                return Err(Error::Unreadable { file: file.into(), why: "not a regular file".into() });
            }
        }
    }
    Ok(found)
}

enum Refusal {
    Fault(PathBuf, Flaw),
    Unreadable(io::Error),
    NotRegular,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Unreadable(error)
    }
}

/// Checks a file as the mapper does. The directories above it are checked only if it is a symlink, and for
/// mapper.conf.
fn examine(file: &'static str) -> Result<(), Refusal> {
    let is_walked = match Path::new(file).parent() {
        // Most hosts do not have the directory /etc/subroot.
        Some(dir) if file == CONFIG_FILE => dir.symlink_metadata().map(|_| true)?,
        _ => Path::new(file).symlink_metadata()?.is_symlink(),
    };
    let path = if is_walked { walk("/".into(), Path::new(file), 0)? } else { file.into() };
    let found = path.symlink_metadata()?;
    if !found.is_file() {
        return Err(Refusal::NotRegular);
    }
    check(&path, &found)
}

fn walk(mut location: PathBuf, path: &Path, links: u32) -> Result<PathBuf, Refusal> {
    if links > MAX_LINKS {
        return Err(io::Error::from(Errno::ELOOP).into());
    }
    for component in path.components() {
        match component {
            Component::RootDir => location = "/".into(),
            Component::CurDir | Component::Prefix(_) => {}
            Component::ParentDir | Component::Normal(_) => {
                check(&location, &location.symlink_metadata()?)?;
                let entry = location.join(component);
                let found = entry.symlink_metadata()?;
                location = if found.is_symlink() {
                    check(&entry, &found)?;
                    walk(location, &entry.read_link()?, links.saturating_add(1))?
                } else {
                    entry
                };
            }
        }
    }
    Ok(location)
}

/// Checks that the mapper trusts the path and that the caller can read it.
fn check(path: &Path, found: &Metadata) -> Result<(), Refusal> {
    let untrusted = subroot_idmap::distrust(found.uid(), found.mode())
        .map(|why| Flaw::Untrusted(why, found.is_symlink()));
    let flaw = untrusted.or_else(|| closed(path, found));
    flaw.map_or(Ok(()), |flaw| Err(Refusal::Fault(path.to_owned(), flaw)))
}

/// The flaw of a path that the caller cannot read or search. For root, which can read everything, it must be
/// open to all users.
fn closed(path: &Path, found: &Metadata) -> Option<Flaw> {
    let mode = found.mode() & 0o7777;
    // Error ignored: any error means that the path is not accessible.
    let is_hidden = |open, how| mode & open == 0 && (getuid().is_root() || access(path, how).is_err());
    if found.is_dir() {
        return is_hidden(0o001, AccessFlags::X_OK).then_some(Flaw::ClosedDir(mode));
    }
    (found.is_file() && is_hidden(0o004, AccessFlags::R_OK)).then_some(Flaw::Closed(mode))
}
