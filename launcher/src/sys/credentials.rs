//! Capabilities and keys of this process: capabilities(7), keyctl(2).

use crate::sys::Outcome;
use nix::errno::Errno;
use nix::libc::{self, c_char, c_int};

/// Joins a new, empty session keyring: keyctl(2).
///
/// # Errors
/// ENOSYS for a kernel without keys, EDQUOT where the user's quota is used up.
pub(crate) fn join_new_session_keyring() -> Outcome<()> {
    /// KEYCTL_JOIN_SESSION_KEYRING in linux/keyctl.h.
    const JOIN_SESSION_KEYRING: c_int = 1;
    syscall!(libc::SYS_keyctl, JOIN_SESSION_KEYRING, std::ptr::null::<c_char>()).map(drop)
}

/// Removes every capability but those of `keep` (a bit set) from the bounding set.
///
/// # Errors
/// EPERM without CAP_SETPCAP.
pub(crate) fn limit_bounding_set(keep: u64) -> Outcome<()> {
    /// CAP_AUDIT_READ in linux/capability.h.
    const AUDIT_READ: u32 = 37;
    for capability in (0..64).filter(|bit| keep & (1 << bit) == 0) {
        // EINVAL: the kernel has no capability of this number, nor a higher one. Every kernel since Linux 3.16 has CAP_AUDIT_READ.
        match syscall!(libc::SYS_prctl, libc::PR_CAPBSET_DROP, capability, 0, 0, 0) {
            Err(Errno::EINVAL) if capability > AUDIT_READ => break,
            dropped => dropped.map(drop)?,
        }
    }
    Ok(())
}

/// Holds exactly `keep` (a bit set), permitted and effective; ambient and inheritable sets are empty then.
///
/// # Errors
/// EPERM for what is not permitted.
pub(crate) fn set_capabilities(keep: u64) -> Outcome<()> {
    /// _LINUX_CAPABILITY_VERSION_3 in linux/capability.h.
    const VERSION_3: u32 = 0x2008_0522;
    let low = u32::try_from(keep & u64::from(u32::MAX)).map_err(|_| Errno::EOVERFLOW)?;
    let high = u32::try_from(keep >> 32).map_err(|_| Errno::EOVERFLOW)?;
    let header = [VERSION_3, 0];
    let sets = [[low, low, 0], [high, high, 0]];
    syscall!(libc::SYS_capset, header.as_ptr(), sets.as_ptr()).map(drop)
}

/// The effective capabilities of this process as a bit set.
///
/// # Errors
/// None that a kernel of this century gives.
pub(crate) fn effective_capabilities() -> Outcome<u64> {
    let header = [0x2008_0522_u32, 0];
    let mut sets = [[0_u32; 3]; 2];
    syscall!(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr())?;
    Ok(u64::from(sets[0][0]) | (u64::from(sets[1][0]) << 32))
}
