//! The process that is started inside: what OCI's runtime specification calls process.

use crate::request::capabilities;
use crate::request::environment::Environment;
use crate::request::ids::{Account, UserSpec};
use crate::request::limits::Limit;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Everything about it, as it was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The command and its arguments; a shell where there are none.
    pub(crate) command: Vec<OsString>,
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
    /// Which system calls it may make.
    #[serde(with = "seccomp_as_word")]
    pub(crate) seccomp: Seccomp,
    /// True when system calls of any architecture but the kernel's own fail.
    pub(crate) native_calls_only: bool,
    /// What Landlock keeps it from.
    #[serde(with = "landlock_as_words")]
    pub(crate) landlock: Option<Landlock>,
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

/// Which system calls a command may make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seccomp {
    /// All but those that reach out of the sandbox: docs/seccomp.md.
    #[default]
    Default,
    /// Every one.
    Unconfined,
    /// Those of this file, in the format of docker's and podman's profiles.
    Profile(PathBuf),
}

/// What Landlock keeps a command from, whatever is mounted: it can write only below some paths, and signals and abstract sockets stay
/// inside. See landlock(7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landlock {
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) forbids_tcp: bool,
}

impl Landlock {
    /// It can write to /tmp, /dev, /proc and to mounts that were asked for and are not read-only.
    pub fn read_only() -> Landlock {
        Landlock::default()
    }

    /// It can also write below this absolute path inside.
    #[must_use]
    pub fn writable(mut self, path: impl Into<PathBuf>) -> Landlock {
        self.writable.push(path.into());
        self
    }

    /// By the values of the option: `read-only`, `no-tcp` and paths.
    pub(crate) fn of_values<'v>(values: impl Iterator<Item = &'v OsStr>) -> Landlock {
        values.fold(Landlock::read_only(), |asked, value| match value.to_str() {
            Some("read-only") => asked,
            Some("no-tcp") => asked.no_tcp(),
            _ => asked.writable(value),
        })
    }

    /// # Errors
    /// A relative path, which may be a value that the option does not have.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.writable.iter().find(|path| !path.is_absolute()) {
            Some(path) => Err(format!("{path:?} is neither read-only, no-tcp nor an absolute path")),
            None => Ok(()),
        }
    }

    /// The values of the option.
    pub(crate) fn values(&self) -> Vec<OsString> {
        let paths = self.writable.iter().map(OsString::from);
        ["read-only".into()]
            .into_iter()
            .chain(paths)
            .chain(self.forbids_tcp.then(|| "no-tcp".into()))
            .collect()
    }

    /// It can neither bind nor connect TCP sockets; this needs Linux 6.7.
    #[must_use]
    pub fn no_tcp(mut self) -> Landlock {
        self.forbids_tcp = true;
        self
    }
}

/// In an entry of the registry, a filter is none, `unconfined`, or an absolute path of any bytes.
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

/// The same for Landlock: the values of the option, with a NUL between, which no path has.
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

impl Process {
    /// True if it runs as another user than the child's first, or with other groups.
    pub(crate) fn changes_user(&self) -> bool {
        self.user.is_some() || !self.groups.is_empty()
    }

    /// A command with this environment, as root with a container's capabilities.
    pub(crate) fn new(environment: Environment) -> Process {
        Process {
            command: Vec::new(),
            environment,
            workdir: Workdir::Unchanged,
            user: None,
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
