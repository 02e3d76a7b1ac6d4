//! Privilege is put aside before anything is read, and is in force only inside one closure.

use crate::Start;
use crate::error::Error;
use crate::program::needed;
use rustix::fs::{AtFlags, CWD, Stat, StatVfsMountFlags, getxattr, statat, statvfs};
use rustix::io::{Errno, Result as Outcome};
use rustix::process::{DumpableBehavior, Gid, Resource, Rlimit, Uid, set_dumpable_behavior, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, no_new_privs,
};
use rustix::thread::{set_capabilities, set_keep_capabilities, set_thread_res_gid, set_thread_res_uid};
use subroot_idmap::{IdKind, Request};

const OWN_PROGRAM: &str = "/proc/self/exe";

/// Proof that privilege has been put aside, and the only way to put it in force again.
pub(crate) struct Privileges {
    held: CapabilitySet,
}

/// Proof that privilege is in force, which writing a map requires.
pub(crate) struct InForce(());

/// Becomes the caller, with at most CAP_SETUID and CAP_SETGID permitted and none effective.
///
/// Afterwards it does not matter whether privilege came from a setuid bit, from file capabilities or from
/// both. Each change of credentials resets the dumpable flag to fs.suid_dumpable (prctl(2)), so it is cleared
/// last.
pub(crate) fn set_aside<'m>(start: &Start) -> Result<Privileges, Error<'m>> {
    become_caller(start).map_err(|errno| Error::Kernel("putting privilege aside", errno))
}

fn become_caller(start: &Start) -> Outcome<Privileges> {
    set_keep_capabilities(true)?;
    let (uid, gid) = (Uid::from_raw(start.uid), Gid::from_raw(start.gid));
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    let privileges = keep(start.program.capabilities())?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(privileges)
}

/// Keeps these capabilities permitted. If the kernel refuses (EPERM), keeps the subset that the process has.
fn keep(wanted: CapabilitySet) -> Outcome<Privileges> {
    let privileges = Privileges { held: wanted };
    match privileges.set_effective(CapabilitySet::empty()) {
        Err(Errno::PERM) => {}
        outcome => return outcome.map(|()| privileges),
    }
    let privileges = Privileges { held: capabilities(None)?.permitted & wanted };
    privileges.set_effective(CapabilitySet::empty())?;
    Ok(privileges)
}

impl Privileges {
    /// Fails if a capability for the request is missing, and reports why it is.
    pub(crate) fn cover<'m>(&self, request: &Request) -> Result<(), Error<'m>> {
        let missing = request.kinds().find(|kind| !self.held.contains(needed(*kind)));
        missing.map_or(Ok(()), |kind| Err(Error::NoPrivilege(kind, why_not_held(kind))))
    }

    /// Runs `act` with the held capabilities effective, and drops them again whether or not `act` succeeds.
    pub(crate) fn in_force<'m>(
        &self,
        act: impl FnOnce(InForce) -> Result<(), Error<'m>>,
    ) -> Result<(), Error<'m>> {
        let set =
            |what| self.set_effective(what).map_err(|errno| Error::Kernel("changing capabilities", errno));
        set(self.held)?;
        let outcome = act(InForce(()));
        set(CapabilitySet::empty())?;
        outcome
    }

    fn set_effective(&self, effective: CapabilitySet) -> Outcome<()> {
        let inheritable = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective, permitted: self.held, inheritable })
    }
}

fn why_not_held(kind: IdKind) -> &'static str {
    if no_new_privs().unwrap_or(false) {
        "no_new_privs is set, so a setuid bit and file capabilities are ignored"
    } else if statvfs(OWN_PROGRAM).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::NOSUID)) {
        "the program lies on a nosuid mount"
    } else if !capability_is_in_bounding_set(needed(kind)).unwrap_or(true) {
        "it is not in the capability bounding set"
    } else if is_marked_privileged() {
        "the program's setuid bit or file capabilities lack it, or a tracer or this user namespace keeps them from counting"
    } else {
        "the program is neither setuid root nor has the file capability"
    }
}

fn is_marked_privileged() -> bool {
    let is_setuid_root = |file: Stat| file.st_mode & 0o4000 != 0 && file.st_uid == 0;
    statat(CWD, OWN_PROGRAM, AtFlags::empty()).is_ok_and(is_setuid_root)
        || getxattr(OWN_PROGRAM, "security.capability", &mut [0_u8; 64]).is_ok()
}
