//! Where the upper layers of those overlays are whose changes are discarded: in memory, or in a directory on disk if a tmpfs takes
//! no user.* attributes, which is how an overlay of a user namespace marks a directory that replaces a removed one.

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

/// Where they are.
pub(crate) enum UpperLayers {
    /// In a tmpfs for each.
    Memory,
    /// In this directory of the host's.
    Disk(OwnedFd),
}

impl UpperLayers {
    /// Opens the directory, if there is one, in this mount namespace: overlayfs takes no upper layer of another one's mounts. The
    /// process must still have the caller's own rights to files: the directory around it is closed to everyone else, and the
    /// caller's ID may not be mapped.
    ///
    /// # Errors
    /// A directory that is no longer the one that the launcher has made.
    pub(crate) fn open(disk: Option<&DiskDir>) -> Result<UpperLayers, Failure> {
        let Some(disk) = disk else { return Ok(UpperLayers::Memory) };
        let opened = disk.open().map(UpperLayers::Disk);
        opened.map_err(Failure::on(Step::LayerOnDisk, disk.path.to_bytes()))
    }

    /// Tries out the directory, if there is one, as not every file system can be an upper layer, and some of those that can lose
    /// removals.
    ///
    /// # Errors
    /// EIO and others of a directory that cannot be used.
    pub(crate) fn try_out(&self) -> Outcome<()> {
        match self {
            UpperLayers::Memory => Ok(()),
            UpperLayers::Disk(dir) => try_out(&new_dir(dir)?),
        }
    }
}

impl DiskDir {
    /// Opens it, wherever another process of the user's has put something else in its place.
    fn open(&self) -> Outcome<OwnedFd> {
        let opened = open(self.path.as_c_str(), LOOK | OFlag::O_NOFOLLOW, Mode::empty())?;
        let found = fstat(&opened)?;
        if (found.st_dev, found.st_ino) == self.identity { Ok(opened) } else { Err(Errno::ESTALE) }
    }
}

/// Checks that a directory takes user.* attributes, which changes nothing: none of this name is there to be replaced.
///
/// # Errors
/// EOPNOTSUPP if it takes none.
pub(crate) fn check_attributes(dir: &OwnedFd) -> Outcome<()> {
    match sys::files::replace_attribute(&descriptor(dir), c"user.subroot") {
        Err(Errno::ENODATA) => Ok(()),
        replaced => replaced,
    }
}

/// Makes a directory with a number as its name.
///
/// # Errors
/// Those of mkdirat(2).
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

/// Removes a directory that has a file in it through an overlay and makes it anew, as package managers do.
///
/// # Errors
/// Those of the overlay's mount; EIO without user.* attributes.
pub(crate) fn try_out(dir: &OwnedFd) -> Outcome<()> {
    for name in ["lower", "lower/dir", "upper", "work"] {
        mkdirat(dir, name, Mode::S_IRWXU)?;
    }
    openat(dir, "lower/dir/file", OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_CLOEXEC, Mode::S_IRUSR)?;
    let look = |name: &str| openat(dir, name, LOOK, Mode::empty());
    let merged = overlay(&[look("lower")?], Some(&(look("upper")?, look("work")?)), &[VOLATILE])?;
    unlinkat(&merged, "dir/file", UnlinkatFlags::NoRemoveDir)?;
    unlinkat(&merged, "dir", UnlinkatFlags::RemoveDir)?;
    mkdirat(&merged, "dir", Mode::S_IRWXU)
}
