//! The host's own system as the new root, with all writes going to a private layer in memory.

use crate::device_folder::make_folder;
use crate::error::Error;
use crate::failure::{Failure, Step};
use crate::grants::each_line_of;
use crate::kernel;
use crate::new_root::BENEATH;
use crate::plan::{c_string, c_strings};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, OpenHow, open, openat2};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, SFlag, fchmodat, FchmodatFlags, fstatat, mkdirat};
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// Where a new root has mounts of its own.
const REPLACED: [&str; 3] = ["/proc", "/dev", "/sys"];
/// One of these is covered, in the new mount namespace alone, to hold the layer while it is being mounted.
const SCRATCH: [&str; 5] = ["/tmp", "/mnt", "/media", "/run", "/srv"];
/// Folders that everybody expects to be able to write to as root.
const WRITABLE: [&str; 20] = [
    "/", "/etc", "/home", "/media", "/mnt", "/opt", "/run", "/srv", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/local",
    "/usr/local/bin", "/usr/share", "/var", "/var/cache", "/var/lib", "/var/log", "/var/tmp",
];

/// What has to be layered.
pub struct HostRoot {
    scratch: CString,
    /// Every other mount of the host's, in the order of mounting.
    submounts: Vec<CString>,
    /// Folders that are made in the layer beforehand, parents first. The layer can't take over the owner of one that belongs to
    /// an ID without a mapping, so that the kernel refuses (EOVERFLOW) to copy it up when something below is changed.
    folders: Vec<CString>,
}

impl HostRoot {
    /// Looks at the host's mounts.
    ///
    /// # Errors
    /// A host without any folder that could be covered for a moment.
    pub fn find() -> Result<HostRoot, Error> {
        let submounts = submounts();
        let is_free = |folder: &&&str| Path::new(folder).is_dir() && !submounts.iter().any(|mount| mount.starts_with(folder));
        let scratch = SCRATCH.iter().find(is_free);
        let scratch = scratch.ok_or_else(|| Error::Usage("the host's mounts", "no folder is free to hold the layer".into()))?;
        let on_root = |folder: &PathBuf| !submounts.iter().any(|mount| folder.starts_with(mount));
        let folders = c_strings("a folder", expected_folders().into_iter().filter(on_root))?;
        Ok(HostRoot { scratch: c_string("a mount", *scratch)?, folders, submounts: c_strings("a mount", submounts)? })
    }
}

/// The mount points below / in the order of /proc/self/mountinfo, proc(5), without those that the new root replaces.
fn submounts() -> Vec<PathBuf> {
    let mut found = Vec::new();
    each_line_of("/proc/self/mountinfo", |_, line| {
        let path = line.split(|byte| *byte == b' ').nth(4).map(unescaped).map(PathBuf::from);
        found.extend(path.filter(|path| path != Path::new("/") && !REPLACED.iter().any(|replaced| path.starts_with(replaced))));
    });
    let mut seen = BTreeSet::new();
    found.retain(|path| seen.insert(path.clone()));
    found
}

/// Blanks and backslashes are written as `\040` there.
fn unescaped(field: &[u8]) -> OsString {
    let mut bytes = Vec::new();
    let mut rest = field;
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let byte = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(3..).unwrap_or(&[]) } else { after };
    }
    OsString::from_vec(bytes)
}

fn expected_folders() -> BTreeSet<PathBuf> {
    let mut folders: BTreeSet<PathBuf> = WRITABLE.iter().map(PathBuf::from).collect();
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    for path in home.into_iter().chain(std::env::current_dir()) {
        folders.extend(path.ancestors().skip(1).map(Path::to_owned));
    }
    folders
}

