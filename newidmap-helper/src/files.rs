//! The files that grants depend on: opened only if nobody but root can have written them (property P6).

use crate::error::Error;
use core::cell::Cell;
use idmap::{Text, each_line};
use rustix::fd::{AsRawFd, IntoRawFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, openat, readlinkat_raw};
use rustix::io::{Errno, pread};

const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// As many symlinks on the way as the kernel itself follows: path_resolution(7).
const MAX_LINKS: u32 = 40;
const MAX_PATH: usize = 4096;

/// Makes descriptors 0 to 2 valid, so that no file opened later takes the place of a stream (property P5).
pub(crate) fn occupy_standard_descriptors<'m>() -> Result<(), Error<'m>> {
    loop {
        let root = open("/", LOOK, Mode::empty()).map_err(|errno| Error::Kernel("opening /", errno))?;
        let number = root.as_raw_fd();
        let _kept_open = root.into_raw_fd();
        if number > 2 {
            return Ok(());
        }
    }
}

/// A regular file of root's that others can't write, reached only through such folders and links.
pub(crate) struct TrustedFile {
    path: &'static str,
    file: OwnedFd,
    size: u64,
}

/// Why a file was not opened.
enum Refusal {
    Untrusted(&'static str),
    Unreadable(Errno),
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Refusal {
        Refusal::Unreadable(errno)
    }
}

impl TrustedFile {
    /// Opens a file by its absolute path; `None` where there is none.
    pub(crate) fn open<'m>(path: &'static str) -> Result<Option<TrustedFile>, Error<'m>> {
        match open_trusted(path) {
            Ok((file, size)) => Ok(Some(TrustedFile { path, file, size })),
            Err(Refusal::Unreadable(Errno::NOENT)) => Ok(None),
            Err(Refusal::Unreadable(errno)) => Err(Error::Unreadable(path, errno)),
            Err(Refusal::Untrusted(why)) => Err(Error::Untrusted(path, why)),
        }
    }

    /// Reads the file from its beginning, as long as it was when it was opened.
    pub(crate) fn each_line<'m>(
        &self,
        buffer: &mut [u8],
        visit: impl FnMut(u32, &[u8]),
    ) -> Result<(), Error<'m>> {
        let offset = Cell::new(0_u64);
        let read = |free: &mut [u8]| {
            let left = usize::try_from(self.size.saturating_sub(offset.get())).unwrap_or(usize::MAX);
            let wanted = free.len().min(left);
            let fresh = match free.get_mut(..wanted) {
                Some(free) if wanted > 0 => pread(&self.file, free, offset.get())?,
                _ => 0,
            };
            offset.set(offset.get().saturating_add(fresh as u64));
            Ok(fresh)
        };
        each_line(buffer, read, visit).map_err(|errno| Error::Unreadable(self.path, errno))
    }
}

fn open_trusted(path: &'static str) -> Result<(OwnedFd, u64), Refusal> {
    match open(path, READ, Mode::empty()) {
        Ok(file) => trusted_file(file),
        Err(Errno::LOOP) => follow(path.as_bytes()),
        Err(errno) => Err(Refusal::Unreadable(errno)),
    }
}

fn trusted_file(file: OwnedFd) -> Result<(OwnedFd, u64), Refusal> {
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Refusal::Untrusted("not a regular file"));
    }
    owned_by_root_alone(&stat)?;
    Ok((file, u64::try_from(stat.st_size).unwrap_or(0)))
}

fn owned_by_root_alone(stat: &Stat) -> Result<(), Refusal> {
    if stat.st_uid != 0 {
        return Err(Refusal::Untrusted("not owned by root (it, or a folder on the way)"));
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(Refusal::Untrusted("writable by group or others (it, or a folder on the way)"));
    }
    Ok(())
}

/// Walks a path that has symlinks in it one component at a time, holding every folder to the same checks.
fn follow(path: &[u8]) -> Result<(OwnedFd, u64), Refusal> {
    let mut rest = Rest::default();
    rest.prepend(path)?;
    let mut folder = open("/", LOOK, Mode::empty())?;
    let mut links = 0_u32;
    while let Some(name) = rest.next() {
        let entry = openat(&folder, name.as_bytes(), LOOK, Mode::empty())?;
        let stat = fstat(&entry)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink if links == MAX_LINKS => return Err(Refusal::Unreadable(Errno::LOOP)),
            FileType::Symlink => {
                links = links.saturating_add(1);
                let mut buffer = [0_u8; MAX_PATH];
                let length = readlinkat_raw(&entry, "", &mut buffer)?;
                let target = buffer.get(..length).unwrap_or(&[]);
                if target.starts_with(b"/") {
                    folder = open("/", LOOK, Mode::empty())?;
                }
                rest.prepend(target)?;
            }
            FileType::Directory => {
                owned_by_root_alone(&stat)?;
                folder = entry;
            }
            _ if rest.is_done() => {
                return trusted_file(openat(&folder, name.as_bytes(), READ, Mode::empty())?);
            }
            _ => return Err(Refusal::Unreadable(Errno::NOTDIR)),
        }
    }
    Err(Refusal::Untrusted("not a regular file"))
}

/// What is still to be walked of a path, at the end of a buffer, so that a link's target goes before it.
struct Rest {
    path: [u8; MAX_PATH],
    start: usize,
}

impl Default for Rest {
    fn default() -> Rest {
        Rest { path: [0; MAX_PATH], start: MAX_PATH }
    }
}

impl Rest {
    fn prepend(&mut self, target: &[u8]) -> Result<(), Refusal> {
        let too_long = Refusal::Unreadable(Errno::NAMETOOLONG);
        let Some(start) = self.start.checked_sub(target.len().saturating_add(1)) else {
            return Err(too_long);
        };
        match self.path.get_mut(start..self.start) {
            Some([room @ .., separator]) => {
                room.iter_mut().zip(target).for_each(|(free, byte)| *free = *byte);
                *separator = b'/';
            }
            _ => return Err(too_long),
        }
        self.start = start;
        Ok(())
    }

    /// Takes the next component off; `.` and empty ones are passed over.
    fn next(&mut self) -> Option<Text<256>> {
        loop {
            let left = self.path.get(self.start..).filter(|left| !left.is_empty())?;
            let length = left.iter().position(|byte| *byte == b'/').unwrap_or(left.len());
            let component = left.get(..length).unwrap_or(&[]);
            let mut name = Text::default();
            name.push(component);
            self.start = self.start.saturating_add(length).saturating_add(1).min(MAX_PATH);
            if !matches!(component, b"" | b".") {
                return Some(name);
            }
        }
    }

    fn is_done(&self) -> bool {
        self.path.get(self.start..).unwrap_or(&[]).iter().all(|byte| *byte == b'/')
    }
}
