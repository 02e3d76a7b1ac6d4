//! The process that is started inside: what OCI's runtime specification calls process.

use crate::child::exec::Command;
use crate::child::identity::{self, Identity};
use crate::child::landlock::Layer;
use crate::child::seccomp::Filter;
use crate::child::shim::Shim;
use crate::cli::values::capabilities;
use crate::cli::values::environment::Environment;
use crate::cli::values::ids::{Account, UserWord};
use crate::cli::values::limits::Limit;
use crate::failure::{Failure, Step};
use crate::sys;
use nix::errno::Errno;
use nix::sys::prctl::{set_dumpable, set_no_new_privs};
use nix::sys::stat::{Mode, umask};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// Everything about it, as it was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The command and its arguments; a shell where there are none.
    pub(crate) words: Vec<OsString>,
    /// Its environment; HOME is the user's own where it is not set here.
    pub(crate) environment: Environment,
    /// Where it starts.
    pub(crate) workdir: Workdir,
    /// Who runs it; who is there without subordinate IDs, or ID 0, where nobody is named.
    pub(crate) user: Option<UserWord>,
    /// Groups besides the user's own.
    pub(crate) groups: Vec<Account>,
    /// True when the caller's supplementary groups stay with it.
    pub(crate) keeps_groups: bool,
    /// The capabilities that root has, as a bit set; none where nothing is taken away.
    pub(crate) capabilities: Option<u64>,
    /// True when setuid bits and file capabilities do not count for it.
    pub(crate) no_new_privileges: bool,
    /// Which system calls it may make: the built-in filter where nothing is said, `unconfined`, or a profile's path.
    pub(crate) seccomp: Option<OsString>,
    /// True when system calls of any architecture but the kernel's own fail.
    pub(crate) native_calls_only: bool,
    /// What Landlock keeps it from, in the words of the option.
    pub(crate) landlock: Option<OsString>,
    /// Where it may write all the same, as mounts are made for that.
    pub(crate) writable: Vec<PathBuf>,
    /// Its resource limits, where they are not the caller's.
    pub(crate) limits: Vec<Limit>,
    /// Its file mode creation mask.
    pub(crate) umask: Option<u32>,
    /// How ready the kernel is to kill it when memory runs out: proc(5).
    pub(crate) oom_score_adj: Option<i32>,
    /// True when it has a terminal of its own.
    pub(crate) terminal: bool,
}

/// The folder in which a command starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Workdir {
    /// This one, and no other.
    Asked(PathBuf),
    /// Where the caller is, or `/` where that cannot be entered.
    Callers(PathBuf),
    /// Wherever the process is already.
    Unchanged,
}

impl Process {
    /// A command with this environment, as root with a container's capabilities.
    pub(crate) fn new(environment: Environment) -> Process {
        Process {
            words: Vec::new(),
            environment,
            workdir: Workdir::Unchanged,
            user: None,
            groups: Vec::new(),
            keeps_groups: false,
            capabilities: Some(capabilities::default()),
            no_new_privileges: false,
            seccomp: None,
            native_calls_only: false,
            landlock: None,
            writable: Vec::new(),
            limits: Vec::new(),
            umask: None,
            oom_score_adj: None,
            terminal: false,
        }
    }
}

/// A process that is laid out as far as it can be before there is a child.
pub(crate) struct Prepared {
    process: Process,
    command: Command,
    filter: Option<Filter>,
    landlock: Option<Layer>,
}

impl Prepared {
    /// Lays it out.
    ///
    /// # Errors
    /// Words that no command can have, and a seccomp profile that cannot be used.
    pub(crate) fn new(process: Process) -> Result<Prepared, crate::error::Error> {
        let command = Command::new(&process)?;
        let filter = match &process.seccomp {
            None if process.native_calls_only => Some(Filter::NATIVE),
            None => Some(Filter::DEFAULT),
            Some(word) => {
                let capabilities = process.capabilities.unwrap_or(u64::MAX);
                Filter::chosen(word, capabilities, process.native_calls_only)?
            }
        };
        let mut landlock = process.landlock.as_deref().map(Layer::chosen).transpose()?;
        if let Some(layer) = &mut landlock {
            layer.writable.extend(process.writable.iter().cloned());
        }
        Ok(Prepared { process, command, filter, landlock })
    }

