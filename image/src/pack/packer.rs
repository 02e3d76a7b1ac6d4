//! Walks a tree, and writes an entry for everything in it, in the order of the names.

use crate::apply::whiteout;
use crate::digest::Hasher;
use crate::error::{Error, reason};
use crate::pack::content;
use crate::pack::merged::{self, Merged, is_opaque, is_whiteout, look};
use crate::pack::reading::{Mapped, opening, read_attributes};
use crate::pack::task::{Counts, Form, PackTask, Packed};
use crate::tar::member::{Kind, Member, Time};
use crate::tar::write::Writer;
use nix::errno::Errno;
use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::{FileStat, SFlag, fstat};
use std::collections::HashMap;
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;

const BUFFER: usize = 1 << 20;
/// The longest name that an import accepts.
const MOST_PATH: usize = 4096;

/// A tar of a tree, while it is made.
pub(crate) struct Packer<W: Write> {
    writer: Writer<Counted<W>>,
    task: PackTask,
    mapped: Mapped,
    /// The first name of each file with several.
    links: HashMap<(u64, u64), Vec<u8>>,
    counts: Counts,
    buffer: Vec<u8>,
}

/// A name in a directory of the tree.
struct Spot<'a> {
    dir: &'a OwnedFd,
    name: &'a CStr,
    path: &'a [u8],
    found: FileStat,
}

impl<W: Write> Packer<W> {
    pub(crate) fn new(output: W, task: PackTask, mapped: Mapped) -> Packer<W> {
        Packer {
            writer: Writer::new(Counted { output, hasher: Hasher::default(), size: 0 }),
            task,
            mapped,
            links: HashMap::new(),
            counts: Counts::default(),
            buffer: vec![0; BUFFER],
        }
    }

    /// Packs everything.
    ///
    /// # Errors
    /// The first file that cannot be read, or the output cannot be written.
    pub(crate) fn pack(mut self, root: &Merged) -> Result<Packed, Error> {
        self.directory(root, b"./")?;
        self.below(root, b"")?;
        let written = self.writer.finish().map_err(|error| writing(&error))?;
        Ok(Packed { counts: self.counts, digest: written.hasher.finish(), size: written.size })
    }

    /// What is in a directory, whose path is empty or ends in a slash.
    fn below(&mut self, dir: &Merged, path: &[u8]) -> Result<(), Error> {
        for (name, tree) in dir.names().map_err(opening(path))? {
            let path = [path, name.to_bytes()].concat();
            if path.len() >= MOST_PATH {
                return Err(Error::packing(&path, "its path is longer than 4096 bytes"));
            }
            let parent = dir.of(tree).map_err(opening(&path))?;
            let found = look(parent, &name).map_err(opening(&path))?;
            let spot = Spot { dir: parent, name: &name, path: &path, found };
            if self.task.form.is_of_overlay() && is_whiteout(&found) {
                self.whiteout(&spot)?;
            } else if merged::kind(&found) == SFlag::S_IFDIR {
                let sub = dir.sub(&name, tree).map_err(opening(&path))?;
                self.check_name(&spot)?;
                let path = [&path[..], b"/"].concat();
                self.directory(&sub, &path)?;
                self.below(&sub, &path)?;
            } else {
                self.file(&spot)?;
            }
        }
        Ok(())
    }

    fn directory(&mut self, dir: &Merged, path: &[u8]) -> Result<(), Error> {
        let top = dir.top().ok_or(Errno::EBADF).map_err(opening(path))?;
        let found = fstat(top).map_err(opening(path))?;
        let mut member = self.mapped.member(path, Kind::Directory, &found)?;
        read_attributes(top, &mut member, &self.task)?;
        self.begin(&member)?;
        if self.task.form == Form::Upper && is_opaque(top).map_err(opening(path))? {
            let path = path.strip_prefix(b"./").unwrap_or(path);
            return self.mark(&[path, whiteout::OPAQUE].concat());
        }
        Ok(())
    }

