//! Why a user can create no more keys: keyrings(7).

use crate::causes::{Cause, KEY_QUOTA};
use crate::diagnose::probes::setting;
use crate::grants::Grants;
use crate::sys::namespaces::is_nested;
use nix::unistd::getuid;
use subroot_idmap::IdKind;

/// The limits for the caller's keys. One of them was reached.
pub(crate) fn quota() -> Option<Cause> {
    let prefix = if keys_are_roots() { "root_" } else { "" };
    let limit = |name| setting(&format!("/proc/sys/kernel/keys/{prefix}{name}"))?.parse::<u32>().ok();
    let (keys, bytes) = (limit("maxkeys")?, limit("maxbytes")?);
    Some(Cause::new(
        &KEY_QUOTA,
        &[
            ("prefix", &prefix),
            ("keys", &keys),
            ("bytes", &bytes),
            ("more_keys", &keys.saturating_mul(2)),
            ("more_bytes", &bytes.saturating_mul(2)),
        ],
    ))
}

/// True if the keyring belongs to the host's root. A key counts for the host ID to which the child's first ID
/// maps. That is root's own only if root has no grants.
fn keys_are_roots() -> bool {
    getuid().is_root() && !is_nested() && Grants::read().ranges(IdKind::Uid).is_empty()
}
