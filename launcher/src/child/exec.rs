//! Finds the command in the new root, executes it once, and explains a failure.

use crate::child::ends::ChildEnds;
use crate::diagnose::named::missing::similar_inside;
use crate::diagnose::probes::program::{foreign_machine, missing_loader};
use crate::error::Error;
use crate::failure::{Failure, Step, announce_execution};
use crate::plan::progress::begin;
use crate::plan::steps::Kind;
use crate::plan::{c_string, c_strings};
use crate::request::passed::Passed;
use crate::request::process::{Process, SHELLS, Workdir};
use crate::sys;
use crate::sys::files::file_kind;
use crate::sys::lookup::{enter_directory, open_inside};
use crate::sys::program::Arguments;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{SFlag, fstat};
use nix::sys::statvfs::{FsFlags, fstatvfs};
use std::convert::Infallible;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process;

/// The command, prepared as far as possible before the clone.
pub(crate) struct Command {
    name: CString,
    candidates: Vec<CString>,
    /// None if the program's own path is the only argument.
    arguments: Option<Arguments>,
    environment: Vec<CString>,
    has_home: bool,
    workdir: Workdir,
}

impl Command {
    /// Prepares a command: its arguments, or a shell if there are none.
    ///
    /// # Errors
    /// A NUL byte in an argument, or an empty first argument.
    pub(crate) fn new(process: &Process) -> Result<Command, Error> {
        let (command, environment) = (&process.command, &process.environment);
        let candidates = match command.first() {
            None => SHELLS.map(OsString::from).to_vec(),
            Some(name) if name.is_empty() => {
                return Err(Error::Usage { what: "the command", why: "the name is empty".into() });
            }
            Some(name) => candidates(name, environment),
        };
        let assignments =
            environment.iter().map(|(name, value)| [name.as_os_str(), value].join(OsStr::new("=")));
        let arguments = c_strings("the command", command.clone())?;
        Ok(Command {
            name: c_string("the command", command.first().cloned().unwrap_or_else(|| SHELLS[1].into()))?,
            candidates: c_strings("the command", candidates)?,
            arguments: (!arguments.is_empty()).then(|| Arguments::new(arguments)),
            environment: c_strings("the environment", assignments)?,
            has_home: environment.iter().any(|(name, _)| name == "HOME"),
            workdir: process.workdir.clone(),
        })
    }

    /// Becomes the command, with all signals reset. HOME is set to `home` if the environment does not have
    /// it.
    ///
    /// # Errors
    /// Why the command could not be executed. On success this does not return.
    pub(crate) fn execute(&self, home: &OsStr, ends: &ChildEnds) -> Result<Infallible, Failure> {
        self.enter_workdir()?;
        let program = self.find()?;
        let own_path;
        let arguments = match &self.arguments {
            Some(arguments) => arguments,
            None => {
                own_path = Arguments::new(vec![program.to_owned()]);
                &own_path
            }
        };
        let mut environment = self.environment.clone();
        if !self.has_home {
            environment.extend(CString::new([b"HOME=", home.as_bytes()].concat()));
        }
        environment.extend(activation(&ends.passed));
        let environment = Arguments::new(environment);
        begin(Kind::SetEnvironment, b"");
        begin(Kind::RunCommand, b"");
        sys::signals::clean_signals().map_err(Failure::on(Step::Signals, b""))?;
        announce_execution();
        Err(match &ends.shim {
            None => explain(program, sys::program::execute(program, arguments, &environment)),
            Some(shim) => {
                let other = Failure::new(Step::RunCommand, program.to_bytes(), Errno::UnknownErrno);
                let failures = [&likely_failure(program), &other];
                let errno = shim.execute(program, (arguments, &environment), failures);
                Failure::new(Step::RunShim, program.to_bytes(), errno)
            }
        })
    }