    /// A layer has a file of a name that begins with `.wh.`, in a merged tree there is nothing.
    fn whiteout(&mut self, spot: &Spot<'_>) -> Result<(), Error> {
        if self.task.form == Form::Layers {
            return Ok(());
        }
        let name = spot.name.to_bytes();
        let above = spot.path.len() - name.len();
        self.mark(&[spot.path.get(..above).unwrap_or_default(), whiteout::PREFIX, name].concat())
    }

    fn mark(&mut self, path: &[u8]) -> Result<(), Error> {
        let (name, kind) = (path.to_vec(), Kind::File);
        let (attributes, mtime) = (Vec::new(), Time::default());
        let (mode, uid, gid, lost_attributes, stored) = (0, 0, 0, 0, 0);
        self.begin(&Member { name, kind, mode, uid, gid, mtime, attributes, lost_attributes, stored })
    }

    fn check_name(&self, spot: &Spot<'_>) -> Result<(), Error> {
        if self.task.form.makes_layer() && spot.name.to_bytes().starts_with(whiteout::PREFIX) {
            return Err(Error::packing(spot.path, "in a layer, a name that begins with .wh. deletes a file"));
        }
        Ok(())
    }

    fn file(&mut self, spot: &Spot<'_>) -> Result<(), Error> {
        match merged::kind(&spot.found) {
            SFlag::S_IFSOCK => self.counts.sockets += 1,
            SFlag::S_IFCHR | SFlag::S_IFBLK => self.counts.devices += 1,
            _ => {
                self.check_name(spot)?;
                return self.linkable(spot);
            }
        }
        Ok(())
    }

    /// A file that can have several names: after the first one, an entry is a hard link to it.
    fn linkable(&mut self, spot: &Spot<'_>) -> Result<(), Error> {
        let found = &spot.found;
        if found.st_nlink > 1 {
            let identity = (found.st_dev, found.st_ino);
            if let Some(first) = self.links.get(&identity) {
                let kind = Kind::HardLink(first.clone());
                return self.begin(&self.mapped.member(spot.path, kind, found)?);
            }
            self.links.insert(identity, spot.path.to_vec());
        }
        match merged::kind(found) {
            SFlag::S_IFLNK => {
                let target = readlinkat(spot.dir, spot.name).map_err(opening(spot.path))?;
                self.begin(&self.mapped.member(spot.path, Kind::Symlink(target.into_vec()), found)?)
            }
            SFlag::S_IFIFO => self.begin(&self.mapped.member(spot.path, Kind::Fifo, found)?),
            _ => self.regular(spot),
        }
    }

    /// A regular file, whose name may have become that of something else.
    fn regular(&mut self, spot: &Spot<'_>) -> Result<(), Error> {
        let file = merged::open(spot.dir, spot.name, OFlag::O_NONBLOCK).map_err(opening(spot.path))?;
        let found = fstat(&file).map_err(opening(spot.path))?;
        if (found.st_dev, found.st_ino) != (spot.found.st_dev, spot.found.st_ino) {
            return Err(Error::packing(spot.path, "it was replaced while it was read"));
        }
        let mut member = self.mapped.member(spot.path, Kind::File, &found)?;
        member.stored = u64::try_from(found.st_size).map_err(|_| opening(spot.path)(Errno::EOVERFLOW))?;
        read_attributes(file.as_fd(), &mut member, &self.task)?;
        self.begin(&member)?;
        self.counts.bytes = self.counts.bytes.saturating_add(member.stored);
        let copied = content::copy(&File::from(file), member.stored, &mut self.buffer, &mut self.writer);
        let shorter = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        match copied {
            Ok(written) => written.map_err(|error| writing(&error)),
            Err(error) if shorter(&error) => {
                Err(Error::packing(spot.path, "it became shorter while it was read"))
            }
            Err(error) => Err(Error::packing(spot.path, reason(&error))),
        }
    }

    fn begin(&mut self, member: &Member) -> Result<(), Error> {
        self.counts.entries += 1;
        self.counts.attributes += member.lost_attributes;
        self.writer.begin(member).map_err(|error| writing(&error))
    }
}

fn writing(error: &io::Error) -> Error {
    Error::Target { doing: "writing", path: "the archive".into(), why: reason(error) }
}

/// An output whose bytes are counted and hashed.
struct Counted<W> {
    output: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.output.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
