//! Which of the files that decide about grants the mapper would not take: those that somebody besides root can write.

use crate::error::Error;
use crate::failure::reason_of;
use nix::errno::Errno;
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use subroot_idmap::{ACCOUNTS_FILE, CONFIG_FILE, IdKind, NSSWITCH_FILE};

const FILES: [&str; 5] =
    [ACCOUNTS_FILE, NSSWITCH_FILE, CONFIG_FILE, IdKind::Uid.grant_file(), IdKind::Gid.grant_file()];
/// How deep symlinks may lead to symlinks, as in the mapper.
const MAX_LINKS: u32 = 8;

/// A file that the mapper does not trust.
pub(crate) struct Distrusted {
    /// The file, by the name that the mapper opens.
    pub(crate) file: &'static str,
    /// What is not trusted: the file, or a directory or link that leads to it.
    pub(crate) path: PathBuf,
    /// What is wrong with that.
    pub(crate) why: &'static str,
    is_link: bool,
}

impl Distrusted {
    /// The command that makes it trusted.
    pub(crate) fn fix(&self) -> String {
        let path = self.path.display();
        if self.is_link {
            format!("chown --no-dereference root {path}")
        } else {
            format!("chown root {path} && chmod go-w {path}")
        }
    }
}

/// The files that are not trusted, and why.
///
/// # Errors
/// A file that cannot be looked at, or that is not a regular one.
pub(crate) fn distrust() -> Result<Vec<Distrusted>, Error> {
    let mut found = Vec::new();
    for file in FILES {
        match examine(file) {
            Ok(()) => {}
            Err(Refusal::Untrusted(path, why, is_link)) => {
                found.push(Distrusted { file, path, why, is_link });
            }
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
    Untrusted(PathBuf, &'static str, bool),
    Unreadable(io::Error),
    NotRegular,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Unreadable(error)
    }
}

/// As the mapper does: what leads to a file is looked at if there is a symlink, and for its own settings.
fn examine(file: &'static str) -> Result<(), Refusal> {
    let is_walked = match Path::new(file).parent() {
        // Most hosts have no such directory.
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

fn check(path: &Path, found: &Metadata) -> Result<(), Refusal> {
    match subroot_idmap::distrust(found.uid(), found.mode()) {
        Some(why) => Err(Refusal::Untrusted(path.to_owned(), why, found.is_symlink())),
        None => Ok(()),
    }
}
