//! The directory of `--overlay=DIR`: creation and lock.

use crate::error::{Error, OsError};
use crate::plan::progress::begin;
use crate::plan::root::RootPlan;
use crate::plan::steps::Kind;
use crate::request::root::Overlay;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::mkdir;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The directory in which a launch keeps its changes. It is locked while this is open.
pub(crate) struct KeptDir {
    _locked: OwnedFd,
    /// The path, if this launch has created the directory.
    created: Option<PathBuf>,
}

impl KeptDir {
    /// Locks the directory, and creates it if it does not exist. Two mounts with the same upper layer have
    /// undefined results (Documentation/filesystems/overlayfs.rst). `None` if the launch keeps no changes.
    ///
    /// # Errors
    /// Another sandbox uses the directory, or it cannot be created or locked.
    pub(crate) fn lock(root: &RootPlan) -> Result<Option<KeptDir>, Error> {
        let Some(Overlay::Kept(dir)) = &root.overlay else { return Ok(None) };
        begin(Kind::LockChanges, b"");
        let failed =
            |doing| move |errno| Error::Kept { doing, directory: dir.clone(), errno: OsError(errno) };
        let created = create(dir).map_err(failed("creating"))?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let opened = open(dir, flags, Mode::empty()).map_err(failed("opening"))?;
        match sys::files::try_lock(&opened, true) {
            Ok(()) => Ok(Some(KeptDir { _locked: opened, created: created.then(|| dir.clone()) })),
            Err(Errno::EWOULDBLOCK) => Err(Error::KeptInUse { directory: dir.clone() }),
            Err(errno) => Err(failed("locking")(errno)),
        }
    }

    /// Removes the directory again if this launch has created it, and nothing has been kept in it.
    pub(crate) fn undo(self) {
        let Some(created) = self.created else { return };
        for name in ["work/work", "work", "upper", ""] {
            // Error ignored: it does not exist, or something has been kept in it.
            let _ = std::fs::remove_dir(created.join(name));
        }
    }
}

/// Creates a directory, as mkdir(1) does. False if something with that name exists.
fn create(dir: &Path) -> Result<bool, Errno> {
    match mkdir(dir, Mode::from_bits_truncate(0o777)) {
        Ok(()) => Ok(true),
        // A filesystem can refuse to create a name (EROFS, EACCES) before it looks whether the name exists.
        // Error ignored: the first one is returned.
        Err(errno) if errno == Errno::EEXIST || dir.exists() => Ok(false),
        Err(errno) => Err(errno),
    }
}
