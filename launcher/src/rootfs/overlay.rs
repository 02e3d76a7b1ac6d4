//! Overlays: Documentation/filesystems/overlayfs.rst.

use crate::sys::{self, Outcome, legacy_mount};
use nix::errno::Errno;
use nix::unistd::chdir;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd as _, OwnedFd};

/// An option of overlayfs, with its value.
pub(crate) type OverlayOption<'a> = (&'a CStr, Option<&'a CStr>);

/// Skips writing to disk immediately, because the data is discarded at the end:
/// Documentation/filesystems/overlayfs.rst.
pub(crate) const VOLATILE: OverlayOption<'static> = (c"volatile", None);

/// The longest value of an option that fsconfig(2) accepts, in bytes.
const LONGEST_VALUE: usize = 255;

/// Mounts directories over each other, the highest first. They are passed as descriptors' paths, because
/// overlayfs splits a list of paths at every colon and comma.
///
/// # Errors
/// Errors of the mount. overlayfs refuses a directory with mounts below it that this user namespace may not
/// separate from it.
pub(crate) fn overlay(
    lower: &[&OwnedFd],
    upper: Option<&(OwnedFd, OwnedFd)>,
    further: &[OverlayOption<'_>],
) -> Result<OwnedFd, Errno> {
    let path = |dir: &OwnedFd| format!("/proc/self/fd/{}", dir.as_raw_fd());
    let paths: Vec<String> = lower.iter().map(|dir| path(dir)).collect();
    let joined = paths.join(":");
    if joined.len() <= LONGEST_VALUE {
        return Options { further, upper, path }.mount(&[(c"lowerdir", joined)], sys::mount::new_mount);
    }
    // Linux 6.7 and newer.
    let single: Vec<_> = paths.into_iter().map(|path| (c"lowerdir+", path)).collect();
    match (Options { further, upper, path }.mount(&single, sys::mount::new_mount)) {
        Err(Errno::EINVAL) => overlay_by_numbers(lower, upper, further),
        mounted => mounted,
    }
}

/// The same for kernels that take only one list. In that directory a descriptor's path is its number, so that
/// the paths of 500 directories are shorter than a page, which mount(2) accepts.
fn overlay_by_numbers(
    lower: &[&OwnedFd],
    upper: Option<&(OwnedFd, OwnedFd)>,
    further: &[OverlayOption<'_>],
) -> Result<OwnedFd, Errno> {
    chdir(c"/proc/self/fd")?;
    let path = |dir: &OwnedFd| dir.as_raw_fd().to_string();
    let joined = lower.iter().map(|dir| path(dir)).collect::<Vec<_>>().join(":");
    Options { further, upper, path }.mount(&[(c"lowerdir", joined)], legacy_mount::new_mount)
}

/// The options of an overlay, except for its lower directories.
struct Options<'o, P> {
    further: &'o [OverlayOption<'o>],
    upper: Option<&'o (OwnedFd, OwnedFd)>,
    /// The path of a directory.
    path: P,
}

/// Mounts a filesystem of this kind with options and attributes.
type Mounter = fn(&CStr, &[OverlayOption<'_>], u64) -> Outcome<OwnedFd>;

impl<P: Fn(&OwnedFd) -> String> Options<'_, P> {
    fn mount(&self, lower: &[(&CStr, String)], mount: Mounter) -> Outcome<OwnedFd> {
        let c_string = |text: &str| CString::new(text).map_err(|_| Errno::EINVAL);
        let lower: Vec<(&CStr, CString)> =
            lower.iter().map(|(key, value)| Ok((*key, c_string(value)?))).collect::<Outcome<_>>()?;
        let mut options: Vec<OverlayOption<'_>> =
            lower.iter().map(|(key, value)| (*key, Some(value.as_c_str()))).collect();
        options.push((c"userxattr", None));
        options.extend(self.further);
        let (upper_path, work_path);
        if let Some((upper, work)) = self.upper {
            (upper_path, work_path) = (c_string(&(self.path)(upper))?, c_string(&(self.path)(work))?);
            options.push((c"upperdir", Some(upper_path.as_c_str())));
            options.push((c"workdir", Some(work_path.as_c_str())));
        }
        mount(c"overlay", &options, 0)
    }
}