/// Layers memory over the host's system and attaches the result over `/`.
///
/// # Errors
/// The layer that the kernel refused.
pub fn attach(host: &HostRoot) -> Result<OwnedFd, Failure> {
    let on = |errno| Failure::new(Step::LayerHost, b"", errno);
    let memory = kernel::new_mount(c"tmpfs", &[(c"mode", Some(c"0755"))], libc::MOUNT_ATTR_NODEV).map_err(on)?;
    let scratch = open(host.scratch.as_c_str(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).map_err(on)?;
    let mut layers = Layers { memory, path: host.scratch.to_bytes().to_vec(), count: 0 };
    let lower: Vec<Option<FileStat>> = host.folders.iter().map(|folder| foreign_folder(folder)).collect();
    kernel::attach(&layers.memory, &scratch, c"").map_err(on)?;
    let skeleton = host.folders.iter().map(CString::as_c_str).zip(lower);
    let root = layers.over(c"/", skeleton).map_err(on)?;
    kernel::attach(&root, AT_FDCWD, c"/").map_err(on)?;
    for mount in &host.submounts {
        if let Err(errno) = attach_submount(&mut layers, &root, mount) {
            log::debug!("layering {}: {errno}", Path::new(std::ffi::OsStr::from_bytes(mount.to_bytes())).display());
        }
    }
    Ok(root)
}

/// The folder's mode and owner, if it is one whose owner has no ID inside.
fn foreign_folder(folder: &CStr) -> Option<FileStat> {
    let overflow_id = 65534;
    let stat = fstatat(AT_FDCWD, folder, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
    let is_folder = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR;
    (is_folder && stat.st_uid == overflow_id).then_some(stat)
}

/// Writes to a mount below the root go to memory too; where no layer can be put over it, it is bound read-only.
fn attach_submount(layers: &mut Layers, root: &OwnedFd, mount: &CStr) -> Result<(), Errno> {
    let below = mount.to_bytes().strip_prefix(b"/").unwrap_or_default();
    let below = CString::new(below).map_err(|_| Errno::EINVAL)?;
    let place = openat2(root, below.as_c_str(), OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(BENEATH))?;
    let layered = layers.over(mount, std::iter::empty()).or_else(|_| {
        let tree = kernel::clone_tree(AT_FDCWD, mount)?;
        kernel::set_tree_attributes(&tree, libc::MOUNT_ATTR_RDONLY, libc::MS_PRIVATE)?;
        Ok::<_, Errno>(tree)
    })?;
    kernel::attach(layered, place, c"")
}

/// Upper layers in one tmpfs.
struct Layers {
    memory: OwnedFd,
    path: Vec<u8>,
    count: u32,
}

impl Layers {
    /// An overlay of a new layer over a folder, detached; the folders given are made in the layer first.
    fn over<'a>(
        &mut self,
        lower: &CStr,
        skeleton: impl Iterator<Item = (&'a CStr, Option<FileStat>)>,
    ) -> Result<OwnedFd, Errno> {
        if lower.to_bytes().iter().any(|byte| b",:\\".contains(byte)) {
            return Err(Errno::EINVAL);
        }
        self.count += 1;
        let (upper, work) = (self.folder("upper")?, self.folder("work")?);
        let upper_folder = open(upper.as_c_str(), OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        for (folder, stat) in skeleton {
            make_like(&upper_folder, folder, stat)?;
        }
        let options = [
            (c"lowerdir", Some(lower)),
            (c"upperdir", Some(upper.as_c_str())),
            (c"workdir", Some(work.as_c_str())),
            (c"userxattr", None),
        ];
        kernel::new_mount(c"overlay", &options, libc::MOUNT_ATTR_NODEV)
    }

    fn folder(&self, name: &str) -> Result<CString, Errno> {
        let name = CString::new(format!("{name}{}", self.count)).map_err(|_| Errno::EINVAL)?;
        make_folder(&self.memory, &name).map_err(|failure| failure.errno)?;
        CString::new([self.path.as_slice(), b"/", name.to_bytes()].concat()).map_err(|_| Errno::EINVAL)
    }
}

/// Makes a folder with the mode of the host's; `/` itself is the layer's own.
fn make_like(layer: &OwnedFd, folder: &CStr, stat: Option<FileStat>) -> Result<(), Errno> {
    let Some(stat) = stat else { return Ok(()) };
    let mode = Mode::from_bits_truncate(stat.st_mode & 0o7777);
    match folder.to_bytes().strip_prefix(b"/") {
        None | Some(b"") => Ok(()),
        Some(name) => {
            let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
            mkdirat(layer, name.as_c_str(), mode).or_else(|errno| if errno == Errno::ENOENT { Ok(()) } else { Err(errno) })?;
            fchmodat(layer, name.as_c_str(), mode, FchmodatFlags::FollowSymlink).or(Ok(()))
        }
    }
}
