//! Files: kinds, locks, permissions and attributes.

use crate::sys::Outcome;
use crate::sys::is_unknown;
use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, mknodat};
use nix::sys::utsname::uname;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Checks whether this process may execute an open file, by its effective IDs: faccessat2(2) with
/// AT_EMPTY_PATH. Before Linux 5.8 it checks only whether any user may; execve(2) then reports the rest.
///
/// # Errors
/// EACCES if it may not, also on a noexec mount.
pub(crate) fn may_execute(file: &OwnedFd) -> Outcome<()> {
    let flags = libc::AT_EMPTY_PATH | libc::AT_EACCESS;
    match syscall!(libc::SYS_faccessat2, file.as_raw_fd(), c"".as_ptr(), libc::X_OK, flags) {
        Err(errno) if is_unknown(errno) => match fstat(file)?.st_mode & 0o111 {
            0 => Err(Errno::EACCES),
            _ => Ok(()),
        },
        answered => answered.map(drop),
    }
}

/// The kind of a file: regular, directory, symlink and so on, as in inode(7).
pub(crate) fn file_kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

/// Takes a lock with flock(2), without waiting for a lock of another process.
///
/// # Errors
/// EWOULDBLOCK if another process holds it; other errors if the filesystem has no locks.
pub(crate) fn try_lock(file: impl AsFd, exclusive: bool) -> Outcome<()> {
    let kind = if exclusive { libc::LOCK_EX } else { libc::LOCK_SH };
    syscall!(libc::SYS_flock, file.as_fd().as_raw_fd(), kind | libc::LOCK_NB).map(drop)
}

/// The capabilities(7) that a file gives to a process that executes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileCapabilities {
    /// None.
    None,
    /// These, as a bit set.
    Permitted(u64),
    /// Those of another user namespace's root, which have no effect here.
    Foreign,
}

/// Reads the attribute security.capability. For the root of another user namespace the kernel returns
/// revision 3, or an error.
pub(crate) fn file_capabilities(path: &Path) -> FileCapabilities {
    const REVISION_3: u8 = 3;
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return FileCapabilities::None };
    let mut value = [0_u8; 24];
    let (name, buffer) = (c"security.capability".as_ptr(), value.as_mut_ptr());
    let read = syscall!(libc::SYS_getxattr, path.as_ptr(), name, buffer, value.len());
    match read {
        Ok(_) => {}
        Err(Errno::EOVERFLOW) => return FileCapabilities::Foreign,
        // Error ignored: it affects only the text of the message.
        Err(_) => return FileCapabilities::None,
    }
    let word = |at: usize| {
        value
            .get(at..at.saturating_add(4))
            .and_then(|word| word.try_into().ok())
            .map_or(0, u32::from_le_bytes)
    };
    // struct vfs_ns_cap_data in linux/capability.h: the magic, then permitted and inheritable of the lower
    // and of the upper half.
    match value[3] {
        REVISION_3 => FileCapabilities::Foreign,
        _ => FileCapabilities::Permitted(u64::from(word(4)) | u64::from(word(12)) << 32),
    }
}

/// True if a tmpfs supports user.* attributes. Tests this with a memfd, which is on a tmpfs of the kernel.
///
/// # Errors
/// Errors of memfd_create(2) and fsetxattr(2), except EOPNOTSUPP.
pub(crate) fn memory_takes_attributes() -> Outcome<bool> {
    let file = memfd_create(c"subroot", MFdFlags::MFD_CLOEXEC)?;
    let (name, value) = (c"user.subroot".as_ptr(), c"y".as_ptr());
    match syscall!(libc::SYS_fsetxattr, file.as_raw_fd(), name, value, 1_usize, 0) {
        Err(Errno::EOPNOTSUPP) => Ok(false),
        set => set.map(|_| true),
    }
}

/// Sets an existing attribute to an empty value: setxattr(2) with XATTR_REPLACE.
///
/// # Errors
/// ENODATA if it does not exist; EOPNOTSUPP if the filesystem does not support such attributes.
pub(crate) fn replace_attribute(path: &CStr, name: &CStr) -> Outcome<()> {
    let (path, name, empty) = (path.as_ptr(), name.as_ptr(), c"".as_ptr());
    syscall!(libc::SYS_setxattr, path, name, empty, 0_usize, libc::XATTR_REPLACE).map(drop)
}

/// True if a file has this attribute.
///
/// # Errors
/// EACCES if this process may not read it.
pub(crate) fn has_attribute(path: &CStr, name: &CStr) -> Outcome<bool> {
    let (path, name) = (path.as_ptr(), name.as_ptr());
    match syscall!(libc::SYS_getxattr, path, name, std::ptr::null_mut::<u8>(), 0_usize) {
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(false),
        found => found.map(|_| true),
    }
}

/// Sets an attribute of an open file to an empty value.
///
/// # Errors
/// EOPNOTSUPP if the filesystem does not support such attributes.
pub(crate) fn set_attribute(file: &OwnedFd, name: &CStr) -> Outcome<()> {
    let (file, name, empty) = (file.as_raw_fd(), name.as_ptr(), c"".as_ptr());
    syscall!(libc::SYS_fsetxattr, file, name, empty, 0_usize, 0).map(drop)
}

/// Creates an empty file as a mount point, in one of the sandbox's own filesystems.
///
/// # Errors
/// Errors of mknod(2).
pub(crate) fn make_file(dir: impl AsFd, name: &CStr) -> Outcome<()> {
    // open(2) would leave a descriptor to close.
    mknodat(dir, name, SFlag::S_IFREG, Mode::from_bits_truncate(0o644), 0)
}

/// This host's name, usable as part of a file name: uname(2).
///
/// # Errors
/// Errors of uname(2).
pub(crate) fn host_name_part() -> Outcome<String> {
    Ok(uname()?.nodename().to_string_lossy().replace('/', "-"))
}
