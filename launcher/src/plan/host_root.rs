//! What of the host's own system has to be layered so that a sandbox can have it as its root.

use crate::error::Error;
use crate::failure::reason;
use crate::sys::mountinfo;
use std::path::{Path, PathBuf};

/// Directories below others in which root expects to be able to write.
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

/// What has to be layered.
pub(crate) struct HostRoot {
    submounts: Vec<PathBuf>,
    /// Directories that are made in the layers beforehand, parents first. A layer can't take over the owner of one that belongs to
    /// an ID without a mapping, so that the kernel refuses (EOVERFLOW) to copy it up when something below is changed.
    pub(crate) dirs: Vec<PathBuf>,
}

impl HostRoot {
    /// Looks at the host's mounts, and at where the caller is and lives.
    ///
    /// # Errors
    /// Mounts that cannot be read.
    pub(crate) fn find() -> Result<HostRoot, Error> {
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let places = home.into_iter().chain(std::env::current_dir());
        let mut dirs: Vec<PathBuf> = WRITABLE.iter().map(PathBuf::from).collect();
        dirs.extend(
            places.flat_map(|place| place.ancestors().skip(1).map(Path::to_owned).collect::<Vec<_>>()),
        );
        dirs.sort_unstable();
        dirs.dedup();
        let mounts = mountinfo::read()
            .map_err(|errno| Error::Unreadable { file: mountinfo::FILE.into(), why: reason(errno) })?;
        Ok(HostRoot { submounts: mounts.into_iter().map(|mount| mount.path).collect(), dirs })
    }

    /// True if something is mounted below a directory.
    pub(crate) fn has_mounts_below(&self, path: &Path) -> bool {
        self.submounts.iter().any(|mount| mount != path && mount.starts_with(path))
    }
}
