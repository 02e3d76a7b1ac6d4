//! The new root: bound over itself, furnished, pivoted into, and the old one detached, without a privilege of the host's.

use crate::covering;
use crate::device_folder;
use crate::failure::{Failure, Step};
use crate::host_root;
use crate::kernel;
use crate::mount_points::MountPoints;
use crate::plan::Root;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::libc;
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::Mode;
use nix::unistd::{chdir, fchdir, pivot_root};
use std::ffi::CStr;
use std::os::fd::OwnedFd;

/// Below the folder, and through no symlink.
pub const BENEATH: ResolveFlag = ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_SYMLINKS);

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);
const NOSUID_NODEV_NOEXEC: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;

/// Makes `root` the root of this process, which is ID 0 of its own user and mount namespaces.
///
/// proc has to be mounted before the old root is detached: the kernel gives a user namespace a new proc only while the mount
/// namespace still shows one that covers nothing up (mount_too_revealing() in fs/namespace.c).
///
/// # Errors
/// The step that failed.
pub fn enter(root: &Root) -> Result<(), Failure> {
    let root = match root {
        Root::Folder(path) => bind(path)?,
        Root::Host(host) => host_root::attach(host)?,
    };
    mount_proc(&root)?;
    device_folder::mount(&mount_point(&root, c"dev")?)?;
    bind_sys(&root)?;
    pivot(&root)
}

/// Binds the folder, or a covering layer with all that is in it, over itself. It is never more than one mount, so that the one
/// that [`pivot`] finds on top of the new root is the old one.
fn bind(path: &CStr) -> Result<OwnedFd, Failure> {
    let on = |step| Failure::on(step, path.to_bytes());
    let place = open(path, LOOK, Mode::empty()).map_err(on(Step::OpenRoot))?;
    if lacks_mount_points(&place)? {
        covering::cover(&place)
    } else {
        bind_over_itself(&place).map_err(on(Step::BindRoot))
    }
}

/// The tree is made private, so that no mount event of the host's comes in: mount_namespaces(7).
fn bind_over_itself(place: &OwnedFd) -> Result<OwnedFd, Errno> {
    let tree = kernel::clone_tree(place, c"")?;
    kernel::set_tree_attributes(&tree, 0, libc::MS_PRIVATE)?;
    kernel::attach(&tree, place, c"")?;
    Ok(tree)
}

fn lacks_mount_points(root: &OwnedFd) -> Result<bool, Failure> {
    let mut lacking = false;
    for name in MountPoints::NAMES {
        lacking |= match open_folder(root, name) {
            Ok(_) => false,
            Err(Errno::ENOENT) => true,
            // Something of this name that is no folder: a hostile rootfs could lead a mount astray with it.
            Err(errno) => return Err(Failure::new(Step::MountPoint, name.to_bytes(), errno)),
        };
    }
    Ok(lacking)
}

/// Opens a folder directly below the root, not through a symlink.
///
/// # Errors
/// ENOENT, or ENOTDIR for anything that is no folder.
pub fn open_folder(root: &OwnedFd, name: &CStr) -> Result<OwnedFd, Errno> {
    openat2(root, name, OpenHow::new().flags(LOOK | OFlag::O_NOFOLLOW).resolve(BENEATH))
}

fn mount_point(root: &OwnedFd, name: &CStr) -> Result<OwnedFd, Failure> {
    open_folder(root, name).map_err(Failure::on(Step::MountPoint, name.to_bytes()))
}

fn mount_proc(root: &OwnedFd) -> Result<(), Failure> {
    let proc = kernel::new_mount(c"proc", &[], NOSUID_NODEV_NOEXEC);
    let place = mount_point(root, c"proc")?;
    proc.and_then(|proc| kernel::attach(proc, place, c"")).map_err(Failure::on(Step::Mount, b"/proc"))
}

/// The host's own, as a new sysfs belongs to who owns the network namespace; left out where the kernel refuses even that.
fn bind_sys(root: &OwnedFd) -> Result<(), Failure> {
    let place = mount_point(root, c"sys")?;
    let attributes = NOSUID_NODEV_NOEXEC | libc::MOUNT_ATTR_RDONLY;
    let bound = kernel::clone_tree(AT_FDCWD, c"/sys").and_then(|tree| {
        kernel::set_tree_attributes(&tree, attributes, libc::MS_PRIVATE)?;
        kernel::attach(tree, place, c"")
    });
    if let Err(errno) = bound {
        log::debug!("binding /sys: {errno}");
    }
    Ok(())
}

/// `pivot_root(".", ".")` puts the old root on top of the new one, where it is detached: pivot_root(2).
fn pivot(root: &OwnedFd) -> Result<(), Failure> {
    fchdir(root).map_err(Failure::on(Step::Pivot, b""))?;
    pivot_root(".", ".").map_err(Failure::on(Step::Pivot, b""))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(Failure::on(Step::Detach, b""))?;
    chdir("/").map_err(Failure::on(Step::Detach, b""))
}
