//! A launch that is laid out as far as it can be before there is a child, and the start of its command.

use crate::child::exec::Command;
use crate::child::identity::{self, Identity};
use crate::child::landlock::Layer;
use crate::child::seccomp::Filter;
use crate::child::shim::Shim;
use crate::error::Error;
use crate::failure::{Failure, Step};
use crate::plan::Plan;
use crate::plan::progress::begin;
use crate::plan::steps::Kind;
use crate::request::ids::Account;
use crate::request::process::{Process, Seccomp};
use crate::request::sandbox::Sandbox;
use crate::sys;
use nix::errno::Errno;
use nix::sys::prctl::{set_dumpable, set_no_new_privs};
use nix::sys::stat::{Mode, umask};
use std::convert::Infallible;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

/// A plan and the process that it starts.
pub(crate) struct Launch {
    /// What is meant.
    pub(crate) plan: Plan,
    pub(crate) process: Prepared,
}

impl Launch {
    /// Makes a plan, and lays its process out.
    ///
    /// # Errors
    /// Those of [`Plan::new`] and [`Prepared::new`].
    pub(crate) fn new(sandbox: &Sandbox) -> Result<Launch, Error> {
        let plan = Plan::new(sandbox)?;
        let process = Prepared::new(plan.process.clone())?;
        Ok(Launch { plan, process })
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
    pub(crate) fn new(process: Process) -> Result<Prepared, Error> {
        let command = Command::new(&process)?;
        let filter = match &process.seccomp {
            Seccomp::Default if process.native_calls_only => Some(Filter::NATIVE),
            Seccomp::Default => Some(Filter::DEFAULT),
            Seccomp::Unconfined => None,
            Seccomp::Profile(file) => {
                let capabilities = process.capabilities.unwrap_or(u64::MAX);
                Some(Filter::of_file(file, capabilities, process.native_calls_only)?)
            }
        };
        let mut landlock = process.landlock.as_ref().map(Layer::new).transpose()?;
        if let Some(layer) = &mut landlock {
            layer.writable.extend(process.writable.iter().cloned());
        }
        Ok(Prepared { process, command, filter, landlock })
    }

    /// What Landlock keeps it from.
    pub(crate) fn landlock(&self) -> Option<&Layer> {
        self.landlock.as_ref()
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
        if process.changes_user() {
            begin(Kind::FindUser, b"");
        }
        let identity = identity::find(process, first)?;
        if let Some(kept) = process.capabilities {
            begin(Kind::LimitCapabilities, b"");
            sys::credentials::limit_bounding_set(kept).map_err(Failure::on(Step::LimitCapabilities, b""))?;
        }
        self.confine()?;
        if process.changes_user() {
            begin(Kind::BecomeUser, b"");
        }
        identity.assume().map_err(|errno| self.not_assumed(&identity, errno))?;
        if process.user.is_some() {
            // Other IDs make a process dumpable again where fs.suid_dumpable is 1: proc_sys_fs(5).
            set_dumpable(false).map_err(Failure::on(Step::BecomeUser, identity.name()))?;
        }
        if let Some(kept) = process.capabilities {
            begin(Kind::SetCapabilities, b"");
            let kept = if identity.is_root() { kept } else { 0 };
            sys::credentials::set_capabilities(kept).map_err(Failure::on(Step::LimitCapabilities, b""))?;
        }
        if process.no_new_privileges {
            begin(Kind::SetNoNewPrivs, b"");
            set_no_new_privs().map_err(Failure::on(Step::LimitCapabilities, b""))?;
        }
        self.command.execute(identity.home(), shim)
    }

    /// What could not be assumed is what was asked for: the user, or else groups besides.
    fn not_assumed(&self, identity: &Identity, errno: Errno) -> Failure {
        // What setgroups(2) refuses says nothing of an ID that is not mapped: that comes first, as it is not to be had at all.
        let errno = if errno == Errno::EPERM && identity.is_unmapped() { Errno::EINVAL } else { errno };
        if self.process.user.is_some() || self.process.groups.is_empty() {
            return Failure::new(Step::BecomeUser, identity.name(), errno);
        }
        let names: Vec<Vec<u8>> = self.process.groups.iter().map(Account::shown).collect();
        Failure::new(Step::SetGroups, &names.join(&b' '), errno)
    }

    /// Landlock goes first: the filter stays what the command is held to last.
    fn confine(&self) -> Result<(), Failure> {
        if let Some(layer) = &self.landlock {
            begin(Kind::EnforceLandlock, b"");
            layer
                .enforce()
                .map_err(|(path, errno)| Failure::new(Step::Landlock, path.as_os_str().as_bytes(), errno))?;
        }
        let Some(filter) = &self.filter else { return Ok(()) };
        begin(Kind::InstallSeccomp, b"");
        filter.install().map_err(Failure::on(Step::Seccomp, b""))
    }

    /// Takes its oom_score_adj on, which a process that is not dumpable cannot write any more: proc(5).
    ///
    /// # Errors
    /// EACCES for less than the caller's.
    pub(crate) fn adjust_oom_score(&self) -> Result<(), Failure> {
        let Some(adjustment) = self.process.oom_score_adj else { return Ok(()) };
        begin(Kind::AdjustOomScore, b"");
        sys::outcome_of(fs::write("/proc/self/oom_score_adj", adjustment.to_string()))
            .map_err(Failure::on(Step::Limit, b"oom_score_adj"))
    }

    /// The caller's keys are not the command's (property L10): session-keyring(7).
    fn join_session_keyring(&self) -> Result<(), Failure> {
        begin(Kind::LeaveKeyring, b"");
        match sys::credentials::join_new_session_keyring() {
            // Error ignored: the built-in filter forbids the command all calls for keys.
            Err(_) if self.process.seccomp == Seccomp::Default => Ok(()),
            // Error ignored: the kernel has no keys, or a filter around this sandbox keeps the command from all keyrings as well.
            Err(errno @ (Errno::ENOSYS | Errno::EPERM | Errno::EACCES))
                if sys::credentials::session_keyring() == Err(errno) =>
            {
                Ok(())
            }
            joined => joined.map_err(Failure::on(Step::Keyring, b"")),
        }
    }

    fn limit(&self) -> Result<(), Failure> {
        for limit in &self.process.limits {
            begin(Kind::SetLimit, limit.resource.name().as_bytes());
            sys::process::set_limit(limit.resource as u32, limit.soft, limit.hard)
                .map_err(Failure::on(Step::Limit, limit.resource.name().as_bytes()))?;
        }
        if let Some(mask) = self.process.umask {
            begin(Kind::SetUmask, b"");
            umask(Mode::from_bits_truncate(mask));
        }
        Ok(())
    }
}
