//! Seccomp and Landlock: seccomp(2), landlock(7).

use crate::sys::Outcome;
use nix::errno::Errno;
use nix::libc::{self, c_long, c_uint, c_ulong, c_ushort};
use seccompiler::sock_filter;

/// Whether this process has a seccomp filter: prctl(2), PR_GET_SECCOMP.
///
/// # Errors
/// EINVAL if the kernel has no seccomp.
pub(crate) fn seccomp_mode() -> Outcome<c_long> {
    syscall!(libc::SYS_prctl, libc::PR_GET_SECCOMP, 0, 0, 0, 0)
}

/// Installs a filter of system calls for this process and what it starts: seccomp(2), SECCOMP_SET_MODE_FILTER with `flags`.
///
/// # Errors
/// EACCES without CAP_SYS_ADMIN in the own user namespace and without no_new_privs; EINVAL for a program that the kernel refuses.
pub(crate) fn install_filter(program: &[sock_filter], flags: c_ulong) -> Outcome<()> {
    let len = c_ushort::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    // seccompiler's instruction is the kernel's, as libc's is: struct sock_filter in linux/filter.h.
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut().cast() };
    syscall!(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program).map(drop)
}

/// The ABI of the kernel's Landlock: landlock_create_ruleset(2), LANDLOCK_CREATE_RULESET_VERSION.
///
/// # Errors
/// ENOSYS where the kernel is built without it, EOPNOTSUPP where it is not enabled.
pub(crate) fn landlock_abi() -> Outcome<i32> {
    const VERSION: c_uint = 1;
    let abi = syscall!(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, VERSION)?;
    i32::try_from(abi).map_err(|_| Errno::EOVERFLOW)
}
