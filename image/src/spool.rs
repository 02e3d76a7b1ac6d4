//! A temporary file without a name, for an archive that has to be read twice.

use crate::error::{Error, errno_text};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::unlink;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

const OWN: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);

/// Makes it in this directory. It is removed when it is closed.
///
/// # Errors
/// Errors of open(2).
pub(crate) fn make(dir: &Path) -> Result<File, Error> {
    let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let made = match open(dir, flags | OFlag::O_TMPFILE, OWN) {
        // The filesystem has no files without a name.
        Err(Errno::EOPNOTSUPP | Errno::EISDIR) => make_and_unlink(dir, flags),
        made => made,
    };
    made.map(File::from).map_err(|errno| Error::Target {
        doing: "making a temporary file in",
        path: dir.into(),
        why: errno_text(errno),
    })
}

fn make_and_unlink(dir: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    let path = dir.join(format!(".subroot-spool-{}", std::process::id()));
    let file = open(&path, flags | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW, OWN)?;
    unlink(&path)?;
    Ok(file)
}
