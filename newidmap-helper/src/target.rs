//! The process to be mapped, held by descriptors. No PID is kept, so PID reuse cannot redirect a write
//! (property P2).

use crate::error::Error;
use crate::namespace::{Identity, UserNamespace};
use core::mem::ManuallyDrop;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, fstatfs, open, openat, openat2};
use rustix::io::{Errno, Result as Outcome, read};
use subroot_idmap::{TargetArg, Text, parse_number};

/// PROC_SUPER_MAGIC in linux/magic.h.
const PROC_MAGIC: u64 = 0x9fa0;
/// PID_FS_MAGIC in linux/magic.h: a pidfd since Linux 6.9.
const PIDFS_MAGIC: u64 = 0x5049_4446;
/// ANON_INODE_FS_MAGIC in linux/magic.h: a pidfd before Linux 6.9.
const ANON_INODE_MAGIC: u64 = 0x0904_1934;

const NOT_YOURS: &str = "no process of yours";
const NOT_PROCESS: &str = "not an open descriptor of a /proc/PID directory or a pidfd";
const NOT_CHILD: &str = "its user namespace is not a child of yours";
const NOT_OWNER: &str = "its user namespace is not owned by you";
const NEEDS_OPENAT2: &str = "this kernel has no openat2(2), so the target has to be given as a PID";
const NEEDS_FDINFO: &str =
    "before Linux 5.14, it has to be given as a PID or an open /proc/PID directory, not as a pidfd";

const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
/// Resolve below the directory, without following symlinks or crossing mounts.
const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_XDEV);

/// A process of the caller, in a user namespace that the caller owns and whose parent is the mapper's own.
pub(crate) struct Target {
    arg: TargetArg,
    dir: ManuallyDrop<OwnedFd>,
    parent: Identity,
}

impl Target {
    /// Finds the process and checks that it is the caller's. Writes nothing, and opens nothing for writing.
    pub(crate) fn open<'m>(arg: TargetArg, caller_uid: u32) -> Result<Target, Error<'m>> {
        let because = |why| move |errno| unfit(arg, why, errno);
        let dir = ManuallyDrop::new(match arg {
            TargetArg::Pid(pid) => open_process(pid).map_err(because(NOT_YOURS))?,
            TargetArg::Descriptor(number) => {
                open_descriptor(number).map_err(|(why, errno)| unfit(arg, why, errno))?
            }
        });
        let check = |holds, why| if holds { Ok(()) } else { Err(Error::Target(arg, why)) };
        check(fstat(&*dir).map_err(because(NOT_YOURS))?.st_uid == caller_uid, NOT_YOURS)?;
        let namespace = UserNamespace::of_process(&*dir).map_err(because(NOT_YOURS))?;
        let parent = namespace.parent().map_err(because(NOT_CHILD))?;
        check(parent.is_own().map_err(because(NOT_CHILD))?, NOT_CHILD)?;
        check(namespace.owner_uid() == Ok(caller_uid), NOT_OWNER)?;
        Ok(Target { arg, dir, parent })
    }

    /// True if the mapper itself runs in a user namespace other than the initial one.
    pub(crate) fn is_nested(&self) -> bool {
        !self.parent.is_initial()
    }

    /// An error that rejects this target.
    pub(crate) fn unfit<'m>(&self, why: &'static str) -> Error<'m> {
        Error::Target(self.arg, why)
    }

    /// Opens one of the kernel's files about the process for reading and writing.
    pub(crate) fn open_file<'m>(&self, name: &'static str) -> Result<ManuallyDrop<OwnedFd>, Error<'m>> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = match openat2(&*self.dir, name, flags, Mode::empty(), BENEATH) {
            Err(Errno::NOSYS) if matches!(self.arg, TargetArg::Descriptor(_)) => {
                return Err(self.unfit(NEEDS_OPENAT2));
            }
            Err(Errno::NOSYS) => openat(&*self.dir, name, flags, Mode::empty()),
            opened => opened,
        };
        let file = opened.map_err(|errno| unfit(self.arg, NOT_YOURS, errno))?;
        if is_on(&file, &[PROC_MAGIC]) { Ok(ManuallyDrop::new(file)) } else { Err(self.unfit(NOT_YOURS)) }
    }
}

/// Turns a kernel error into a reason to reject the target. Too many open files says nothing about the
/// target.
fn unfit<'m>(arg: TargetArg, why: &'static str, errno: Errno) -> Error<'m> {
    match errno {
        Errno::MFILE | Errno::NFILE => Error::Kernel("opening the target's files", errno),
        _ => Error::Target(arg, why),
    }
}

fn open_process(pid: u32) -> Outcome<OwnedFd> {
    let mut path = Text::<32>::EMPTY;
    path.push("/proc/").push_number(pid);
    let dir = open(path.as_bytes(), LOOK | OFlags::NOFOLLOW | OFlags::DIRECTORY, Mode::empty())?;
    if is_on(&dir, &[PROC_MAGIC]) { Ok(dir) } else { Err(Errno::INVAL) }
}

/// Opens the object that the caller left open as descriptor N: the /proc/PID directory, or the one that a
/// pidfd leads to.
fn open_descriptor(number: u32) -> Result<OwnedFd, (&'static str, Errno)> {
    let mut path = Text::<32>::EMPTY;
    path.push("/proc/self/fd/").push_number(number);
    let object = open(path.as_bytes(), LOOK, Mode::empty()).map_err(|errno| (NOT_PROCESS, errno))?;
    if is_on(&object, &[PROC_MAGIC]) {
        return Ok(object);
    }
    if !is_on(&object, &[PIDFS_MAGIC, ANON_INODE_MAGIC]) {
        return Err((NOT_PROCESS, Errno::INVAL));
    }
    let pid = pid_of_pidfd(number).map_err(|errno| match errno {
        // Before Linux 5.14, the fdinfo of a program with privilege is readable only by root.
        Errno::ACCESS => (NEEDS_FDINFO, errno),
        _ => (NOT_YOURS, errno),
    })?;
    let dir = open_process(pid).map_err(|errno| (NOT_YOURS, errno))?;
    // Check again: if the process still exists, the directory opened in between is its own and not that of a
    // process with a reused PID.
    if pid_of_pidfd(number) == Ok(pid) { Ok(dir) } else { Err((NOT_YOURS, Errno::SRCH)) }
}

/// The `Pid:` line of a pidfd's fdinfo. ESRCH if it is not a pidfd, or if its process has been reaped (-1):
/// pidfd_open(2).
fn pid_of_pidfd(number: u32) -> Outcome<u32> {
    let mut path = Text::<40>::EMPTY;
    path.push("/proc/self/fdinfo/").push_number(number);
    let file = open(path.as_bytes(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut buffer = [0_u8; 512];
    let length = read(&file, &mut buffer)?;
    let mut lines = buffer.get(..length).unwrap_or(&[]).split(|byte| *byte == b'\n');
    let pid = lines.find_map(|line| parse_number(line.strip_prefix(b"Pid:\t")?).ok());
    pid.filter(|pid| *pid != 0).ok_or(Errno::SRCH)
}

fn is_on(file: &OwnedFd, kinds: &[u64]) -> bool {
    fstatfs(file).is_ok_and(|stat| u64::try_from(stat.f_type).is_ok_and(|kind| kinds.contains(&kind)))
}
