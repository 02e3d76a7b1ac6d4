//! Why the kernel makes no namespaces here.
//!
//! Errors ignored: what cannot be looked at gives no cause, and only the text of a failure depends on that.

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

/// As many as a host may want, where there are none.
const MORE: u64 = 15000;
/// A limit of a new user namespace: INT_MAX, which is also the highest one.
const UNLIMITED: u64 = i32::MAX as u64;

/// What forbids these kinds of namespaces (flags of clone(2)), where clone failed with this errno: clone(2), ERRORS.
pub(crate) fn refused(errno: Errno, flags: i32) -> Option<Cause> {
    by_apparmor(errno).or_else(|| by_others(errno, flags))
}

/// AppArmor's own answer is EACCES, and the kernel never gives that one.
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
        // All kinds but user namespaces take a capability, and a profile that does not allow it is EPERM.
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

/// Why the kernel makes no more of these kinds. It answers ENOSPC for a limit of this user namespace, for one of any user
/// namespace around it, and for too many levels: user_namespaces(7), pid_namespaces(7).
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

/// True if no namespace of this kind can be made, although its user namespace could be; for user namespaces, if that cannot.
fn is_used_up(flag: i32) -> bool {
    let made = sys::process::try_clone(libc::CLONE_NEWUSER | flag);
    matches!(made, Err(Errno::ENOSPC | Errno::EUSERS))
}

/// True if an emulator answers the system calls of this process. qemu-user keeps its programs from seccomp, so that its prctl(2) knows
/// nothing of it, while /proc/PID/status is the kernel's and does.
fn is_emulated() -> bool {
    own_status("Seccomp").is_some() && sys::credentials::seccomp_mode() == Err(Errno::EINVAL)
}

/// True where the root of this process is not that of its mount namespace: a mount point that is no mount.
fn is_chroot() -> bool {
    let root = |path: &str| fs::metadata(path).map(|root| (root.dev(), root.ino()));
    let differs = |init: (u64, u64)| root("/").is_ok_and(|own| own != init);
    let has_no_line = || {
        crate::sys::mountinfo::read()
            .is_ok_and(|mounts| mounts.iter().all(|mount| mount.path != Path::new("/")))
    };
    // The first process' root, where it may be looked at; else a root that mountinfo has no line of.
    root("/proc/1/root").ok().map_or_else(has_no_line, differs)
}

/// Which kind of container this is the inside of, as far as it shows.
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
    // The innermost one names itself; files may be those of one further out.
    named.or_else(|| marks.into_iter().find(|(path, _)| Path::new(path).exists()).map(|(_, kind)| kind))
}

/// A container around this process, to be told.
pub(crate) fn around() -> Option<Cause> {
    container().map(|kind| Cause::new(&CONTAINER, &[("container", &kind)]))
}
