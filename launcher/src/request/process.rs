//! The process started in the sandbox; OCI's runtime specification also calls it "process".

use crate::request::capabilities;
use crate::request::environment::Environment;
use crate::request::ids::{Account, UserSpec};
use crate::request::limits::Limit;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The shells to try if no command is given.
pub(crate) const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// The process as requested.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The command and its arguments; empty for a shell.
    pub(crate) command: Vec<OsString>,
    /// The environment. HOME is that of the user if it is not set here.
    pub(crate) environment: Environment,
    /// The working directory.
    pub(crate) workdir: Workdir,
    /// The user; none for the child's first identity, which is root if ID 0 is mapped.
    pub(crate) user: Option<UserSpec>,
    /// The home of the child's first identity, if it has an account.
    pub(crate) home: Option<OsString>,
    /// Groups in addition to the user's own.
    pub(crate) groups: Vec<Account>,
    /// True if it keeps the caller's supplementary groups.
    pub(crate) keeps_groups: bool,
    /// The capabilities of root, as a bit set; none if no capability is removed.
    pub(crate) capabilities: Option<u64>,
    /// True if setuid bits and file capabilities have no effect for it.
    pub(crate) no_new_privileges: bool,
    /// The system call filter.
    #[serde(with = "seccomp_as_word")]
    pub(crate) seccomp: Seccomp,
    /// True if system calls of architectures other than the kernel's own fail.
    pub(crate) native_calls_only: bool,
    /// The Landlock rules, if requested.
    #[serde(with = "landlock_as_words")]
    pub(crate) landlock: Option<Landlock>,
    /// The requested mounts below which Landlock still allows writing.
    pub(crate) writable: Vec<PathBuf>,
    /// The resource limits to set.
    pub(crate) limits: Vec<Limit>,
    /// The file mode creation mask, if it is to be changed.
    pub(crate) umask: Option<u32>,
    /// The adjustment of the kernel's choice of processes to kill when memory runs out: proc(5).
    pub(crate) oom_score_adj: Option<i32>,
    /// True if it has its own terminal.
    pub(crate) terminal: bool,
    /// The signal that it gets instead of SIGTERM, if its image names one.
    #[serde(default)]
    pub(crate) stop_signal: Option<i32>,
}

/// The working directory of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Workdir {
    /// This directory; an error if it cannot be entered.
    Asked(PathBuf),
    /// The caller's working directory, or `/` if it cannot be entered.
    Callers(PathBuf),
    /// The current directory of the process.
    Unchanged,
}

/// The system calls that a command may make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seccomp {
    /// All except those that reach outside the sandbox: docs/seccomp.md.
    #[default]
    Default,
    /// All.
    Unconfined,
    /// Those allowed by this file, in the format of docker's and podman's profiles.
    Profile(PathBuf),
}

/// Landlock rules for a command, enforced whatever is mounted: it can write only below some paths, and can
/// send signals and connect abstract sockets only within the sandbox. See landlock(7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landlock {
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) forbids_tcp: bool,
}

impl Landlock {
    /// The command can write to /tmp, /dev, /proc and to requested mounts that are not read-only.
    pub fn read_only() -> Landlock {
        Landlock::default()
    }

    /// The command can also write below this absolute path in the sandbox.
    #[must_use]
    pub fn writable(mut self, path: impl Into<PathBuf>) -> Landlock {
        self.writable.push(path.into());
        self
    }

    /// The rules from the values of the option: `read-only`, `no-tcp` and paths.
    pub(crate) fn of_values<'v>(values: impl Iterator<Item = &'v OsStr>) -> Landlock {
        values.fold(Landlock::read_only(), |asked, value| match value.to_str() {
            Some("read-only") => asked,
            Some("no-tcp") => asked.no_tcp(),
            _ => asked.writable(value),
        })
    }

    /// # Errors
    /// A relative path, which may be a misspelled value.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.writable.iter().find(|path| !path.is_absolute()) {
            Some(path) => Err(format!("{path:?} is neither read-only, no-tcp nor an absolute path")),
            None => Ok(()),
        }
    }

    /// The rules as values of the option.
    pub(crate) fn values(&self) -> Vec<OsString> {
        let paths = self.writable.iter().map(OsString::from);
        ["read-only".into()]
            .into_iter()
            .chain(paths)
            .chain(self.forbids_tcp.then(|| "no-tcp".into()))
            .collect()
    }

    /// The command can neither bind nor connect TCP sockets. This needs Linux 6.7.
    #[must_use]
    pub fn no_tcp(mut self) -> Landlock {
        self.forbids_tcp = true;
        self
    }
}

