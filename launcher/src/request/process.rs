//! The process that is started inside: what OCI's runtime specification calls process.

use crate::request::capabilities;
use crate::request::environment::Environment;
use crate::request::ids::{Account, UserSpec};
use crate::request::limits::Limit;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
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
    pub(crate) user: Option<UserSpec>,
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

/// The directory in which a command starts.
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
