//! A user of the test's host, and commands that run as that user.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The user that a command runs as.
#[derive(Clone, Debug)]
pub struct User {
    /// The account's name, or the uid in digits.
    pub name: String,
    /// The user ID.
    pub uid: u32,
    /// The primary group ID. There are no supplementary groups.
    pub gid: u32,
    /// The home directory, or `/` if it does not exist.
    pub home: PathBuf,
}

impl User {
    pub(crate) fn named(name: &str) -> User {
        let accounts = fs::read_to_string("/etc/passwd").expect("reading /etc/passwd");
        let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let account = fields.into_iter().find(|fields| fields[0] == name);
        let account = account.unwrap_or_else(|| panic!("no account {name} in /etc/passwd"));
        let number = |at: usize| account[at].parse().expect("a number in /etc/passwd");
        let home = account.get(5).map(Path::new).filter(|home| home.is_dir()).unwrap_or(Path::new("/"));
        User { name: name.to_owned(), uid: number(2), gid: number(3), home: home.to_path_buf() }
    }

    pub(crate) fn without_account(uid: u32) -> User {
        User { name: uid.to_string(), uid, gid: uid, home: PathBuf::from("/") }
    }

    /// A command that runs as this user in the home directory, with no supplementary groups, a clean
    /// environment and empty standard input.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .uid(self.uid)
            .gid(self.gid)
            .current_dir(&self.home)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", &self.home)
            .env("USER", &self.name)
            .env("LOGNAME", &self.name)
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// The same for a shell script.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = self.command("/bin/sh");
        command.args(["-c", script]);
        command
    }
}
