//! User namespaces: the one a process is in, its owner and its parent.
#![allow(unsafe_code)] // rustix has no call for the two nsfs questions

use core::ffi::c_void;
use core::mem::ManuallyDrop;
use rustix::fd::{AsFd, FromRawFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, fstat, fstatfs, openat, statat};
use rustix::io::{Errno, Result as Outcome};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

/// NSFS_MAGIC in linux/magic.h.
const NSFS_MAGIC: u64 = 0x6e73_6673;
/// USER_NS_INIT_INO in linux/nsfs.h: the initial user namespace, in which every ID is mapped.
const INITIAL: u64 = 0xEFFF_FFFD;
/// NS_GET_PARENT: ioctl_ns(2).
const PARENT: Opcode = opcode::none(0xb7, 2);
/// NS_GET_OWNER_UID: ioctl_ns(2).
const OWNER_UID: Opcode = opcode::none(0xb7, 4);

/// An open user namespace.
pub(crate) struct UserNamespace(ManuallyDrop<OwnedFd>);

/// Identifies a user namespace: its inode number on nsfs, which exists once per kernel, see namespaces(7).
pub(crate) struct Identity(u64);

impl Identity {
    /// True if this is the mapper's own namespace.
    ///
    /// NS_GET_PARENT returns the initial namespace only to a process in it, so no further check is needed for
    /// it.
    pub(crate) fn is_own(&self) -> Outcome<bool> {
        Ok(self.is_initial() || statat(CWD, "/proc/self/ns/user", AtFlags::empty())?.st_ino == self.0)
    }

    /// True if this is the initial namespace, in which every ID exists.
    pub(crate) fn is_initial(&self) -> bool {
        self.0 == INITIAL
    }
}

impl UserNamespace {
    /// The user namespace of the process with this /proc directory.
    ///
    /// `ns/user` is a magic link to another filesystem, so openat2's RESOLVE_NO_XDEV cannot protect it. A
    /// caller who mounts over it in their own mount namespace can make the mapper look at another of their
    /// namespaces. This harms only the caller: the kernel accepts a map only for a namespace that is a child
    /// of the writer's own (proc_uid_map_write() in kernel/user_namespace.c), and setgroups is opened with
    /// the caller's own rights.
    pub(crate) fn of_process(dir: impl AsFd) -> Outcome<UserNamespace> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let link = openat(dir, "ns/user", flags, Mode::empty())?;
        if u64::try_from(fstatfs(&link)?.f_type) != Ok(NSFS_MAGIC) {
            return Err(Errno::INVAL);
        }
        Ok(UserNamespace(ManuallyDrop::new(link)))
    }

    /// The parent's identity. EPERM if the parent is neither the mapper's own namespace nor a descendant of
    /// it.
    pub(crate) fn parent(&self) -> Outcome<Identity> {
        let descriptor = self.ask(PARENT, &mut 0)?;
        if descriptor < 0 {
            return Err(Errno::BADF);
        }
        // SAFETY: NS_GET_PARENT succeeded, so this is a new descriptor with no other owner.
        let parent = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(descriptor) });
        fstat(&*parent).map(|stat| Identity(stat.st_ino))
    }

    /// The user who created the namespace, as seen in the mapper's own namespace.
    pub(crate) fn owner_uid(&self) -> Outcome<u32> {
        let mut uid = u32::MAX;
        self.ask(OWNER_UID, &mut uid).map(|_| uid)
    }

    fn ask(&self, question: Opcode, answer: &mut u32) -> Outcome<IoctlOutput> {
        // SAFETY: both are ioctls of nsfs, of_process() checked that the file is on nsfs, and neither writes
        // more than a u32.
        unsafe { ioctl(&*self.0, Question { question, answer }) }
    }
}

/// An nsfs ioctl that writes at most one `uid_t` through its pointer.
struct Question<'a> {
    question: Opcode,
    answer: &'a mut u32,
}

// SAFETY: as_ptr points to a u32 that outlives the call. NS_GET_PARENT ignores it; NS_GET_OWNER_UID writes a
// uid_t.
unsafe impl Ioctl for Question<'_> {
    type Output = IoctlOutput;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        self.question
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut *self.answer).cast()
    }

    unsafe fn output_from_ptr(returned: IoctlOutput, _: *mut c_void) -> Outcome<IoctlOutput> {
        Ok(returned)
    }
}