    fn enter_workdir(&self) -> Result<(), Failure> {
        if self.workdir != Workdir::Unchanged {
            begin(Kind::EnterDirectory, b"");
        }
        match &self.workdir {
            Workdir::Asked(dir) => enter_directory(dir).map_err(|errno| workdir_failure(dir, errno)),
            // The caller's directory may be hidden or inaccessible in the sandbox; the root always exists.
            Workdir::Callers(dir) => enter_directory(dir)
                .or_else(|_| enter_directory(Path::new("/")))
                .map_err(Failure::on(Step::Workdir, b"/")),
            Workdir::Unchanged => Ok(()),
        }
    }

    /// The first executable candidate. Searching first means that execve is called only once.
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
            Some((candidate, errno)) => explain(candidate, errno),
            None => Failure::new(Step::FindCommand, self.name.to_bytes(), Errno::ENOENT),
        })
    }
}

/// The variables of sd_listen_fds(3). LISTEN_PID is this process, which becomes the command.
fn activation(passed: &Passed) -> impl Iterator<Item = CString> {
    let pid =
        (!passed.activation.is_empty()).then(|| ("LISTEN_PID".into(), process::id().to_string().into()));
    let variables = passed.activation.iter().cloned().chain(pid);
    // A variable from an environment contains no NUL byte.
    variables.flat_map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()))
}

/// The failure to enter a working directory. If it does not exist, the failure has the name that was probably
/// meant.
fn workdir_failure(dir: &Path, errno: Errno) -> Failure {
    let failure = Failure::new(Step::Workdir, dir.as_os_str().as_bytes(), errno);
    let similar = if errno == Errno::ENOENT { similar_inside(dir) } else { None };
    match similar {
        Some(similar) => failure.with_missing(similar.as_os_str().as_bytes()),
        None => failure,
    }
}

fn candidates(name: &OsStr, environment: &[(OsString, OsString)]) -> Vec<OsString> {
    if name.as_bytes().contains(&b'/') {
        return vec![name.to_owned()];
    }
    let path = environment
        .iter()
        .find(|(name, _)| name == "PATH")
        .map_or(OsStr::new("/bin:/usr/bin"), |(_, path)| path);
    std::env::split_paths(path).map(|dir| dir.join(name).into_os_string()).collect()
}

fn executable(path: &CStr) -> Result<(), Errno> {
    let file = open_inside(as_path(path), OFlag::O_PATH)?;
    if file_kind(&fstat(&file)?) == SFlag::S_IFDIR {
        return Err(Errno::EISDIR);
    }
    sys::files::may_execute(&file)
}

fn as_path(path: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(path.to_bytes()))
}

/// The failure to expect if execve fails, determined in advance: the shim can only report what it was given.
fn likely_failure(program: &CStr) -> Failure {
    let explained = [Errno::ENOENT, Errno::ENOEXEC].map(|errno| explain(program, errno));
    let special = explained.into_iter().find(|failure| failure.step != Step::RunCommand);
    special.unwrap_or_else(|| explain(program, Errno::EACCES))
}

/// Finds the specific cause of an error of execve(2). ENOENT for an existing file means that its interpreter
/// is missing, EACCES can come from a noexec mount, and ENOEXEC from a program for another processor.
fn explain(program: &CStr, errno: Errno) -> Failure {
    let (bytes, path) = (program.to_bytes(), as_path(program));
    let mount = || open_inside(path, OFlag::O_PATH).and_then(fstatvfs);
    // Error ignored: it affects only the text of the message.
    let is_noexec = || mount().is_ok_and(|mount| mount.flags().contains(FsFlags::ST_NOEXEC));
    let found = match errno {
        Errno::ENOENT => missing_loader(path),
        Errno::ENOEXEC => foreign_machine(path).map(|machine| (Step::RunForeign, machine.into())),
        Errno::EACCES if is_noexec() => return Failure::new(Step::RunNoexec, bytes, errno),
        _ => None,
    };
    match found {
        Some((step, missing)) => Failure::new(step, bytes, errno).with_missing(&missing),
        None => Failure::new(Step::RunCommand, bytes, errno),
    }
}
