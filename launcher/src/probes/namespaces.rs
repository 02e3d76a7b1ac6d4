//! Why the kernel makes no namespaces here.

use super::{own_status, setting};
use crate::causes::{
    APPARMOR, CHROOT, CONTAINER, Cause, FORBIDDEN, NO_MORE_NAMESPACES, NO_NAMESPACES, NPROC, SECCOMP,
    USERNS_CLONE,
};
use crate::namespaces::KINDS;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// As many as a host may want, where there are none.
const MORE: u32 = 15000;

/// What forbids these kinds of namespaces (flags of clone(2)), where clone failed with this errno: clone(2), ERRORS.
pub(crate) fn refused(errno: Errno, flags: i32) -> Option<Cause> {
    let is = |path: &str, value: &str| setting(path).as_deref() == Some(value);
    match errno {
        Errno::EPERM if is("/proc/sys/kernel/unprivileged_userns_clone", "0") => {
            Some(Cause::new(&USERNS_CLONE, &[]))
        }
        Errno::EPERM if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") => {
            Some(Cause::new(&APPARMOR, &[]))
        }
        Errno::EPERM if is_chroot() => Some(Cause::new(&CHROOT, &[])),
        Errno::EPERM | Errno::ENOSYS | Errno::EACCES if own_status("Seccomp").as_deref() == Some("2") => {
            let around = container().unwrap_or("the process that started this one");
            Some(Cause::new(&SECCOMP, &[("container", &around)]))
        }
        Errno::EPERM | Errno::EACCES | Errno::EINVAL => Some(Cause::new(&FORBIDDEN, &[])),
        Errno::ENOSPC | Errno::EUSERS => limit(flags),
        Errno::EAGAIN => {
            let limit = getrlimit(Resource::RLIMIT_NPROC).map_or(0, |(soft, _)| soft);
            Some(Cause::new(&NPROC, &[("limit", &limit)]))
        }
        _ => None,
    }
}

/// The limit that is 0; else the one of user namespaces, which are the most that a user makes.
fn limit(flags: i32) -> Option<Cause> {
    let kinds = KINDS.iter().filter(|(_, flag)| flags & flag != 0);
    let limits = kinds.map(|(name, _)| format!("max_{name}_namespaces"));
    let values = limits.filter_map(|limit| Some((setting(&format!("/proc/sys/user/{limit}"))?, limit)));
    let mut values: Vec<(u64, String)> =
        values.filter_map(|(value, limit)| Some((value.parse().ok()?, limit))).collect();
    values.sort();
    let (value, limit) = values.into_iter().next()?;
    let kind = if value == 0 { &NO_NAMESPACES } else { &NO_MORE_NAMESPACES };
    let more = u64::from(MORE).max(value.saturating_mul(2));
    Some(Cause::new(kind, &[("limit", &limit), ("value", &value), ("more", &more)]))
}

/// True where the root of this process is not that of its mount namespace: a mount point that is no mount.
fn is_chroot() -> bool {
    let root = |path: &str| fs::metadata(path).map(|root| (root.dev(), root.ino()));
    let differs = |init: (u64, u64)| root("/").is_ok_and(|own| own != init);
    // The first process' root, where it may be looked at; else a root that mountinfo has no line of.
    root("/proc/1/root")
        .map_or_else(|_| crate::mountinfo::read().iter().all(|mount| mount.path != Path::new("/")), differs)
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