/// The form of a filter in registry entries: null, `unconfined`, or an absolute path of any bytes.
mod seccomp_as_word {
    use crate::request::process::Seccomp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::ffi::OsString;

    pub(super) fn serialize<S: Serializer>(seccomp: &Seccomp, serializer: S) -> Result<S::Ok, S::Error> {
        let value: Option<OsString> = match seccomp {
            Seccomp::Default => None,
            Seccomp::Unconfined => Some("unconfined".into()),
            Seccomp::Profile(path) => Some(path.clone().into()),
        };
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Seccomp, D::Error> {
        Ok(match Option::<OsString>::deserialize(deserializer)? {
            None => Seccomp::Default,
            Some(value) if value == "unconfined" => Seccomp::Unconfined,
            Some(path) => Seccomp::Profile(path.into()),
        })
    }
}

/// The form of Landlock rules in registry entries: the values of the option, separated by NULs, which no path
/// contains.
mod landlock_as_words {
    use crate::request::process::Landlock;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt as _;

    pub(super) fn serialize<S: Serializer>(
        asked: &Option<Landlock>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        asked.as_ref().map(|asked| asked.values().join(OsStr::new("\0"))).serialize(serializer)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<Option<Landlock>, D::Error> {
        let values = Option::<OsString>::deserialize(deserializer)?;
        Ok(values.map(|values| {
            Landlock::of_values(values.as_bytes().split(|byte| *byte == 0).map(OsStr::from_bytes))
        }))
    }
}

/// # Errors
/// A path that is not absolute.
pub(crate) fn check_workdir(dir: &Path) -> Result<(), String> {
    if dir.is_absolute() {
        return Ok(());
    }
    let rest = dir.strip_prefix(".").ok().unwrap_or(dir);
    Err(format!(
        "{} is not an absolute path in the sandbox, such as {}",
        dir.display(),
        Path::new("/").join(rest).display()
    ))
}

impl Process {
    /// True if its user or groups differ from those of the child's first identity.
    pub(crate) fn changes_user(&self) -> bool {
        self.user.is_some() || !self.groups.is_empty()
    }

    /// A command with this environment, as root with the default capabilities of containers.
    pub(crate) fn new(environment: Environment) -> Process {
        Process {
            command: Vec::new(),
            environment,
            workdir: Workdir::Unchanged,
            user: None,
            home: None,
            groups: Vec::new(),
            keeps_groups: false,
            capabilities: Some(capabilities::default()),
            no_new_privileges: false,
            seccomp: Seccomp::Default,
            native_calls_only: false,
            landlock: None,
            writable: Vec::new(),
            limits: Vec::new(),
            umask: None,
            oom_score_adj: None,
            terminal: false,
            stop_signal: None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Landlock, Process, Seccomp};
    use crate::request::limits::{Limit, Resource};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    #[test]
    fn an_entry_of_the_registry_keeps_paths_of_any_bytes() {
        let odd = OsString::from_vec(b"/odd\xff".to_vec());
        let mut process = Process::new(Vec::new());
        process.limits = vec![Limit::new(Resource::Stack, 1, Limit::UNLIMITED)];
        process.landlock = Some(Landlock::read_only().writable(&odd).no_tcp());
        for seccomp in [Seccomp::Default, Seccomp::Unconfined, Seccomp::Profile(odd.into())] {
            process.seccomp = seccomp;
            let text = serde_json::to_vec(&process).unwrap();
            let read: Process = serde_json::from_slice(&text).unwrap();
            assert_eq!((&read.seccomp, &read.landlock), (&process.seccomp, &process.landlock));
            assert_eq!(read.limits, process.limits);
        }
    }
}
