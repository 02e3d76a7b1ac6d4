//! The directories of the host's system that need layers for a sandbox that uses the host's system as its
//! root.

use crate::error::Error;
use crate::failure::reason;
use crate::request::mount::{Content, Mount};
use crate::sys::mountinfo;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Nested directories in which root expects to be able to write.
const WRITABLE: [&str; 12] = [
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/share",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/spool",
    "/var/tmp",
    "/var/local",
];

/// The host's mounts, and the directories to create in the layers.
pub(crate) struct HostRoot {
    /// The directories above mounts. A host can have thousands of mounts, and each directory on the way is
    /// looked up.
    above_mounts: BTreeSet<OsString>,
    /// The targets of the requested binds. A layer below one would keep the host's filesystem busy unseen.
    targets: Vec<PathBuf>,
    /// Directories to create in the layers in advance, parents first. A layer cannot reproduce an owner that
    /// has no mapping, so the kernel refuses (EOVERFLOW) to copy such a directory up when something below it
    /// changes.
    pub(crate) dirs: Vec<PathBuf>,
}

impl HostRoot {
    /// Examines the host's mounts, and the caller's home and working directory.
    ///
    /// # Errors
    /// The mounts cannot be read.
    pub(crate) fn find(mounts: &[Mount]) -> Result<HostRoot, Error> {
        let binds = mounts.iter().filter(|mount| matches!(mount.content, Content::Bind(_)));
        let targets = binds.map(|mount| mount.target.clone()).collect();
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let paths = home.into_iter().chain(std::env::current_dir());
        let mut dirs: Vec<PathBuf> = WRITABLE.iter().map(PathBuf::from).collect();
        dirs.extend(paths.flat_map(|path| path.ancestors().skip(1).map(Path::to_owned).collect::<Vec<_>>()));
        dirs.sort_unstable();
        dirs.dedup();
        let mounts = mountinfo::read()
            .map_err(|errno| Error::Unreadable { file: mountinfo::FILE.into(), why: reason(errno) })?;
        let above_mounts = above(mounts.iter().map(|mount| mount.path.as_path()));
        Ok(HostRoot { above_mounts, targets, dirs })
    }

    /// True if a requested bind covers a directory.
    pub(crate) fn is_covered(&self, path: &Path) -> bool {
        self.targets.iter().any(|target| target == path)
    }

    /// True if there are mounts below a directory.
    pub(crate) fn has_mounts_below(&self, path: &Path) -> bool {
        self.above_mounts.contains(path.as_os_str())
    }
}

/// All directories above these paths.
fn above<'a>(paths: impl Iterator<Item = &'a Path>) -> BTreeSet<OsString> {
    let mut above = BTreeSet::new();
    for path in paths {
        let dirs = path.ancestors().skip(1).map(Path::as_os_str);
        // Those above a known directory are known.
        for dir in dirs.take_while(|dir| !above.contains(*dir)).collect::<Vec<_>>() {
            above.insert(dir.to_owned());
        }
    }
    above
}
