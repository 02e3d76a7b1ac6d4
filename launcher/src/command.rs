//! The command: found in the new root, executed once, and explained when that fails.

use crate::error::Error;
use crate::explain::missing_loader;
use crate::failure::{Failure, Step};
use crate::kernel::{self, Words, file_kind};
use crate::plan::{c_string, c_strings};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::signal::SigSet;
use nix::sys::stat::{SFlag, fstatat};
use nix::unistd::{AccessFlags, chdir, faccessat};
use std::convert::Infallible;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The shells that are tried where no command was given.
const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// SIGRTMAX of the kernel: signal(7).
const LAST_SIGNAL: i32 = 64;

/// What is to be executed, with all that can be laid out before the clone.
pub struct Command {
    word: CString,
    candidates: Vec<CString>,
    /// None where the program's own path is its only argument.
    arguments: Option<Words>,
    environment: Words,
    workdir: Option<Workdir>,
}

/// Where the command starts.
pub struct Workdir {
    /// The folder, as it is called inside.
    pub folder: PathBuf,
    /// True when it was asked for; otherwise it is where the caller is, and `/` will do where that cannot be entered.
    pub asked_for: bool,
}

impl Command {
    /// Lays a command out: its words, or a shell where there are none.
    ///
    /// # Errors
    /// A NUL byte in one of them, or an empty first word.
    pub fn new(
        words: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
        workdir: Option<Workdir>,
    ) -> Result<Command, Error> {
        let candidates = match words.first() {
            None => SHELLS.map(OsString::from).to_vec(),
            Some(word) if word.is_empty() => {
                return Err(Error::Usage("the command", "its first word is empty".into()));
            }
            Some(word) => candidates(word, &environment),
        };
        let candidates = c_strings("the command", candidates)?;
        let assignments = environment.into_iter().map(|(name, value)| [name, value].join(OsStr::new("=")));
        Ok(Command {
            word: c_string("the command", words.first().cloned().unwrap_or_else(|| SHELLS[1].into()))?,
            candidates,
            arguments: if words.is_empty() {
                None
            } else {
                Some(Words::new(c_strings("the command", words)?))
            },
            environment: Words::new(c_strings("the environment", assignments)?),
            workdir,
        })
    }

    /// Becomes the command: with clean signals, and no descriptor but 0 to 2.
    ///
    /// # Errors
    /// Always, if at all: why the command could not be executed.
    pub fn execute(&self) -> Result<Infallible, Failure> {
        match &self.workdir {
            Some(Workdir { folder, asked_for: true }) => {
                chdir(folder).map_err(Failure::on(Step::Workdir, folder.as_os_str().as_bytes()))?;
            }
            Some(Workdir { folder, asked_for: false }) => {
                let _ = chdir(folder).or_else(|_| chdir("/"));
            }
            None => {}
        }
        let program = self.find()?;
        let own_path;
        let arguments = match &self.arguments {
            Some(arguments) => arguments,
            None => {
                own_path = Words::new(vec![program.to_owned()]);
                &own_path
            }
        };
        let _ = kernel::close_range(3, u32::MAX, true);
        (1..=LAST_SIGNAL).for_each(kernel::default_disposition);
        let _ = SigSet::empty().thread_set_mask();
        Err(explain(program, kernel::execute(program, arguments, &self.environment)))
    }

    /// The first candidate that can be executed: looked for, so that execve is called once.
    fn find(&self) -> Result<&CStr, Failure> {
        let mut refused = None;
        for candidate in &self.candidates {
            match executable(candidate) {
                Ok(()) => return Ok(candidate),
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(errno) => refused = refused.or(Some((candidate, errno))),
            }
        }
        Err(match refused {
            Some((candidate, errno)) => Failure::new(Step::RunCommand, candidate.to_bytes(), errno),
            None => Failure::new(Step::FindCommand, self.word.to_bytes(), Errno::ENOENT),
        })
    }
}

fn candidates(word: &OsStr, environment: &[(OsString, OsString)]) -> Vec<OsString> {
    if word.as_bytes().contains(&b'/') {
        return vec![word.to_owned()];
    }
    let path = environment
        .iter()
        .find(|(name, _)| name == "PATH")
        .map_or(OsStr::new("/bin:/usr/bin"), |(_, path)| path);
    std::env::split_paths(path).map(|folder| folder.join(word).into_os_string()).collect()
}

fn executable(path: &CStr) -> Result<(), Errno> {
    if file_kind(&fstatat(AT_FDCWD, path, AtFlags::empty())?) == SFlag::S_IFDIR {
        return Err(Errno::EISDIR);
    }
    faccessat(AT_FDCWD, path, AccessFlags::X_OK, AtFlags::AT_EACCESS)
}

/// A file that is there and that the kernel answers with ENOENT wants something else that is not.
fn explain(program: &CStr, errno: Errno) -> Failure {
    let path = program.to_bytes();
    match missing_loader(Path::new(OsStr::from_bytes(path))) {
        Some((step, missing)) if errno == Errno::ENOENT => {
            Failure::new(step, path, errno).for_want_of(&missing)
        }
        _ => Failure::new(Step::RunCommand, path, errno),
    }
}
