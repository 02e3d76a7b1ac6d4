//! The upper layers of overlays whose changes are discarded. They are in memory, or in a directory on disk if
//! a tmpfs does not support user.* attributes. An overlay in a user namespace uses these attributes to mark a
//! directory that replaces a removed one.

use crate::failure::{Failure, Step};
use crate::plan::root::DiskDir;
use crate::rootfs::overlay::{VOLATILE, overlay};
use crate::sys::legacy_mount::descriptor;
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, fstat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::os::fd::OwnedFd;

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// The location of the upper layers.
pub(crate) enum UpperLayers {
    /// A tmpfs for each.
    Memory,
    /// This directory on the host.
    Disk(OwnedFd),
}

impl UpperLayers {
    /// Opens the directory, if there is one, in this mount namespace: overlayfs does not accept an upper
    /// layer from another namespace's mounts. The process must still have the caller's access rights, because
    /// only the caller can enter the parent directory, and the caller's ID may not be mapped.
    ///
    /// # Errors
    /// The directory is not the one that the launcher created.
    pub(crate) fn open(disk: Option<&DiskDir>) -> Result<UpperLayers, Failure> {
        let Some(disk) = disk else { return Ok(UpperLayers::Memory) };
        let opened = disk.open().map(UpperLayers::Disk);
        opened.map_err(Failure::on(Step::LayerOnDisk, disk.path.to_bytes()))
    }

    /// Tests the directory, if there is one: not every filesystem supports upper layers, and some of those
    /// that do lose removals.
    ///
    /// # Errors
    /// EIO and other errors if the directory cannot be used.
    pub(crate) fn try_out(&self) -> Outcome<()> {
        match self {
            UpperLayers::Memory => Ok(()),
            UpperLayers::Disk(dir) => try_out(&new_dir(dir)?),
        }
    }
}

impl DiskDir {
    /// Opens the directory, and checks that no other process of the user has replaced it.
    fn open(&self) -> Outcome<OwnedFd> {
        let opened = open(self.path.as_c_str(), LOOK | OFlag::O_NOFOLLOW, Mode::empty())?;
        let found = fstat(&opened)?;
        if (found.st_dev, found.st_ino) == self.identity { Ok(opened) } else { Err(Errno::ESTALE) }
    }
}

/// Checks that a directory supports user.* attributes. This changes nothing: it replaces an attribute that
/// does not exist.
///
/// # Errors
/// EOPNOTSUPP if they are not supported.
pub(crate) fn check_attributes(dir: &OwnedFd) -> Outcome<()> {
    match sys::files::replace_attribute(&descriptor(dir), c"user.subroot") {
        Err(Errno::ENODATA) => Ok(()),
        replaced => replaced,
    }
}

/// Creates a directory named by a number.
///
/// # Errors
/// Errors of mkdirat(2).
pub(crate) fn new_dir(dir: &OwnedFd) -> Outcome<OwnedFd> {
    for number in 0_u32.. {
        let name = number.to_string();
        match mkdirat(dir, name.as_str(), Mode::S_IRWXU) {
            Err(Errno::EEXIST) => {}
            made => {
                return made
                    .and_then(|()| openat(dir, name.as_str(), LOOK | OFlag::O_NOFOLLOW, Mode::empty()));
            }
        }
    }
    Err(Errno::ENOSPC)
}

/// Through an overlay, removes a directory that contains a file and creates it again, as package managers do.
///
/// # Errors
/// Errors of the overlay's mount; EIO without user.* attributes.
pub(crate) fn try_out(dir: &OwnedFd) -> Outcome<()> {
    for name in ["lower", "lower/dir", "upper", "work"] {
        mkdirat(dir, name, Mode::S_IRWXU)?;
    }
    openat(dir, "lower/dir/file", OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_CLOEXEC, Mode::S_IRUSR)?;
    let look = |name: &str| openat(dir, name, LOOK, Mode::empty());
    let merged = overlay(&[&look("lower")?], Some(&(look("upper")?, look("work")?)), &[VOLATILE])?;
    unlinkat(&merged, "dir/file", UnlinkatFlags::NoRemoveDir)?;
    unlinkat(&merged, "dir", UnlinkatFlags::RemoveDir)?;
    mkdirat(&merged, "dir", Mode::S_IRWXU)
}
