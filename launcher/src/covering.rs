//! A covering layer: a read-only root in memory into which everything of a rootfs is bound, so that it can have mount points
//! without a change to the rootfs.

use crate::device_folder::{make_file, make_folder};
use crate::failure::{Failure, Step};
use crate::kernel::{self, file_kind};
use crate::mount_points::MountPoints;
use crate::new_root::BENEATH;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, openat2, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::symlinkat;
use std::ffi::CStr;
use std::os::fd::OwnedFd;

/// Covers a folder; what is returned is mounted over it and has everything of it.
///
/// # Errors
/// The entry of the root that could not be bound.
pub fn cover(root: &OwnedFd) -> Result<OwnedFd, Failure> {
    let options = [(c"mode", Some(c"0755")), (c"size", Some(c"1m"))];
    let covering = kernel::new_mount(c"tmpfs", &options, nix::libc::MOUNT_ATTR_NOSUID)
        .map_err(Failure::on(Step::Mount, b"/"))?;
    kernel::attach(&covering, root, c"").map_err(Failure::on(Step::Mount, b"/"))?;
    for name in MountPoints::NAMES {
        make_folder(&covering, name)?;
    }
    let entries =
        Dir::openat(root, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
    for entry in entries.map_err(Failure::on(Step::OpenRoot, b""))?.iter() {
        let entry = entry.map_err(Failure::on(Step::OpenRoot, b""))?;
        let name = entry.file_name();
        if name != c"." && name != c".." && !MountPoints::NAMES.contains(&name) {
            carry_over(root, &covering, name)?;
        }
    }
    kernel::set_attributes(&covering, nix::libc::MOUNT_ATTR_RDONLY)
        .map_err(Failure::on(Step::Mount, b"/"))?;
    Ok(covering)
}

fn carry_over(root: &OwnedFd, covering: &OwnedFd, name: &CStr) -> Result<(), Failure> {
    let on = |errno| Failure::new(Step::Mount, name.to_bytes(), errno);
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).resolve(BENEATH);
    let entry = openat2(root, name, how).map_err(on)?;
    match file_kind(&fstat(&entry).map_err(on)?) {
        SFlag::S_IFLNK => {
            let target = readlinkat(root, name).map_err(on)?;
            return symlinkat(target.as_os_str(), covering, name).map_err(on);
        }
        SFlag::S_IFDIR => make_folder(covering, name)?,
        _ => make_file(covering, name).map_err(on)?,
    }
    bind(&entry, covering, name).map_err(on)
}

fn bind(entry: &OwnedFd, covering: &OwnedFd, name: &CStr) -> Result<(), Errno> {
    let tree = kernel::clone_tree(entry, c"")?;
    kernel::set_tree_attributes(&tree, 0, nix::libc::MS_PRIVATE)?;
    kernel::attach(tree, covering, name)
}
