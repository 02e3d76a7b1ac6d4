//! An image on a kernel that mounts no overlays for users.

use crate::diagnose::named::archive;
use crate::diagnose::probes::apparmor;
use crate::error::Error;
use crate::failure::{Failure, Step, reason};
use crate::grants::remedy::quoted::{quoted, quoted_path};
use crate::request::root::Image;
use nix::errno::Errno;
use std::path::Path;

/// The error if the kernel refuses the overlay of an image's layers, which a directory with the same files does
/// not need.
pub(crate) fn error(failure: &Failure, image: &Image) -> Option<Error> {
    let is_refused = matches!(failure.step, Step::LayerRoot | Step::LayerKept | Step::LayerOnDisk)
        && matches!(failure.errno, Errno::EPERM | Errno::ENODEV);
    if !is_refused || apparmor::restricted().is_some() {
        return None;
    }
    let why = format!("the kernel refuses an overlay of its layers: {}", reason(failure.errno));
    Some(Error::Image { name: image.shown.clone(), why, fix: fix(image) })
}

fn fix(image: &Image) -> Option<String> {
    let last = image.shown.rsplit('/').next().unwrap_or(&image.shown).replace([':', '@'], "-");
    let dir = quoted_path(&Path::new(".").join(archive::unused(last.as_ref())));
    let source = quoted(image.source.as_bytes())?;
    Some(format!("subroot import {source} {dir} && subroot run {dir}"))
}
