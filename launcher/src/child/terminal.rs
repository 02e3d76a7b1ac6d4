//! The command's side of its own terminal: pts(4).

use crate::plan::progress::begin;
use crate::plan::steps::Kind;
use crate::sys;
use crate::sys::files::file_kind;
use crate::sys::lookup::open_inside;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{SFlag, fstat, major, minor};
use nix::unistd::setsid;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Opens a terminal in the root of this process, becomes the leader of a new session with it, makes it the
/// standard streams, and sends the other end to the launcher.
///
/// # Errors
/// /dev has no usable ptmx; EPERM for a process that already leads a process group.
pub(crate) fn take_new(socket: &OwnedFd) -> Result<(), Errno> {
    begin(Kind::OpenTerminal, b"");
    let master = open_master()?;
    let terminal = sys::terminal::open_terminal_peer(&master)?;
    // Set the size here as well as in the launcher: the command may ask for it before the launcher gets its
    // end.
    // Error ignored: the terminal is new, and accepts any size.
    let _ = sys::terminal::take_callers_size(&master);
    setsid()?;
    sys::terminal::take_controlling_terminal(&terminal)?;
    (0..=2).try_for_each(|number| sys::descriptors::duplicate_to(&terminal, number))?;
    sys::descriptors::send_descriptor(socket, &[0], &master)
}

/// Opens a new pseudoterminal through /dev/ptmx. With `--dev none` this is the rootfs's own file and may be
/// anything: pts(4).
fn open_master() -> Result<OwnedFd, Errno> {
    const PTMX: (u64, u64) = (5, 2);
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let master = open_inside(Path::new("/dev/ptmx"), flags)?;
    let found = fstat(&master)?;
    let is_ptmx = file_kind(&found) == SFlag::S_IFCHR && (major(found.st_rdev), minor(found.st_rdev)) == PTMX;
    if is_ptmx { Ok(master) } else { Err(Errno::ENOTTY) }
}
