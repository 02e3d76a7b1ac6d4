//! Opens the files that grants depend on, only if root alone can have written them (property P6).

use crate::error::{Error, Why};
use core::mem::ManuallyDrop;
use rustix::fd::{AsRawFd, IntoRawFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, openat, readlinkat_raw};
use rustix::io::{Errno, pread, read};
use subroot_idmap::{CONFIG_FILE, Text, distrust, each_line};

const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const CONFIG_DIR: &str = "/etc/subroot";
/// Limits on nested symlinks and on a symlink's length, far above what any host uses.
const MAX_LINKS: u32 = 8;
const MAX_TARGET: usize = 1024;

/// Opens descriptors 0 to 2 if they are closed, so that no later file becomes a standard stream (property
/// P5).
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

/// A regular file owned by root that others cannot write. If it is reached through symlinks, or if it may be
/// missing because someone removed it, every directory and symlink on the way must also be owned by root,
/// including all entries in a sticky directory.
pub(crate) struct TrustedFile {
    path: &'static str,
    /// Closed by exit(2), like every descriptor here: closing each would cost a system call.
    file: ManuallyDrop<OwnedFd>,
    size: u64,
}

impl TrustedFile {
    /// Opens a file by its absolute path; `None` if it does not exist.
    pub(crate) fn open<'m>(path: &'static str) -> Result<Option<TrustedFile>, Error<'m>> {
        match open_trusted(path) {
            Ok((file, size)) => Ok(Some(TrustedFile { path, file: ManuallyDrop::new(file), size })),
            Err(Why::Kernel(Errno::NOENT)) => Ok(None),
            Err(why) => Err(Error::File(path, why)),
        }
    }

    /// Reads the file from its start, up to the size it had when it was opened.
    pub(crate) fn each_line<'m>(
        &self,
        buffer: &mut [u8],
        visit: impl FnMut(u32, &[u8]),
    ) -> Result<(), Error<'m>> {
        let read = |free: &mut [u8], offset| {
            let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
            let wanted = free.len().min(left);
            match free.get_mut(..wanted) {
                Some(free @ [_, ..]) => pread(&*self.file, free, offset),
                _ => Ok(0),
            }
        };
        each_line(buffer, read, visit).map_err(|errno| Error::File(self.path, errno.into()))
    }
}

/// Reads one of the kernel's files about this process. They report a size of 0, so they are read to the end.
pub(crate) fn each_line_of_proc(
    path: &'static str,
    buffer: &mut [u8],
    visit: impl FnMut(u32, &[u8]),
) -> Result<(), Errno> {
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    each_line(buffer, |free, _| read(&file, free), visit)
}

fn open_trusted(path: &'static str) -> Result<(OwnedFd, u64), Why> {
    if path == CONFIG_FILE {
        // Most hosts do not have this directory.
        open(CONFIG_DIR, LOOK, Mode::empty())?;
        return open_walked(path);
    }
    match open(path, READ, Mode::empty()) {
        Ok(file) => trusted_file(file),
        Err(Errno::LOOP) => open_walked(path),
        Err(errno) => Err(Why::Kernel(errno)),
    }
}

fn open_walked(path: &'static str) -> Result<(OwnedFd, u64), Why> {
    let found = walk(open("/", LOOK, Mode::empty())?, path.trim_start_matches('/').as_bytes(), 0)?;
    let mut again = Text::<32>::EMPTY;
    again.push("/proc/self/fd/").push_number(found.as_raw_fd().unsigned_abs());
    trusted_file(open(again.as_bytes(), READ.difference(OFlags::NOFOLLOW), Mode::empty())?)
}

fn trusted_file(file: OwnedFd) -> Result<(OwnedFd, u64), Why> {
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Why::NotRegular);
    }
    trust(&stat)?;
    Ok((file, u64::try_from(stat.st_size).unwrap_or(0)))
}

fn trust(stat: &Stat) -> Result<(), Why> {
    distrust(stat.st_uid, stat.st_mode).map_or(Ok(()), |why| Err(Why::Distrusted(why)))
}

/// Walks a path one component at a time and checks every directory and symlink on the way. Returns the last
/// component, not yet opened for reading.
fn walk(mut dir: OwnedFd, path: &[u8], links: u32) -> Result<OwnedFd, Why> {
    if links > MAX_LINKS {
        return Err(Why::Kernel(Errno::LOOP));
    }
    if path.starts_with(b"/") {
        dir = open("/", LOOK, Mode::empty())?;
    }
    for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        trust(&fstat(&dir)?)?;
        let mut entry = openat(&dir, name, LOOK, Mode::empty())?;
        let found = fstat(&entry)?;
        if FileType::from_raw_mode(found.st_mode) == FileType::Symlink {
            trust(&found)?;
            let mut target = [0_u8; MAX_TARGET];
            let length = readlinkat_raw(&entry, "", &mut target)?;
            entry = walk(dir, target.get(..length).unwrap_or(&[]), links.saturating_add(1))?;
        }
        dir = entry;
    }
    Ok(dir)
}
