//! A second layer below the mounts: Landlock. See landlock(7), and Documentation/userspace-api/landlock.rst
//! in the kernel's source.
//!
//! The command can write only to the named paths, whatever IDs it has, and can send signals and connect
//! abstract sockets only to processes in the sandbox. Landlock forbids every change of mounts, and so nested
//! sandboxes; therefore it is off by default.

use crate::error::Error;
use crate::failure::reason;
use crate::request::process::Landlock;
use crate::sys;
use crate::sys::lookup::open_inside;
use ::landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The option's name in messages.
const OPTION: &str = "--security-opt landlock";
/// The newest ABI whose rights are requested. Older kernels enforce the rights they have.
const NEWEST: ABI = ABI::V6;
/// What the command can write with `read-only`: paths that are private to the sandbox or protected by the
/// kernel.
const ALWAYS_WRITABLE: [&str; 3] = ["/tmp", "/dev", "/proc"];

/// The paths that the command may write, and what this kernel can enforce.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    /// The command may write below these paths of the sandbox.
    pub writable: Vec<PathBuf>,
    /// True if it may not bind or connect TCP sockets.
    pub forbids_tcp: bool,
    /// The kernel's ABI.
    abi: i32,
}

impl Layer {
    /// Checks that the kernel supports the request.
    ///
    /// # Errors
    /// The kernel has no Landlock, or an older ABI than the request needs.
    pub(crate) fn new(asked: &Landlock) -> Result<Layer, Error> {
        let abi = sys::credentials::landlock_abi().map_err(|errno| match errno {
            Errno::EOPNOTSUPP => {
                usage("the kernel has Landlock, but its boot parameter lsm= does not enable it")
            }
            Errno::ENOSYS => usage("this kernel is built without Landlock"),
            errno => usage(&reason(errno)),
        })?;
        if asked.forbids_tcp && abi < ABI::V4 as i32 {
            return Err(usage(&format!(
                "no-tcp needs Landlock ABI 4 (Linux 6.7), and this kernel has ABI {abi}"
            )));
        }
        let always = ALWAYS_WRITABLE.iter().map(PathBuf::from);
        let writable = always.chain(asked.writable.iter().cloned()).collect();
        Ok(Layer { writable, forbids_tcp: asked.forbids_tcp, abi })
    }

    /// Enforces it on this process and its descendants. no_new_privs is not needed, because the process has
    /// CAP_SYS_ADMIN in its user namespace.
    ///
    /// # Errors
    /// The path that cannot be opened (empty if the error has none), and the kernel's reason.
    pub(crate) fn enforce(&self) -> Result<(), (&Path, Errno)> {
        let on_none = |_| (Path::new(""), Errno::last());
        let mut ruleset = self.ruleset().and_then(Ruleset::create).map_err(on_none)?;
        ruleset = ruleset
            .add_rule(beneath("/", AccessFs::from_read(NEWEST)).map_err(|errno| (Path::new("/"), errno))?)
            .map_err(on_none)?;
        for path in &self.writable {
            match beneath(path, AccessFs::from_all(NEWEST)) {
                Ok(rule) => ruleset = ruleset.add_rule(rule).map_err(on_none)?,
                // A root without /tmp needs no rule for it.
                Err(Errno::ENOENT) if ALWAYS_WRITABLE.iter().any(|known| path == Path::new(known)) => {}
                Err(errno) => return Err((path, errno)),
            }
        }
        let status = ruleset.no_new_privs(false).restrict_self().map_err(on_none)?;
        if status.ruleset == RulesetStatus::NotEnforced {
            Err((Path::new(""), Errno::ENOSYS))
        } else {
            Ok(())
        }
    }

    fn ruleset(&self) -> Result<Ruleset, RulesetError> {
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?
            .scope(Scope::AbstractUnixSocket | Scope::Signal)?;
        if self.forbids_tcp {
            ruleset.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)
        } else {
            Ok(ruleset)
        }
    }
}

/// What the kernel enforces, in one line.
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "landlock (ABI {}): writable only below", self.abi)?;
        self.writable.iter().try_for_each(|path| write!(f, " {}", path.display()))?;
        if self.forbids_tcp {
            write!(f, "; no TCP")?;
        }
        let since = |abi: ABI| self.abi >= abi as i32;
        let enforced = if since(ABI::V6) { "are" } else { "are NOT (needs ABI 6, Linux 6.12)" };
        write!(f, "; signals and abstract sockets {enforced} confined")?;
        if !since(ABI::V3) {
            write!(f, "; truncation is NOT prevented (needs ABI 3, Linux 6.2)")?;
        }
        Ok(())
    }
}

fn beneath(path: impl AsRef<Path>, access: BitFlags<AccessFs>) -> Result<PathBeneath<OwnedFd>, Errno> {
    open_inside(path.as_ref(), OFlag::O_PATH).map(|file| PathBeneath::new(file, access))
}

fn usage(why: &str) -> Error {
    Error::Usage { what: OPTION, why: why.into() }
}
