//! A launch that is prepared as far as possible before the child exists, and the start of its command.

use crate::child::ends::ChildEnds;
use crate::child::exec::Command;
use crate::child::identity::{self, Identity};
use crate::child::landlock::Layer;
use crate::child::passed;
use crate::child::seccomp::Filter;
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
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

/// A plan and the prepared process that it starts.
pub(crate) struct Launch {
    /// The plan.
    pub(crate) plan: Plan,
    pub(crate) process: Prepared,
    /// The command's standard streams, if they are not the caller's.
    pub(crate) streams: Option<[OwnedFd; 3]>,
}

impl Launch {
    /// Makes a plan and prepares its process.
    ///
    /// # Errors
    /// The errors of [`Plan::new`] and [`Prepared::new`].
    pub(crate) fn new(sandbox: &Sandbox) -> Result<Launch, Error> {
        Launch::of(Plan::new(sandbox)?)
    }

    /// Prepares the process of a plan.
    ///
    /// # Errors
    /// The errors of [`Prepared::new`].
    pub(crate) fn of(plan: Plan) -> Result<Launch, Error> {
        let process = Prepared::new(plan.process.clone())?;
        Ok(Launch { plan, process, streams: None })
    }

    /// Makes the command's standard streams those of this process.
    ///
    /// # Errors
    /// An error of dup2(2).
    pub(crate) fn take_streams(&self) -> Result<(), Failure> {
        for (number, stream) in (0..).zip(self.streams.iter().flatten()) {
            sys::descriptors::duplicate_to(stream, number).map_err(Failure::on(Step::Streams, b""))?;
        }
        Ok(())
    }
}

/// A process that is prepared as far as possible before the child exists.
pub(crate) struct Prepared {
    process: Process,
    command: Command,
    filter: Option<Filter>,
    landlock: Option<Layer>,
}

impl Prepared {
    /// Prepares it.
    ///
    /// # Errors
    /// Arguments that no command can have, or a seccomp profile that cannot be used.
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

    /// The Landlock layer, if one was requested.
    pub(crate) fn landlock(&self) -> Option<&Layer> {
        self.landlock.as_ref()
    }

    /// The process as requested.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Becomes the command. `first` is the current identity of this process.
    ///
    /// Descriptors come first, as a limit may be below their numbers. Limits come next, because some of them
    /// need the old identity. The filter and the bounding set come
    /// before the user changes, because they need capabilities that the user may lack. The working directory
    /// comes last, so that it is entered with the user's own rights.
    ///
    /// # Errors
    /// Why the command could not be executed. On success this does not return.
    pub(crate) fn start(&self, first: Identity, ends: &ChildEnds) -> Result<Infallible, Failure> {
        let process = &self.process;
        if !ends.passed.descriptors.is_empty() {
            begin(Kind::PassDescriptors, b"");
            passed::place(&ends.passed).map_err(Failure::on(Step::PassDescriptors, b""))?;
        }
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
            // Changing IDs makes a process dumpable again if fs.suid_dumpable is 1: proc_sys_fs(5).
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
        self.command.execute(identity.home(), ends)
    }

    /// The failure names what was requested: the user, or the additional groups if there is no user.
    fn not_assumed(&self, identity: &Identity, errno: Errno) -> Failure {
        // EPERM from setgroups(2) hides an unmapped ID. Report that first, because no setting makes such an
        // ID available.
        let errno = if errno == Errno::EPERM && identity.is_unmapped() { Errno::EINVAL } else { errno };
        if self.process.user.is_some() || self.process.groups.is_empty() {
            return Failure::new(Step::BecomeUser, identity.name(), errno);
        }
        let names: Vec<Vec<u8>> = self.process.groups.iter().map(Account::shown).collect();
        Failure::new(Step::SetGroups, &names.join(&b' '), errno)
    }

    /// Applies Landlock, then the filter: the filter could forbid Landlock's system calls.
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

    /// Sets oom_score_adj. A process that is not dumpable can no longer write it: proc(5).
    ///
    /// # Errors
    /// EACCES for a value below the caller's.
    pub(crate) fn adjust_oom_score(&self) -> Result<(), Failure> {
        let Some(adjustment) = self.process.oom_score_adj else { return Ok(()) };
        begin(Kind::AdjustOomScore, b"");
        sys::outcome_of(fs::write("/proc/self/oom_score_adj", adjustment.to_string()))
            .map_err(Failure::on(Step::Limit, b"oom_score_adj"))
    }

    /// Replaces the session keyring, so that the command cannot use the caller's keys (property L10):
    /// session-keyring(7).
    fn join_session_keyring(&self) -> Result<(), Failure> {
        begin(Kind::LeaveKeyring, b"");
        match sys::credentials::join_new_session_keyring() {
            // Error ignored: the built-in filter denies the command every keyring call.
            Err(_) if self.process.seccomp == Seccomp::Default => Ok(()),
            // Error ignored: the kernel has no keyrings, or an outer filter keeps the command from them too.
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
