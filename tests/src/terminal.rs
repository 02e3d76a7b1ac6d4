//! A terminal for a launch: a pseudoterminal of the host.

use crate::user::User;
use nix::fcntl::{OFlag, open};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, fchown};
use std::os::fd::OwnedFd;

/// Both ends of a terminal: pty(7). Unlike those of openpty(3) they are close-on-exec. Otherwise processes
/// that another test starts at the same time would hold the terminal open and read its input.
pub struct Terminal {
    /// The end for the user.
    pub master: OwnedFd,
    /// The end for programs.
    pub slave: OwnedFd,
}

impl Terminal {
    /// A terminal owned by this user.
    pub fn of(user: &User) -> Terminal {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).expect("a pseudoterminal");
        grantpt(&master).expect("granting a pseudoterminal");
        unlockpt(&master).expect("unlocking a pseudoterminal");
        let name = ptsname_r(&master).expect("the name of a pseudoterminal");
        let slave = open(name.as_str(), flags, Mode::empty()).expect("opening a terminal");
        fchown(&slave, Some(Uid::from_raw(user.uid)), None).expect("giving a terminal to its user");
        Terminal { master: master.into(), slave }
    }
}
