//! Why a mapper does not get its privilege.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

use crate::causes::{
    BOUNDING_SET, Cause, MAPPER_FORBIDDEN, MAPPER_FOREIGN, MAPPER_LACKS, MAPPER_MISSING, MAPPER_NEEDS_ADMIN,
    MAPPER_NOSUID, MAPPER_NOT_ROOTS, MAPPER_UNPRIVILEGED, NO_HELPER, NO_NEW_PRIVS, NOT_A_MAPPER,
};
use crate::diagnose::probes::own_status;
use crate::plan::id_plan::BUILT_IN_HELPER;
use crate::sys;
use crate::sys::files::FileCapabilities;
use nix::sys::prctl::get_no_new_privs;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// CAP_SETUID and CAP_SETGID, with their numbers.
const NEEDED: [(&str, u32); 2] = [("CAP_SETUID", 7), ("CAP_SETGID", 6)];

/// The first reason why this mapper cannot write maps.
pub(crate) fn lacks(path: &Path) -> Option<Cause> {
    let shown = path.display();
    // Suggest changing a file only if a package of subroot or shadow installed it.
    let instead = |kind, kind_of_others| match is_installed(path) {
        true => Cause::new(kind, &[("path", &shown), ("command", &installing_mapper())]),
        false => Cause::new(kind_of_others, &[("path", &shown), ("undo", &undo(path))]),
    };
    let Ok(file) = fs::metadata(path) else {
        return Some(instead(&MAPPER_MISSING, &NO_HELPER));
    };
    if access(path, AccessFlags::X_OK).is_err() {
        return Some(instead(&MAPPER_FORBIDDEN, &NOT_A_MAPPER));
    }
    if let Some(kind) = lacks_privilege(path, &file) {
        return Some(match kind {
            Privilege::None => instead(&MAPPER_UNPRIVILEGED, &NOT_A_MAPPER),
            Privilege::NotRoots => instead(&MAPPER_NOT_ROOTS, &NOT_A_MAPPER),
            Privilege::Foreign => Cause::new(&MAPPER_FOREIGN, &[("path", &shown)]),
            Privilege::Without(name) => Cause::new(&MAPPER_LACKS, &[("path", &shown), ("capability", &name)]),
        });
    }
    if statvfs(path).is_ok_and(|mount| mount.flags().contains(FsFlags::ST_NOSUID)) {
        let mount = super::rootfs::mount_point(path);
        return Some(Cause::new(&MAPPER_NOSUID, &[("path", &shown), ("mount", &mount.display())]));
    }
    process()
}

/// Why the kernel refused maps that shadow's mapper wrote, if its message says so. As a setuid program it does
/// not have the ID that owns the new user namespace, so it needs CAP_SYS_ADMIN in the one around it:
/// user_namespaces(7). With file capabilities it keeps the caller's ID, which is the owner's.
pub(crate) fn needs_admin(path: &Path, said: &str) -> Option<Cause> {
    const DENIALS: [&str; 2] = [
        "write to uid_map failed: Operation not permitted",
        "write to gid_map failed: Operation not permitted",
    ];
    const CAP_SYS_ADMIN: u32 = 21;
    let is_denied = DENIALS.iter().any(|denial| said.contains(denial));
    let lacks = || Some(bounding_set()? & (1 << CAP_SYS_ADMIN) == 0);
    (is_denied && lacks()?).then(|| Cause::new(&MAPPER_NEEDS_ADMIN, &[("path", &path.display())]))
}

/// The problem with a file's privilege.
enum Privilege {
    None,
    NotRoots,
    /// Its capabilities are for the root of another user namespace.
    Foreign,
    Without(&'static str),
}

/// File capabilities take precedence over a setuid bit, and only those of this user namespace count:
/// capabilities(7).
fn lacks_privilege(path: &Path, file: &fs::Metadata) -> Option<Privilege> {
    let is_setuid = file.mode() & 0o4000 != 0;
    match sys::files::file_capabilities(path) {
        FileCapabilities::None if is_setuid && file.uid() == 0 => None,
        FileCapabilities::None if is_setuid => Some(Privilege::NotRoots),
        FileCapabilities::None => Some(Privilege::None),
        FileCapabilities::Foreign => Some(Privilege::Foreign),
        FileCapabilities::Permitted(held) => {
            let (name, _) = needed(path).find(|(_, bit)| held & (1 << bit) == 0)?;
            Some(Privilege::Without(name))
        }
    }
}

/// The capabilities that a mapper needs. Each of shadow's programs writes only one map.
fn needed(path: &Path) -> impl Iterator<Item = (&'static str, u32)> {
    let file = path.file_name().unwrap_or_default();
    let [no_uid, no_gid] = ["newgidmap", "newuidmap"].map(|name| file == name);
    NEEDED
        .into_iter()
        .filter(move |(name, _)| !(no_uid && *name == "CAP_SETUID" || no_gid && *name == "CAP_SETGID"))
}

/// True for a mapper at the path where a package installs it.
fn is_installed(path: &Path) -> bool {
    const NAMES: [&str; 3] = ["newuidmap", "newgidmap", "newidmap-helper-nss"];
    let is_named = || path.file_name().is_some_and(|name| NAMES.iter().any(|known| name == *known));
    path == Path::new(BUILT_IN_HELPER) || is_named()
}

/// The command that installs a mapper: shadow's, which every distribution has, by the package manager that is there.
pub(crate) fn installing_mapper() -> &'static str {
    const COMMANDS: [(&str, &str); 5] = [
        ("/usr/bin/apt-get", "apt-get install uidmap"),
        ("/usr/bin/dnf", "dnf install shadow-utils"),
        ("/usr/bin/zypper", "zypper install shadow"),
        ("/sbin/apk", "apk add shadow-uidmap"),
        ("/usr/bin/pacman", "pacman -S shadow"),
    ];
    // Error ignored: what cannot be looked at cannot be started.
    let known = COMMANDS.iter().find(|(program, _)| fs::metadata(program).is_ok_and(|found| found.is_file()));
    known.map_or("install the package newidmap-helper, or the one that has newuidmap", |(_, command)| command)
}

/// How to stop using a mapper that was named explicitly.
fn undo(path: &Path) -> &'static str {
    let named = std::env::var_os("SUBROOT_HELPER").and_then(|named| std::path::absolute(named).ok());
    if named.is_some_and(|named| named == path) { "unset SUBROOT_HELPER" } else { "run without --helper" }
}

/// Why no program that this process starts can gain privilege.
fn process() -> Option<Cause> {
    if get_no_new_privs() == Ok(true) {
        return Some(Cause::new(&NO_NEW_PRIVS, &[]));
    }
    let bounding = bounding_set()?;
    let (missing, _) = NEEDED.into_iter().find(|(_, bit)| bounding & (1 << bit) == 0)?;
    Some(Cause::new(&BOUNDING_SET, &[("capability", &missing)]))
}

/// The capability bounding set of this process: capabilities(7).
fn bounding_set() -> Option<u64> {
    u64::from_str_radix(&own_status("CapBnd")?, 16).ok()
}
