//! The options of mounts in the words of mount(8), as command lines and device specifications give them.

use crate::request::mount::{Mount, MountFlags, NODEV, NOEXEC, NOSUID, Propagation, READ_ONLY};

/// Sets or removes a flag.
pub(crate) fn set(mount: &mut Mount, flag: MountFlags, on: bool) {
    match on {
        true => {
            mount.attributes.set |= flag;
            mount.attributes.unset -= flag;
        }
        false => {
            mount.attributes.set -= flag;
            mount.attributes.unset |= flag;
        }
    }
}

/// Applies an option that sets an attribute of mount(8). False if it is not such an option.
pub(crate) fn attribute(mount: &mut Mount, option: &str) -> bool {
    let (attribute, on) = match option {
        "ro" => (READ_ONLY, true),
        "rw" => (READ_ONLY, false),
        "nosuid" => (NOSUID, true),
        "suid" => (NOSUID, false),
        "nodev" => (NODEV, true),
        "dev" => (NODEV, false),
        "noexec" => (NOEXEC, true),
        "exec" => (NOEXEC, false),
        _ => return false,
    };
    set(mount, attribute, on);
    true
}

/// Applies an option that sets the propagation of mount events: mount_namespaces(7). False if it is not such
/// an option. Mounts never propagate out of the sandbox.
pub(crate) fn propagation(mount: &mut Mount, option: &str) -> bool {
    mount.attributes.propagation = match option {
        "private" | "rprivate" => Propagation::Private,
        "slave" | "rslave" => Propagation::Slave,
        "shared" | "rshared" => Propagation::Shared,
        "unbindable" | "runbindable" => Propagation::Unbindable,
        _ => return false,
    };
    true
}
