//! Mount points that a rootfs lacks, made for the run in a folder of the caller's, and removed at its end.
//!
//! What is made carries a mark in its mode, which no other folder has. Every run that uses such a folder holds a shared lock
//! on the rootfs, and only the last one removes it: removing a folder takes away what others have mounted on it. A run
//! that was killed together with all its processes leaves marked folders, which the next run then removes.

use crate::kernel;
use crate::plan::Root;
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::thread::sleep;
use std::time::Duration;

/// The sticky bit and no permission at all.
const MARK: Mode = Mode::S_ISVTX;
/// How often, and how long apart, the lock is tried while another run is removing.
const TRIES: (u32, Duration) = (100, Duration::from_millis(2));

/// The mount points of one run that have to be made; nothing where the rootfs has them all.
pub struct MountPoints(Option<OwnedFd>);

impl MountPoints {
    /// What every new root needs.
    pub const NAMES: [&CStr; 3] = [c"proc", c"dev", c"sys"];

    /// Looks at a rootfs. What this user cannot look into, or does not own, is covered later by the child instead.
    pub fn find(root: Option<&Root>) -> MountPoints {
        let Some(Root::Folder(path)) = root else { return MountPoints(None) };
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let Ok(folder) = open(path.as_c_str(), flags, Mode::empty()) else { return MountPoints(None) };
        let own = fstat(&folder).is_ok_and(|stat| stat.st_uid == geteuid().as_raw());
        let wanted = MountPoints::NAMES.iter().any(|name| match stat(&folder, name) {
            Some(stat) => is_marked(&stat),
            None => true,
        });
        MountPoints(Some(folder).filter(|folder| own && wanted && lock_shared(folder)))
    }

    /// The folder, where something has to be made in it: locked for as long as it is open anywhere.
    pub fn folder(&self) -> Option<&OwnedFd> {
        self.0.as_ref()
    }

    /// Makes what is missing. Where that fails, the child finds it missing and covers the root.
    pub fn make(&self) {
        for (folder, name) in self.each() {
            let _ = mkdirat(folder, name, MARK);
        }
    }

    /// Removes what is marked and empty, unless another run still uses it.
    pub fn remove(&self) {
        if self.folder().is_none_or(|folder| kernel::try_lock(folder, true).is_err()) {
            return;
        }
        for (folder, name) in self.each() {
            if stat(folder, name).as_ref().is_some_and(is_marked) {
                let _ = unlinkat(folder, name, UnlinkatFlags::RemoveDir);
            }
        }
    }

    fn each(&self) -> impl Iterator<Item = (&OwnedFd, &'static CStr)> {
        self.0.iter().flat_map(|folder| MountPoints::NAMES.into_iter().map(move |name| (folder, name)))
    }
}

fn stat(folder: &OwnedFd, name: &CStr) -> Option<FileStat> {
    fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()
}

fn is_marked(stat: &FileStat) -> bool {
    stat.st_mode == (SFlag::S_IFDIR.bits() | MARK.bits())
}

fn lock_shared(folder: &OwnedFd) -> bool {
    let (tries, pause) = TRIES;
    (0..tries).any(|_| {
        kernel::try_lock(folder, false).is_ok() || {
            sleep(pause);
            false
        }
    })
}
