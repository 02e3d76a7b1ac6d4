//! System calls that neither std nor nix has. The only unsafe code of this program.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc::{self, c_int, c_uint};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// fsetxattr(2).
pub(crate) fn set_attribute(file: impl AsFd, name: &CStr, value: &[u8]) -> Result<(), Errno> {
    let file = file.as_fd().as_raw_fd();
    // SAFETY: the name ends with NUL, and the length is that of the value; the call changes neither.
    let result = unsafe { libc::fsetxattr(file, name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    Errno::result(result).map(drop)
}

/// fremovexattr(2). This is not an error if there is no such attribute, or if the filesystem has none.
pub(crate) fn remove_attribute(file: impl AsFd, name: &CStr) -> Result<(), Errno> {
    // SAFETY: the name ends with NUL, and the call does not change it.
    let result = unsafe { libc::fremovexattr(file.as_fd().as_raw_fd(), name.as_ptr()) };
    match Errno::result(result) {
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(()),
        removed => removed.map(drop),
    }
}

/// fgetxattr(2). `None` if there is no such attribute, or if the filesystem has none.
pub(crate) fn attribute(file: impl AsFd, name: &CStr) -> Result<Option<Vec<u8>>, Errno> {
    let mut value = vec![0_u8; 64 << 10];
    let file = file.as_fd().as_raw_fd();
    // SAFETY: the name ends with NUL, and the length is that of the buffer.
    let result = unsafe { libc::fgetxattr(file, name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    match Errno::result(result) {
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(None),
        length => {
            value.truncate(usize::try_from(length?).map_err(|_| Errno::EINVAL)?);
            Ok(Some(value))
        }
    }
}

/// flistxattr(2). A filesystem without attributes has none.
pub(crate) fn attribute_names(file: impl AsFd) -> Result<Vec<CString>, Errno> {
    let mut names = vec![0_u8; 64 << 10];
    let file = file.as_fd().as_raw_fd();
    // SAFETY: the length is that of the buffer.
    let result = unsafe { libc::flistxattr(file, names.as_mut_ptr().cast(), names.len()) };
    let length = match Errno::result(result) {
        Err(Errno::EOPNOTSUPP) => 0,
        length => usize::try_from(length?).map_err(|_| Errno::EINVAL)?,
    };
    let names = names.get(..length).unwrap_or_default();
    Ok(names
        .split_inclusive(|byte| *byte == 0)
        .filter_map(|name| CString::from_vec_with_nul(name.into()).ok())
        .collect())
}

/// Puts a copy of the mount of the working directory on the working directory, so that it becomes a mount
/// point, and returns it: open_tree(2) and move_mount(2) of Linux 5.2.
pub(crate) fn mount_working_directory() -> Result<OwnedFd, Errno> {
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC;
    // SAFETY: the path is a constant that ends with NUL.
    let tree = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, c".".as_ptr(), flags) };
    let tree = c_int::try_from(Errno::result(tree)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the call has just returned this new descriptor, which has no other owner.
    let tree = unsafe { OwnedFd::from_raw_fd(tree) };
    let (from, flags): (c_int, c_uint) = (tree.as_raw_fd(), libc::MOVE_MOUNT_F_EMPTY_PATH);
    // SAFETY: both paths are constants that end with NUL.
    let moved = unsafe {
        libc::syscall(libc::SYS_move_mount, from, c"".as_ptr(), libc::AT_FDCWD, c".".as_ptr(), flags)
    };
    Errno::result(moved).map(|_| tree)
}

/// Makes writes beyond RLIMIT_FSIZE fail with EFBIG, instead of killing the process with SIGXFSZ.
pub(crate) fn ignore_file_size_signal() {
    // SAFETY: SIG_IGN is not a function of this program.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}
