//! A terminal for a launch: a pseudoterminal of the host.

use crate::outcome::Started;
use crate::user::User;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, fchown, read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

    /// A descriptor of the end for programs, for a standard stream.
    pub fn stream(&self) -> Stdio {
        Stdio::from(self.slave.try_clone().expect("a second descriptor"))
    }

    /// Changes its size.
    pub fn resize(&self, rows: &str, columns: &str) {
        let resized =
            Command::new("stty").args(["rows", rows, "cols", columns]).stdin(self.stream()).status();
        assert!(resized.is_ok_and(|status| status.success()));
    }

    /// Starts a command with it as the standard streams.
    #[track_caller]
    pub fn start(&self, command: &mut Command) -> Started {
        Started::with_own_descriptors(
            command.stdin(self.stream()).stdout(self.stream()).stderr(self.stream()),
        )
    }

    /// Waits for this text in the output, of which `seen` has been read already. Returns the output before the
    /// text, and leaves in `seen` what follows it.
    #[track_caller]
    pub fn read_until(&self, seen: &mut String, text: &str, limit: Duration) -> String {
        let start = Instant::now();
        while !seen.contains(text) {
            assert!(start.elapsed() < limit, "{text:?} is not in {seen:?}");
            let mut ready = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
            if poll(&mut ready, PollTimeout::from(100_u8)) == Ok(1) {
                let mut chunk = [0; 65536];
                let length = read(&self.master, &mut chunk).expect("reading the terminal");
                *seen += &String::from_utf8_lossy(&chunk[..length]);
            }
        }
        let at = seen.find(text).expect("it is there");
        let after = seen.split_off(at + text.len());
        let mut before = std::mem::replace(seen, after);
        before.truncate(at);
        before
    }
}
