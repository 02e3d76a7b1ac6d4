//! The privileges of this process: capabilities(7), keyctl(2), seccomp(2), landlock(7).

use crate::sys::Outcome;
use nix::errno::Errno;
use nix::libc::{self, c_char, c_int, c_long, c_uint, c_ulong, c_ushort};
use seccompiler::sock_filter;

/// Joins a new, empty session keyring: keyctl(2).
///
/// # Errors
/// ENOSYS if the kernel has no keyrings, EDQUOT if the user's quota is used up.
pub(crate) fn join_new_session_keyring() -> Outcome<()> {
    /// KEYCTL_JOIN_SESSION_KEYRING in linux/keyctl.h.
    const JOIN_SESSION_KEYRING: c_int = 1;
    syscall!(libc::SYS_keyctl, JOIN_SESSION_KEYRING, std::ptr::null::<c_char>()).map(drop)
}

/// Checks for a session keyring: keyctl(2).
///
/// # Errors
/// ENOSYS if the kernel has no keyrings.
pub(crate) fn session_keyring() -> Outcome<()> {
    /// KEYCTL_GET_KEYRING_ID and KEY_SPEC_SESSION_KEYRING in linux/keyctl.h.
    const GET_KEYRING_ID: c_int = 0;
    const SESSION_KEYRING: c_int = -3;
    syscall!(libc::SYS_keyctl, GET_KEYRING_ID, SESSION_KEYRING, 0).map(drop)
}

/// Removes every capability except those of `keep` (a bit set) from the bounding set.
///
/// # Errors
/// EPERM without CAP_SETPCAP.
pub(crate) fn limit_bounding_set(keep: u64) -> Outcome<()> {
    /// CAP_AUDIT_READ in linux/capability.h.
    const AUDIT_READ: u32 = 37;
    for capability in (0..64).filter(|bit| keep & (1 << bit) == 0) {
        // EINVAL: the kernel does not have this capability or any higher one. Every kernel since Linux 3.16
        // has CAP_AUDIT_READ.
        match syscall!(libc::SYS_prctl, libc::PR_CAPBSET_DROP, capability, 0, 0, 0) {
            Err(Errno::EINVAL) if capability > AUDIT_READ => break,
            dropped => dropped.map(drop)?,
        }
    }
    Ok(())
}

/// Sets the permitted and effective sets to exactly `keep` (a bit set), and clears the ambient and
/// inheritable sets.
///
/// # Errors
/// EPERM if a capability is not permitted.
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
/// An error of capget(2).
pub(crate) fn effective_capabilities() -> Outcome<u64> {
    let header = [0x2008_0522_u32, 0];
    let mut sets = [[0_u32; 3]; 2];
    syscall!(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr())?;
    Ok(u64::from(sets[0][0]) | (u64::from(sets[1][0]) << 32))
}

/// The seccomp mode of this process, which shows whether it has a filter: prctl(2), PR_GET_SECCOMP.
///
/// # Errors
/// EINVAL if the kernel has no seccomp.
pub(crate) fn seccomp_mode() -> Outcome<c_long> {
    syscall!(libc::SYS_prctl, libc::PR_GET_SECCOMP, 0, 0, 0, 0)
}

/// Installs a system call filter for this process and its descendants: seccomp(2), SECCOMP_SET_MODE_FILTER
/// with `flags`.
///
/// # Errors
/// EACCES without CAP_SYS_ADMIN in this user namespace and without no_new_privs; EINVAL for a program that
/// the kernel refuses.
pub(crate) fn install_filter(program: &[sock_filter], flags: c_ulong) -> Outcome<()> {
    let len = c_ushort::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    // seccompiler's instruction type has the same layout as libc's and the kernel's: struct sock_filter in
    // linux/filter.h.
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut().cast() };
    syscall!(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program).map(drop)
}

/// The kernel's Landlock ABI version: landlock_create_ruleset(2), LANDLOCK_CREATE_RULESET_VERSION.
///
/// # Errors
/// ENOSYS if the kernel is built without Landlock, EOPNOTSUPP if it is not enabled.
pub(crate) fn landlock_abi() -> Outcome<i32> {
    const VERSION: c_uint = 1;
    let abi = syscall!(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, VERSION)?;
    i32::try_from(abi).map_err(|_| Errno::EOVERFLOW)
}
