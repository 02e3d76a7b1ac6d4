//! The host's own system as the new root. All writes go to a private layer in memory, or to one on disk that
//! is removed at the end.
//!
//! The kernel does not let a user namespace copy a mount without the mounts below it, because that could
//! reveal what they cover. So a directory without mounts below it gets one overlay, and any other directory
//! is recreated entry by entry.

use crate::failure::{Failure, Step, detail, reason};
use crate::plan::host_root::HostRoot;
use crate::request::mount::{Attributes, READ_ONLY};
use crate::rootfs::attach::attach_with;
use crate::rootfs::mount_point::NewRoot;
use crate::rootfs::overlay::VOLATILE;
use crate::rootfs::upper_layers::{UpperLayers, new_dir};
use crate::sys;
use crate::sys::files::{file_kind, make_file};
use crate::sys::lookup::open_beneath;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, readlinkat};
use nix::libc;
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, SFlag, fchmodat, fstat, fstatat, mkdirat};
use nix::unistd::{AccessFlags, UnlinkatFlags, faccessat, fchdir, symlinkat, unlinkat};
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::linux::fs::MetadataExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use subroot_idmap::OVERFLOW_ID;

/// The directories that the new root mounts itself.
const REPLACED: [&str; 3] = ["/proc", "/dev", "/sys"];

/// The directory whose files root expects to be able to change in place, and the maximum size of such a file
/// in bytes.
const SETTINGS: &str = "/etc";
const MAX_SETTINGS: u64 = 256 * 1024;

/// Builds the layered system and attaches it over `/` as the new root.
///
/// # Errors
/// The kernel refused a step.
pub(crate) fn attach(host: &HostRoot, upper: &UpperLayers) -> Result<NewRoot, Failure> {
    let on = |errno| Failure::new(Step::LayerHost, b"", errno);
    let root = attach_memory().map_err(on)?;
    let mut layers = Layers::enter(host, upper, &root).map_err(on)?;
    layers.copy(Path::new("/"), &root).map_err(on)?;
    // Writes must go to an overlay, and none could be made.
    if let Some(errno) = layers.refused.filter(|_| layers.made.is_empty()) {
        return Err(on(errno));
    }
    layers.leave(&root).map_err(on)?;
    Ok(NewRoot::new(root).all_in_memory().with_memory(layers.made))
}

/// Attaches an empty filesystem in memory over `/`. Absolute paths still lead to the host's files: the root
/// directory of this process is the covered mount, not the covering one.
///
/// # Errors
/// Errors of the mount.
pub(crate) fn attach_memory() -> Result<OwnedFd, Errno> {
    let root = new_memory()?;
    sys::mount::attach(&root, AT_FDCWD, c"/")?;
    Ok(root)
}

/// The mount point of the layers while overlays are made of them.
const LAYERS: &CStr = c".layers";

fn new_memory() -> Result<OwnedFd, Errno> {
    sys::mount::new_mount(c"tmpfs", &[(c"mode", Some(c"0755"))], libc::MOUNT_ATTR_NODEV)
}

/// The upper directories of all overlays, in one directory.
struct Layers<'a> {
    host: &'a HostRoot,
    upper: &'a UpperLayers,
    layers: OwnedFd,
    /// The devices of the overlays made so far. A host can have more mounts than a process may have descriptors.
    made: Vec<libc::dev_t>,
    /// Why the last directory without an overlay does not have one.
    refused: Option<Errno>,
}