    /// What Landlock keeps it from.
    pub(crate) fn landlock(&self) -> Option<&Layer> {
        self.landlock.as_ref()
    }

    /// The capabilities that root has, where any are taken away.
    pub(crate) fn capabilities(&self) -> Option<u64> {
        self.process.capabilities
    }

    /// As it was asked for.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Becomes the command. `first` is who this process is so far.
    ///
    /// Limits go first, as some need the old identity; the filter and the bounding set need capabilities that the user may
    /// not have, and the working directory is entered with the user's own rights.
    ///
    /// # Errors
    /// Always, if at all: what kept the command from being executed.
    pub(crate) fn start(&self, first: Identity, shim: Option<&Shim>) -> Result<Infallible, Failure> {
        let process = &self.process;
        self.limit()?;
        self.join_session_keyring()?;
        let identity = identity::find(process, first)?;
        if let Some(kept) = process.capabilities {
            sys::credentials::limit_bounding_set(kept).map_err(Failure::on(Step::LimitCapabilities, b""))?;
        }
        self.confine()?;
        identity.assume().map_err(|errno| self.not_assumed(&identity, errno))?;
        if process.user.is_some() {
            // Other IDs make a process dumpable again where fs.suid_dumpable is 1: proc_sys_fs(5).
            set_dumpable(false).map_err(Failure::on(Step::BecomeUser, identity.name()))?;
        }
        if let Some(kept) = process.capabilities {
            let kept = if identity.is_root() { kept } else { 0 };
            sys::credentials::set_capabilities(kept).map_err(Failure::on(Step::LimitCapabilities, b""))?;
        }
        if process.no_new_privileges {
            set_no_new_privs().map_err(Failure::on(Step::LimitCapabilities, b""))?;
        }
        self.command.execute(identity.home(), shim)
    }

    /// What could not be assumed is what was asked for: the user, or else groups besides.
    fn not_assumed(&self, identity: &Identity, errno: Errno) -> Failure {
        if self.process.user.is_some() || self.process.groups.is_empty() {
            return Failure::new(Step::BecomeUser, identity.name(), errno);
        }
        let names: Vec<Vec<u8>> = self.process.groups.iter().map(Account::shown).collect();
        Failure::new(Step::SetGroups, &names.join(&b' '), errno)
    }

    /// Landlock goes first: the filter stays what the command is held to last.
    fn confine(&self) -> Result<(), Failure> {
        if let Some(layer) = &self.landlock {
            layer
                .enforce()
                .map_err(|(path, errno)| Failure::new(Step::Landlock, path.as_os_str().as_bytes(), errno))?;
        }
        match &self.filter {
            Some(filter) => filter.install().map_err(Failure::on(Step::Seccomp, b"")),
            None => Ok(()),
        }
    }

    /// Takes its oom_score_adj on, which a process that is not dumpable cannot write any more: proc(5).
    ///
    /// # Errors
    /// EACCES for less than the caller's.
    pub(crate) fn adjust_oom_score(&self) -> Result<(), Failure> {
        let Some(adjustment) = self.process.oom_score_adj else { return Ok(()) };
        fs::write("/proc/self/oom_score_adj", adjustment.to_string())
            .map_err(|error| sys::errno_of(&error))
            .map_err(Failure::on(Step::Limit, b"oom_score_adj"))
    }

    /// The caller's keys are not the command's (property L10): session-keyring(7).
    fn join_session_keyring(&self) -> Result<(), Failure> {
        match sys::credentials::join_new_session_keyring() {
            // A kernel without keys has none to hide, and a filter around this sandbox keeps the command from them as well.
            Err(Errno::ENOSYS | Errno::EPERM | Errno::EACCES) => Ok(()),
            // Error ignored: the quota of keys is used up, and the built-in filter forbids the command all calls for keys.
            Err(_) if self.process.seccomp.is_none() => Ok(()),
            joined => joined.map_err(Failure::on(Step::Keyring, b"")),
        }
    }

    fn limit(&self) -> Result<(), Failure> {
        for limit in &self.process.limits {
            sys::process::set_limit(limit.resource, limit.soft, limit.hard)
                .map_err(Failure::on(Step::Limit, limit.name().as_bytes()))?;
        }
        if let Some(mask) = self.process.umask {
            umask(Mode::from_bits_truncate(mask));
        }
        Ok(())
    }
}
