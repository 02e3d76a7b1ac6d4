//! A process that waits in a new user namespace to be mapped.

use crate::start::{Step, pidfd, start_with};
use crate::user::User;
use nix::fcntl::{OFlag, open};
use nix::sched::CloneFlags;
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};

/// A sleeping process; killed when dropped.
pub struct Target(Child);

/// The contents of the three files that a mapper writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maps {
    /// `uid_map`, each line as `IN OUT COUNT`.
    pub uid_map: Vec<String>,
    /// `gid_map`, likewise.
    pub gid_map: Vec<String>,
    /// `allow` or `deny`.
    pub setgroups: String,
}

impl Maps {
    /// Maps of one line each, or without lines if the text is empty.
    pub fn new(uid_map: &str, gid_map: &str, setgroups: &str) -> Maps {
        Maps { uid_map: lines(uid_map), gid_map: lines(gid_map), setgroups: setgroups.to_owned() }
    }

    /// The maps of a new user namespace.
    pub fn untouched() -> Maps {
        Maps::new("", "", "allow")
    }
}

fn lines(text: &str) -> Vec<String> {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect()
}

impl Target {
    /// A process of this user in a new user namespace owned by that user.
    pub fn new(user: &User) -> Target {
        Target::after(user, vec![Step::Unshare(CloneFlags::CLONE_NEWUSER)])
    }

    /// The same with another program, which must also wait.
    pub fn running(user: &User, words: &[&str]) -> Target {
        Target::running_after(user, words, vec![Step::Unshare(CloneFlags::CLONE_NEWUSER)])
    }

    /// A process of this user that performed these steps. Without steps it is in the test's own user
    /// namespace.
    pub fn after(user: &User, steps: Vec<Step>) -> Target {
        Target::running_after(user, &["/bin/sleep", "1000"], steps)
    }

    fn running_after(user: &User, words: &[&str], mut steps: Vec<Step>) -> Target {
        let mut command = user.command(words[0]);
        command.args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null());
        steps.push(Step::DieWithParent);
        Target(start_with(&mut command, steps).spawn().expect("starting a target"))
    }

    /// Its process ID.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).expect("a PID"))
    }

    /// The current maps.
    pub fn maps(&self) -> Maps {
        let read = |name| fs::read_to_string(self.path(name)).expect("reading a file of the target's");
        Maps::new(&read("uid_map"), &read("gid_map"), read("setgroups").trim_end())
    }

    /// The path of one of its files in /proc.
    pub fn path(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.pid())
    }

    /// Its directory in /proc, open.
    pub fn dir(&self) -> OwnedFd {
        let flags = OFlag::O_DIRECTORY | OFlag::O_PATH | OFlag::O_CLOEXEC;
        open(self.path("").as_str(), flags, Mode::empty()).expect("opening the target's directory")
    }

    /// Its user namespace, open.
    pub fn namespace(&self) -> OwnedFd {
        File::open(self.path("ns/user")).expect("opening the target's namespace").into()
    }

    /// A pidfd of the process: pidfd_open(2).
    pub fn pidfd(&self) -> OwnedFd {
        pidfd(self.pid())
    }

    /// Writes its maps as root, without a mapper.
    pub fn map_as_root(&self, uid_map: &str, gid_map: &str) {
        fs::write(self.path("uid_map"), uid_map).expect("writing uid_map as root");
        fs::write(self.path("gid_map"), gid_map).expect("writing gid_map as root");
    }

    /// Kills it early.
    pub fn kill(&mut self) {
        let _already_gone = self.0.kill();
        let _status = self.0.wait();
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.kill();
    }
}
