//! What is done after all entries: the attributes of directories, in reverse order, because making a file in a
//! directory changes its time, and needs a mode that allows it.

use crate::apply::attributes::{self, Wanted};
use crate::apply::lookup::Lookup;
use crate::apply::path::InnerPath;
use crate::error::Error;
use crate::tar::member::{Attribute, Time};
use nix::errno::Errno;
use nix::sys::stat::fstat;
use std::collections::HashSet;
use std::os::fd::AsFd as _;

/// How many bytes of paths and lists may be kept until the end.
const MOST_KEPT: usize = 512 << 20;

/// A directory, and what it gets at the end.
pub(crate) struct Directory {
    pub(crate) path: InnerPath,
    /// Its inode: another entry may have replaced it.
    pub(crate) inode: u64,
    /// Its access control lists.
    pub(crate) lists: Vec<Attribute>,
    pub(crate) owner: (u32, u32),
    pub(crate) mode: u32,
    pub(crate) mtime: Time,
}

/// A hard link to an entry that has not come yet.
pub(crate) struct EarlyLink {
    pub(crate) path: InnerPath,
    pub(crate) target: InnerPath,
}

/// Everything that is deferred.
#[derive(Default)]
pub(crate) struct Deferred {
    directories: Vec<Directory>,
    pub(crate) links: Vec<EarlyLink>,
    kept: usize,
}

impl Deferred {
    /// Defers the attributes of a directory.
    ///
    /// # Errors
    /// The archive has more than memory may hold.
    pub(crate) fn add_directory(&mut self, directory: Directory) -> Result<(), Error> {
        let lists: usize = directory.lists.iter().map(|list| list.name.len() + list.value.len()).sum();
        self.keep(size_of::<Directory>() + directory.path.bytes().len() + lists)?;
        self.directories.push(directory);
        Ok(())
    }

    /// Defers a hard link.
    ///
    /// # Errors
    /// The archive has more than memory may hold.
    pub(crate) fn add_link(&mut self, link: EarlyLink) -> Result<(), Error> {
        self.keep(size_of::<EarlyLink>() + link.path.bytes().len() + link.target.bytes().len())?;
        self.links.push(link);
        Ok(())
    }

    fn keep(&mut self, bytes: usize) -> Result<(), Error> {
        self.kept = self.kept.saturating_add(bytes);
        if self.kept > MOST_KEPT {
            return Err(Error::archive("it has more directories than can be kept in memory"));
        }
        Ok(())
    }

    /// Sets the attributes of all directories that still exist. Of two entries for the same directory, the last
    /// one counts. Returns the number of attributes that were not set.
    ///
    /// # Errors
    /// Errors of setting them.
    pub(crate) fn finish(&self, lookup: &Lookup) -> Result<u64, Error> {
        let (mut done, mut lost) = (HashSet::new(), 0);
        for directory in self.directories.iter().rev() {
            if done.insert(directory.inode) {
                lost += finish(directory, lookup)?;
            }
        }
        Ok(lost)
    }
}

fn finish(directory: &Directory, lookup: &Lookup) -> Result<u64, Error> {
    let name = directory.path.bytes();
    let dir = match lookup.open_dir(&directory.path) {
        // A later entry has replaced it.
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(0),
        dir => dir.map_err(Error::applying("opening the directory", name))?,
    };
    let found = fstat(&dir).map_err(Error::applying("examining the directory", name))?;
    if found.st_ino != directory.inode {
        return Ok(0);
    }
    let wanted = Wanted {
        name,
        owner: (directory.owner != (found.st_uid, found.st_gid)).then_some(directory.owner),
        attributes: &directory.lists,
        mode: Some(directory.mode),
        mtime: directory.mtime,
    };
    attributes::set(dir.as_fd(), &wanted)
}
