//! A second layer below the mounts: Landlock. landlock(7), and the kernel's Documentation/userspace-api/landlock.rst.
//!
//! Nothing of the file system is written but what is named, whatever the command is mapped to; and signals and abstract
//! sockets stay among the processes inside. It forbids every change of mounts, nested sandboxes with them, so that it is asked for.

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

/// What the option is called in a message.
const OPTION: &str = "--security-opt landlock";
/// The newest ABI whose rights are asked for; an older kernel enforces what it has.
const NEWEST: ABI = ABI::V6;
/// Where `read-only` lets the command write: private to the sandbox, or guarded by the kernel itself.
const ALWAYS_WRITABLE: [&str; 3] = ["/tmp", "/dev", "/proc"];

/// What the command may do, and what this kernel can enforce of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    /// Below these it may write, by their names inside.
    pub writable: Vec<PathBuf>,
    /// True when it may not bind or connect TCP sockets.
    pub forbids_tcp: bool,
    /// The kernel's ABI.
    abi: i32,
}

impl Layer {
    /// Lays it out.
    ///
    /// # Errors
    /// A kernel without Landlock, or with less than is asked for.
    pub(crate) fn new(asked: &Landlock) -> Result<Layer, Error> {
        let abi = sys::credentials::landlock_abi().map_err(|errno| match errno {
            Errno::EOPNOTSUPP => {
                usage("the kernel has Landlock, but not in the list lsm= that it was started with")
            }
            Errno::ENOSYS => usage("this kernel is built without Landlock"),
            errno => usage(&reason(errno)),
        })?;
        if asked.forbids_tcp && abi < ABI::V4 as i32 {
            return Err(usage(&format!(
                "no-tcp needs Landlock ABI 4 of Linux 6.7, and this kernel has {abi}"
            )));
        }
        let always = ALWAYS_WRITABLE.iter().map(PathBuf::from);
        let writable = always.chain(asked.writable.iter().cloned()).collect();
        Ok(Layer { writable, forbids_tcp: asked.forbids_tcp, abi })
    }

    /// Enforces it on this process and all that it starts; CAP_SYS_ADMIN of the own user namespace takes the place of no_new_privs.
    ///
    /// # Errors
    /// The path that cannot be opened, or nothing, and the kernel's reason.
    pub(crate) fn enforce(&self) -> Result<(), (&Path, Errno)> {
        let on_none = |_| (Path::new(""), Errno::last());
        let mut ruleset = self.ruleset().and_then(Ruleset::create).map_err(on_none)?;
        ruleset = ruleset
            .add_rule(beneath("/", AccessFs::from_read(NEWEST)).map_err(|errno| (Path::new("/"), errno))?)
            .map_err(on_none)?;
        for path in &self.writable {
            match beneath(path, AccessFs::from_all(NEWEST)) {
                Ok(rule) => ruleset = ruleset.add_rule(rule).map_err(on_none)?,
                // A root without /tmp has nothing to be written there.
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

/// What the kernel enforces of it, in one line.
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "landlock (ABI {}): nothing is written but below", self.abi)?;
        self.writable.iter().try_for_each(|path| write!(f, " {}", path.display()))?;
        if self.forbids_tcp {
            write!(f, "; no TCP")?;
        }
        let since = |abi: ABI| self.abi >= abi as i32;
        let enforced = if since(ABI::V6) { "stay" } else { "do NOT stay (ABI 6, Linux 6.12)" };
        write!(f, "; signals and abstract sockets {enforced} inside")?;
        if !since(ABI::V3) {
            write!(f, "; truncation is NOT stopped (ABI 3, Linux 6.2)")?;
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
