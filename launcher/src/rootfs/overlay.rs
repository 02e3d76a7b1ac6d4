//! Overlays: Documentation/filesystems/overlayfs.rst.

use crate::sys;
use nix::errno::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd as _, OwnedFd};

/// An option of overlayfs, with its value.
pub(crate) type OverlayOption<'a> = (&'a CStr, Option<&'a CStr>);

/// Skips writing to disk immediately, because the data is discarded at the end:
/// Documentation/filesystems/overlayfs.rst.
pub(crate) const VOLATILE: OverlayOption<'static> = (c"volatile", None);

/// Mounts directories over each other. They are passed as descriptors' paths, because overlayfs splits a list
/// of paths at every colon and comma.
///
/// # Errors
/// Errors of the mount. overlayfs refuses a directory with mounts below it that this user namespace may not
/// separate from it.
pub(crate) fn overlay(
    lower: &[OwnedFd],
    upper: Option<&(OwnedFd, OwnedFd)>,
    further: &[OverlayOption<'_>],
) -> Result<OwnedFd, Errno> {
    let path = |dir: &OwnedFd| format!("/proc/self/fd/{}", dir.as_raw_fd());
    let c_string = |text: String| CString::new(text).map_err(|_| Errno::EINVAL);
    let lower = c_string(lower.iter().map(path).collect::<Vec<_>>().join(":"))?;
    let mut options = vec![(c"lowerdir", Some(lower.as_c_str())), (c"userxattr", None)];
    options.extend(further);
    let (upper_path, work_path);
    if let Some((upper, work)) = upper {
        (upper_path, work_path) = (c_string(path(upper))?, c_string(path(work))?);
        options.push((c"upperdir", Some(upper_path.as_c_str())));
        options.push((c"workdir", Some(work_path.as_c_str())));
    }
    sys::mount::new_mount(c"overlay", &options, 0)
}
