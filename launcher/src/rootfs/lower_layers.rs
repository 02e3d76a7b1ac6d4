//! The layers of an image, opened as the lower directories of an overlay.

use crate::failure::{Failure, Step};
use crate::plan::root::RootPlan;
use crate::request::root::LayerDir;
use crate::sys::Outcome;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Opens the layers, the highest first, in this mount namespace: overlayfs does not accept directories of
/// another namespace's mounts. The process must still have the caller's access rights, because only the caller
/// can enter the store, and the caller's ID may not be mapped. Empty if the root is not an image.
///
/// # Errors
/// A layer cannot be opened, or is not the one that the launcher has locked.
pub(crate) fn open_all(plan: &RootPlan) -> Result<Vec<OwnedFd>, Failure> {
    let layers = plan.image().map_or([].as_slice(), |image| &image.layers);
    let opened = |layer: &LayerDir| {
        open_layer(layer).map_err(Failure::on(Step::OpenRoot, layer.path.as_os_str().as_bytes()))
    };
    layers.iter().map(opened).collect()
}

fn open_layer(layer: &LayerDir) -> Outcome<OwnedFd> {
    let opened = open(&layer.path, LOOK, Mode::empty())?;
    let found = fstat(&opened)?;
    if [found.st_dev, found.st_ino] == layer.identity { Ok(opened) } else { Err(Errno::ESTALE) }
}