impl<'a> Layers<'a> {
    /// Changes the working directory to the layers, because overlayfs accepts only paths.
    fn enter(host: &'a HostRoot, upper: &'a UpperLayers, root: &OwnedFd) -> Result<Layers<'a>, Errno> {
        let layers = match upper {
            UpperLayers::Disk(dir) => new_dir(dir)?,
            UpperLayers::Memory => {
                let memory = new_memory()?;
                mkdirat(root, LAYERS, Mode::S_IRWXU)?;
                sys::mount::attach(&memory, root, LAYERS)?;
                memory
            }
        };
        fchdir(&layers)?;
        Ok(Layers { host, upper, layers, made: Vec::new(), refused: None })
    }

    /// Detaches the layers. The overlays hold them from now on.
    fn leave(&self, root: &OwnedFd) -> Result<(), Errno> {
        if let UpperLayers::Disk(_) = self.upper {
            return Ok(());
        }
        umount2(".", MntFlags::MNT_DETACH)?;
        unlinkat(root, LAYERS, UnlinkatFlags::RemoveDir)
    }

    /// Recreates a directory of the host, with its entries, in memory.
    fn copy(&mut self, path: &Path, copy: &OwnedFd) -> Result<(), Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut entries = Dir::open(path, flags, Mode::empty())?;
        for entry in entries.iter() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let entry = path.join(name);
            match self.copy_entry(&entry, name, copy) {
                Err(errno) if is_without_overlays(errno) => return Err(errno),
                // Error ignored: an entry that cannot be shown is missing, or is an empty file or directory
                // in memory.
                Err(errno) => detail(|| format!("layering {}: {}", entry.display(), reason(errno))),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn copy_entry(&mut self, path: &Path, name: &OsStr, dir: &OwnedFd) -> Result<(), Errno> {
        let stat = fstatat(AT_FDCWD, path, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let c_name = CString::new(name.as_bytes()).map_err(|_| Errno::EINVAL)?;
        match file_kind(&stat) {
            SFlag::S_IFLNK => return symlinkat(readlinkat(AT_FDCWD, path)?.as_os_str(), dir, name),
            SFlag::S_IFDIR => make_like(dir, name, &stat)?,
            _ => {
                make_file(dir, &c_name)?;
                return attach_read_only(path, dir, &c_name);
            }
        }
        if REPLACED.iter().any(|replaced| path == Path::new(replaced)) || self.host.is_covered(path) {
            return Ok(());
        }
        let mount_point = open_dir(dir, &c_name)?;
        if self.host.has_mounts_below(path) {
            return self.copy(path, &mount_point);
        }
        // Error ignored: a directory that the caller cannot search, such as /root for an ordinary user, is
        // empty and in memory instead.
        if faccessat(AT_FDCWD, path, AccessFlags::R_OK | AccessFlags::X_OK, AtFlags::AT_EACCESS).is_err() {
            return Ok(());
        }
        match self.overlay(path, &stat) {
            Ok(layered) => {
                sys::mount::attach(&layered, mount_point, c"")?;
                self.made.push(fstat(&layered)?.st_dev);
                Ok(())
            }
            Err(errno) if is_without_overlays(errno) => Err(errno),
            // Some directories cannot have an overlay. They are shown read-only.
            Err(errno) => {
                self.refused = Some(errno);
                attach_read_only(path, &mount_point, c"")
            }
        }
    }

    /// Makes an overlay over a directory without mounts below it.
    fn overlay(&mut self, path: &Path, stat: &FileStat) -> Result<OwnedFd, Errno> {
        if path.as_os_str().as_bytes().iter().any(|byte| b",:\\".contains(byte)) {
            return Err(Errno::EINVAL);
        }
        let count = self.made.len();
        let (upper, work) = (format!("upper{count}"), format!("work{count}"));
        make_like(&self.layers, OsStr::new(&upper), stat)?;
        make_like(&self.layers, OsStr::new(&work), stat)?;
        for dir in self.host.dirs.iter().filter_map(|dir| dir.strip_prefix(path).ok()) {
            self.make_beforehand(&path.join(dir), &Path::new(&upper).join(dir))?;
        }
        if path == Path::new(SETTINGS) {
            self.copy_settings(Path::new(&upper))?;
        }
        let c_string = |text: &OsStr| CString::new(text.as_bytes()).map_err(|_| Errno::EINVAL);
        let (lower, upper, work) =
            (c_string(path.as_os_str())?, c_string(upper.as_ref())?, c_string(work.as_ref())?);
        let mut options = vec![
            (c"lowerdir", Some(lower.as_c_str())),
            (c"upperdir", Some(upper.as_c_str())),
            (c"workdir", Some(work.as_c_str())),
            (c"userxattr", None),
        ];
        if let UpperLayers::Disk(_) = self.upper {
            options.push(VOLATILE);
        }
        sys::mount::new_mount(c"overlay", &options, libc::MOUNT_ATTR_NODEV)
    }

    /// Copies files directly in /etc into its layer if their owner has no mapping, so that they can be
    /// written to.
    fn copy_settings(&self, upper: &Path) -> Result<(), Errno> {
        for entry in std::fs::read_dir(SETTINGS).into_iter().flatten().flatten() {
            // Error ignored: the file is shown unchanged.
            let Ok(facts) = entry.metadata() else { continue };
            if facts.is_file() && facts.st_uid() == OVERFLOW_ID && facts.len() <= MAX_SETTINGS {
                // Error ignored: the file is shown unchanged.
                let Ok(text) = std::fs::read(entry.path()) else { continue };
                let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
                let mode = Mode::from_bits_truncate(facts.st_mode() & 0o777);
                let copy = openat(&self.layers, &upper.join(entry.file_name()), flags, mode)?;
                sys::outcome_of(File::from(copy).write_all(&text))?;
            }
        }
        Ok(())
    }

    /// Creates a directory in a layer, if the owner of the host's directory has no mapping.
    fn make_beforehand(&self, original: &Path, copy: &Path) -> Result<(), Errno> {
        match fstatat(AT_FDCWD, original, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) if file_kind(&stat) == SFlag::S_IFDIR && stat.st_uid == OVERFLOW_ID => {
                match make_like(&self.layers, copy.as_os_str(), &stat) {
                    Err(Errno::EEXIST | Errno::ENOENT) => Ok(()),
                    outcome => outcome,
                }
            }
            _ => Ok(()),
        }
    }
}

/// True if this kernel allows no overlay in a user namespace: before Linux 5.11 (EPERM), or without overlayfs
/// (ENODEV).
fn is_without_overlays(errno: Errno) -> bool {
    matches!(errno, Errno::EPERM | Errno::ENODEV)
}

/// Attaches the host's file or directory itself, for which no overlay can be made.
fn attach_read_only(path: &Path, dir: &OwnedFd, name: &CStr) -> Result<(), Errno> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    attach_with(&sys::mount::clone_tree(AT_FDCWD, &path)?, dir, name, Attributes::new(READ_ONLY))
}

/// Creates a directory with the mode of another, whatever the umask.
fn make_like(dir: &OwnedFd, name: &OsStr, stat: &FileStat) -> Result<(), Errno> {
    let mode = Mode::from_bits_truncate(stat.st_mode & 0o7777);
    mkdirat(dir, name, mode)?;
    fchmodat(dir, name, mode, FchmodatFlags::FollowSymlink)
}

fn open_dir(dir: &OwnedFd, name: &CStr) -> Result<OwnedFd, Errno> {
    open_beneath(dir, name, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW)
}
