//! Privilege: put aside before anything is read, and in force only inside one closure.

use crate::error::Error;
use idmap::{IdKind, Request};
use rustix::fs::{AtFlags, CWD, StatVfsMountFlags, statat, statvfs};
use rustix::io::Result as Outcome;
use rustix::process::{
    DumpableBehavior, Gid, Resource, Rlimit, Uid, getgid, getuid, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, no_new_privs,
};
use rustix::thread::{set_capabilities, set_keep_capabilities, set_thread_res_gid, set_thread_res_uid};

const OWN_PROGRAM: &str = "/proc/self/exe";

/// The proof that privilege has been put aside, and the only way to put it in force again.
pub(crate) struct Privileges {
    uid: Uid,
    gid: Gid,
    held: CapabilitySet,
}

/// The proof that privilege is in force, which writing a map needs.
pub(crate) struct InForce(());

/// Becomes the caller, with at most CAP_SETUID and CAP_SETGID permitted and none effective.
///
/// Whether they came from a setuid bit, from file capabilities or from both makes no difference afterwards. The last
/// change of credentials resets the dumpable flag to fs.suid_dumpable (prctl(2)), so it is cleared after it.
pub(crate) fn set_aside<'m>() -> Result<Privileges, Error<'m>> {
    become_caller().map_err(|errno| Error::Kernel("putting privilege aside", errno))
}

fn become_caller() -> Outcome<Privileges> {
    set_keep_capabilities(true)?;
    let (uid, gid) = (getuid(), getgid());
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    let held = capabilities(None)?.permitted & (CapabilitySet::SETUID | CapabilitySet::SETGID);
    let privileges = Privileges { uid, gid, held };
    privileges.set_effective(CapabilitySet::empty())?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(privileges)
}

impl Privileges {
    /// The caller's user ID: real, effective and saved.
    pub(crate) fn uid(&self) -> u32 {
        self.uid.as_raw()
    }

    /// The caller's group ID: real, effective and saved.
    pub(crate) fn gid(&self) -> u32 {
        self.gid.as_raw()
    }

    /// Refuses a request for which a capability is missing, and finds out why it is.
    pub(crate) fn cover<'m>(&self, request: &Request) -> Result<(), Error<'m>> {
        let asked = |kind: &IdKind| !request.map(*kind).is_empty();
        match IdKind::BOTH.into_iter().filter(asked).find(|kind| !self.held.contains(needed(*kind))) {
            Some(kind) => Err(Error::NoPrivilege(kind, why_not_held(kind))),
            None => Ok(()),
        }
    }

    /// Runs `act` with what is held in force, and puts it aside again however `act` ends.
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

fn needed(kind: IdKind) -> CapabilitySet {
    match kind {
        IdKind::Uid => CapabilitySet::SETUID,
        IdKind::Gid => CapabilitySet::SETGID,
    }
}

fn why_not_held(kind: IdKind) -> &'static str {
    let is_setuid_root = || {
        statat(CWD, OWN_PROGRAM, AtFlags::empty())
            .is_ok_and(|file| file.st_mode & 0o4000 != 0 && file.st_uid == 0)
    };
    if no_new_privs().unwrap_or(false) {
        "no_new_privs is set, so a setuid bit and file capabilities are ignored"
    } else if statvfs(OWN_PROGRAM).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::NOSUID)) {
        "the program lies on a nosuid mount"
    } else if !capability_is_in_bounding_set(needed(kind)).unwrap_or(true) {
        "it is not in the capability bounding set"
    } else if is_setuid_root() {
        "the program is setuid root, but this user namespace ignores it"
    } else {
        "the program is neither setuid root nor has the file capability"
    }
}
