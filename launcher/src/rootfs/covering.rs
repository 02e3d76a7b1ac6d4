//! A covering layer: a read-only directory in memory with bind mounts of everything in another directory. It
//! can have mount points that the other directory lacks, without changing that directory.

use crate::failure::{Failure, Step};
use crate::request::mount::Attributes;
use crate::rootfs::attach::{Reach, attach_with, make_read_only};
use crate::rootfs::dev::make_dir;
use crate::sys;
use crate::sys::files::{file_kind, make_file};
use crate::sys::lookup::open_beneath;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, readlinkat};
use nix::libc;
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, fstat, mkdirat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use nix::unistd::symlinkat;
use std::ffi::{CStr, CString, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The mode of directories above a mount point: `rwxr-xr-x`.
const DIR_MODE: Mode = Mode::from_bits_truncate(0o755);

/// A missing mount point: its names relative to a directory.
pub(crate) struct MissingPoint {
    /// The names, outermost first.
    pub(crate) names: Vec<OsString>,
    /// What is created under the last name.
    pub(crate) kind: PointKind,
}

/// What is created in a directory in memory.
pub(crate) enum PointKind {
    /// A directory with this mode.
    Dir(Mode),
    /// An empty file.
    File,
    /// A symbolic link with this text. It is no mount point, but is created where one would be.
    Symlink(CString),
}

impl PointKind {
    /// A mount point for a directory or for a file.
    pub(crate) fn of(is_dir: bool) -> PointKind {
        if is_dir { PointKind::Dir(DIR_MODE) } else { PointKind::File }
    }
}

/// The names of a path in the sandbox.
pub(crate) fn names_of(path: &Path) -> Vec<OsString> {
    path.strip_prefix("/").ok().unwrap_or(path).iter().map(ToOwned::to_owned).collect()
}

/// The path that these names are in the sandbox, if the directory is its root.
fn path_of(names: &[OsString]) -> PathBuf {
    Path::new("/").iter().chain(names.iter().map(OsString::as_os_str)).collect()
}

/// Covers a directory. The returned directory is mounted over it, and has everything in it and also the
/// missing mount points.
///
/// # Errors
/// The entry of the directory that could not be bound.
pub(crate) fn cover(mount_point: &OwnedFd, missing: &[MissingPoint]) -> Result<OwnedFd, Failure> {
    let on_root = |errno| Failure::new(Step::Mount, b"/", errno);
    refuse_proc(mount_point, missing)?;
    let mode = CString::new(format!("{:o}", fstat(mount_point).map_err(on_root)?.st_mode & 0o7777))
        .map_err(|_| on_root(Errno::EINVAL))?;
    let options = [(c"mode", Some(mode.as_c_str())), (c"size", Some(c"1m"))];
    let covering = sys::mount::new_mount(c"tmpfs", &options, libc::MOUNT_ATTR_NOSUID).map_err(on_root)?;
    sys::mount::attach(&covering, mount_point, c"").map_err(on_root)?;
    for point in missing {
        make_point(&covering, point)?;
    }
    let entries =
        Dir::openat(mount_point, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty());
    for entry in entries.map_err(Failure::on(Step::OpenRoot, b""))?.iter() {
        let entry = entry.map_err(Failure::on(Step::OpenRoot, b""))?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            carry_over(mount_point, &covering, name)?;
        }
    }
    make_read_only(&covering, Reach::Mount).map_err(on_root)?;
    Ok(covering)
}

/// Refuses to cover /proc, whose entries change and belong to the kernel.
fn refuse_proc(dir: &OwnedFd, missing: &[MissingPoint]) -> Result<(), Failure> {
    let path = missing.first().map(|point| path_of(&point.names)).unwrap_or_default();
    let on = |errno| Failure::new(Step::MountPoint, path.as_os_str().as_bytes(), errno);
    match fstatfs(dir).map_err(on)?.filesystem_type() {
        PROC_SUPER_MAGIC => Err(on(Errno::ENOENT)),
        _ => Ok(()),
    }
}

/// Creates a mount point, and the directories above it, in a directory in memory. It never leaves that
/// directory, whatever the names are.
///
/// # Errors
/// The name that could not be created.
pub(crate) fn make_point(dir: &OwnedFd, point: &MissingPoint) -> Result<(), Failure> {
    let mut candidate: Option<OwnedFd> = None;
    for (at, name) in point.names.iter().enumerate() {
        let on = |errno| {
            let path = path_of(point.names.get(..=at).unwrap_or_default());
            Failure::new(Step::MountPoint, path.as_os_str().as_bytes(), errno)
        };
        let name = CString::new(name.as_bytes()).map_err(|_| on(Errno::EINVAL))?;
        let parent = candidate.as_ref().unwrap_or(dir);
        let is_last = at + 1 == point.names.len();
        let mode = match &point.kind {
            PointKind::File if is_last => return make_file(parent, &name).or_else(unless_there).map_err(on),
            PointKind::Symlink(text) if is_last => {
                return symlinkat(text.as_c_str(), parent, name.as_c_str()).or_else(unless_there).map_err(on);
            }
            PointKind::Dir(mode) if is_last => *mode,
            _ => DIR_MODE,
        };
        let made = mkdirat(parent, name.as_c_str(), mode);
        made.or_else(unless_there).map_err(on)?;
        let below = open_beneath(parent, &name, OFlag::O_PATH | OFlag::O_DIRECTORY).map_err(on)?;
        // Error ignored: it already exists, and keeps its mode.
        if made.is_ok() {
            // The umask may have removed permissions.
            fchmodat(&below, ".", mode, FchmodatFlags::FollowSymlink).map_err(on)?;
        }
        candidate = Some(below);
    }
    Ok(())
}

fn unless_there(errno: Errno) -> Result<(), Errno> {
    if errno == Errno::EEXIST { Ok(()) } else { Err(errno) }
}

fn carry_over(mount_point: &OwnedFd, covering: &OwnedFd, name: &CStr) -> Result<(), Failure> {
    let on = |errno| Failure::new(Step::Mount, name.to_bytes(), errno);
    let entry = open_beneath(mount_point, name, OFlag::O_PATH | OFlag::O_NOFOLLOW).map_err(on)?;
    match file_kind(&fstat(&entry).map_err(on)?) {
        SFlag::S_IFLNK => {
            let target = readlinkat(mount_point, name).map_err(on)?;
            return symlinkat(target.as_os_str(), covering, name).map_err(on);
        }
        SFlag::S_IFDIR => make_dir(covering, name)?,
        _ => make_file(covering, name).map_err(on)?,
    }
    bind(&entry, covering, name).map_err(on)
}

fn bind(entry: &OwnedFd, covering: &OwnedFd, name: &CStr) -> Result<(), Errno> {
    attach_with(&sys::mount::clone_tree(entry, c"")?, covering, name, Attributes::default())
}
