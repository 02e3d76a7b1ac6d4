//! The members of an archive, each with its place in the file: they need no copy.

use crate::error::Error;
use crate::source::bytes::FileBytes;
use crate::source::section::Section;
use crate::tar::archive::Archive;
use crate::tar::member::{Kind, Member};
use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

/// How many members an archive may have: many more than there are layers.
const MOST_MEMBERS: usize = 20_000;
/// How many links to links are followed.
const MOST_LINKS: u32 = 8;
const DIRECTORY: &str = "a directory";

/// The files of an uncompressed tar.
#[derive(Debug)]
pub(crate) struct Members {
    file: Arc<File>,
    names: HashMap<Vec<u8>, Entry>,
}

/// A member.
#[derive(Debug)]
enum Entry {
    /// Its offset and its length.
    File(u64, u64),
    /// Another member, by its name in the archive.
    Link(Vec<u8>),
    /// What cannot be read.
    Other(&'static str),
}

impl Members {
    /// Reads the headers of an archive; its content is skipped.
    ///
    /// # Errors
    /// It cannot be read, is malformed, or has too many members, or two of the same name, of which other programs
    /// read either the first or the last.
    pub(crate) fn of(file: File) -> Result<Members, Error> {
        let reading = |error| Error::Read { error };
        let length = file.metadata().map_err(reading)?.len();
        let file = Arc::new(file);
        let mut archive = Archive::new(FileBytes::new(Arc::clone(&file), length));
        let mut names = HashMap::new();
        while let Some(member) = archive.next_member()? {
            if names.len() >= MOST_MEMBERS {
                return Err(Error::archive(format!("it has more than {MOST_MEMBERS} members")));
            }
            let name = normal(&member.name)
                .ok_or_else(|| Error::entry(&member.name, "the name leads up with .."))?;
            let entry = Entry::of(&member, &name, archive.position())?;
            let is_directory = entry.is_directory();
            if names.insert(name, entry).is_some_and(|other| !(is_directory && other.is_directory())) {
                return Err(Error::entry(&member.name, "two members have this name"));
            }
        }
        Ok(Members { file, names })
    }

    /// The member of this name; `None` if there is none. A link leads to another member: nothing outside of the
    /// archive has a name here.
    ///
    /// # Errors
    /// It is not a regular file.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Section>, Error> {
        let mut found = name.as_bytes();
        for _ in 0..MOST_LINKS {
            match self.names.get(found) {
                Some(Entry::File(offset, length)) => {
                    return Ok(Some(Section::new(Arc::clone(&self.file), *offset, *length)));
                }
                Some(Entry::Link(target)) => found = target,
                Some(Entry::Other(what)) => return Err(Error::image(name, format!("it is {what}"))),
                None if found == name.as_bytes() => return Ok(None),
                None => return Err(Error::image(name, "it is a link to nothing in the archive")),
            }
        }
        Err(Error::image(name, "more than 8 links follow each other"))
    }
}

impl Entry {
    fn of(member: &Member, name: &[u8], position: u64) -> Result<Entry, Error> {
        let outside = || Error::entry(&member.name, "the link leads out of the archive");
        Ok(match &member.kind {
            Kind::File => Entry::File(position, member.stored),
            Kind::HardLink(target) => Entry::Link(normal(target).ok_or_else(outside)?),
            // Of a layer that an image has twice, by docker save.
            Kind::Symlink(target) if !target.starts_with(b"/") => {
                let dir = name.iter().rposition(|byte| *byte == b'/').and_then(|at| name.get(..at));
                let path = [dir.unwrap_or_default(), target].join(&b'/');
                Entry::Link(normal(&path).ok_or_else(outside)?)
            }
            Kind::Symlink(_) => return Err(outside()),
            Kind::Directory => Entry::Other(DIRECTORY),
            Kind::Sparse { .. } => Entry::Other("a sparse file"),
            _ => Entry::Other("not a regular file"),
        })
    }

    fn is_directory(&self) -> bool {
        matches!(self, Entry::Other(DIRECTORY))
    }
}

/// A name without `.`, empty parts, and `..` after another part. `None` if it leads out of the archive.
pub(crate) fn normal(name: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}
