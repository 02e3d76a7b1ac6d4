//! Why the kernel creates no namespaces here.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

use crate::causes::{
    CHROOT, CONTAINER, Cause, EMULATOR, FORBIDDEN, LIMIT_OUTSIDE, NO_MORE_NAMESPACES, NO_NAMESPACES, NPROC,
    PID_DEPTH, SECCOMP, USER_DEPTH, USERNS_CLONE,
};
use crate::diagnose::probes::{apparmor, own_status, proc, setting};
use crate::request::namespaces::KINDS;
use crate::sys;
use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{Resource, getrlimit};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The suggested limit if the current one is zero or low.
const MORE: u64 = 15000;
/// The limit in a new user namespace, and the highest possible one: INT_MAX.
const UNLIMITED: u64 = i32::MAX as u64;

/// Why clone failed with this errno for these kinds of namespaces (flags of clone(2)): clone(2), ERRORS.
pub(crate) fn refused(errno: Errno, flags: i32) -> Option<Cause> {
    by_apparmor(errno).or_else(|| by_others(errno, flags))
}

/// AppArmor's own error is EACCES, which clone(2) never returns otherwise.
fn by_apparmor(errno: Errno) -> Option<Cause> {
    match errno {
        Errno::EPERM => apparmor::restricted(),
        Errno::EACCES => apparmor::restricted().or_else(apparmor::enforced),
        _ => None,
    }
}

fn by_others(errno: Errno, flags: i32) -> Option<Cause> {
    let is = |path: &str, value: &str| setting(path).as_deref() == Some(value);
    match errno {
        Errno::EPERM if is("/proc/sys/kernel/unprivileged_userns_clone", "0") => {
            Some(Cause::new(&USERNS_CLONE, &[]))
        }
        Errno::EPERM if is_chroot() => Some(Cause::new(&CHROOT, &[])),
        Errno::EPERM | Errno::ENOSYS | Errno::EACCES if own_status("Seccomp").as_deref() == Some("2") => {
            let around = container().unwrap_or("the process that started this one");
            Some(Cause::new(&SECCOMP, &[("container", &around)]))
        }
        // Creating any kind except user needs a capability. If a profile denies it, the error is EPERM.
        Errno::EPERM | Errno::EACCES => apparmor::enforced().or_else(forbidden),
        Errno::EINVAL if is_emulated() => Some(Cause::new(&EMULATOR, &[])),
        Errno::EINVAL => forbidden(),
        Errno::ENOSPC | Errno::EUSERS => limit(flags),
        Errno::EAGAIN => {
            let limit = getrlimit(Resource::RLIMIT_NPROC).ok()?.0;
            Some(Cause::new(&NPROC, &[("limit", &limit)]))
        }
        _ => None,
    }
}

fn forbidden() -> Option<Cause> {
    proc::subset().or_else(|| Some(Cause::new(&FORBIDDEN, &[])))
}

/// Which limit on these kinds was reached. ENOSPC can mean a limit of this user namespace, a limit of one
/// above it, or too many nested levels: user_namespaces(7), pid_namespaces(7).
fn limit(flags: i32) -> Option<Cause> {
    let mut kinds = KINDS.iter().filter(|(_, flag)| flags & flag != 0);
    let (name, flag) = kinds.find(|(_, flag)| is_used_up(*flag))?;
    let limit = format!("max_{name}_namespaces");
    let Some(value) = setting(&format!("/proc/sys/user/{limit}")) else { return proc::subset() };
    let value: u64 = value.parse().ok()?;
    let kind = match *flag {
        _ if value == 0 => &NO_NAMESPACES,
        libc::CLONE_NEWPID if sys::process::is_deepest_pid_namespace() => &PID_DEPTH,
        _ if value < UNLIMITED => &NO_MORE_NAMESPACES,
        libc::CLONE_NEWUSER => &USER_DEPTH,
        _ => &LIMIT_OUTSIDE,
    };
    let more = MORE.max(value.saturating_mul(2)).min(UNLIMITED);
    Some(Cause::new(kind, &[("limit", &limit), ("value", &value), ("more", &more)]))
}

/// True if this kind of namespace cannot be created in a new user namespace. For the user kind: if no user
/// namespace can be created.
fn is_used_up(flag: i32) -> bool {
    let made = sys::process::try_clone(libc::CLONE_NEWUSER | flag);
    matches!(made, Err(Errno::ENOSPC | Errno::EUSERS))
}

/// True if an emulator handles the system calls of this process. qemu-user hides seccomp from its programs,
/// so prctl(2) reports that there is none, while /proc/PID/status comes from the kernel and has the field.
fn is_emulated() -> bool {
    own_status("Seccomp").is_some() && sys::credentials::seccomp_mode() == Err(Errno::EINVAL)
}

/// True if the root of this process is not the root of its mount namespace.
fn is_chroot() -> bool {
    let root = |path: &str| fs::metadata(path).map(|root| (root.dev(), root.ino()));
    let differs = |init: (u64, u64)| root("/").is_ok_and(|own| own != init);
    let has_no_line = || {
        crate::sys::mountinfo::read()
            .is_ok_and(|mounts| mounts.iter().all(|mount| mount.path != Path::new("/")))
    };
    // Compare with the first process's root, if it is readable. Otherwise check whether mountinfo has no line
    // for the root.
    root("/proc/1/root").ok().map_or_else(has_no_line, differs)
}

/// The kind of container that this process runs in, as far as it can be recognised.
pub(crate) fn container() -> Option<&'static str> {
    let marks = [
        ("/run/.containerenv", "podman"),
        ("/.dockerenv", "docker"),
        ("/var/run/secrets/kubernetes.io", "Kubernetes"),
        ("/singularity", "apptainer"),
        ("/.singularity.d", "apptainer"),
        ("/dev/lxd", "LXD"),
    ];
    let known = ["podman", "docker", "lxc", "oci", "systemd-nspawn", "subroot", "wsl"];
    let named = std::env::var("container").ok().or_else(|| setting("/run/systemd/container"));
    let named = named.and_then(|named| known.into_iter().find(|kind| *kind == named));
    // The innermost container sets the variable; the files may come from an outer one.
    named.or_else(|| marks.into_iter().find(|(path, _)| Path::new(path).exists()).map(|(_, kind)| kind))
}

/// The container around this process, as a cause.
pub(crate) fn around() -> Option<Cause> {
    container().map(|kind| Cause::new(&CONTAINER, &[("container", &kind)]))
}
