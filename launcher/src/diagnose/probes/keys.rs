//! Why a user can have no more keys: keyrings(7).

use crate::causes::{Cause, KEY_QUOTA};
use crate::diagnose::probes::setting;
use crate::grants::Grants;
use crate::sys::namespaces::is_nested;
use nix::unistd::getuid;
use subroot_idmap::IdKind;

/// The limits on the keys of the caller, of which one is reached.
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

/// True if the keyring belongs to the host's root. A key is counted for the host's ID behind the ID that the child has first; root's own
/// is mapped only if nothing is granted to root.
fn keys_are_roots() -> bool {
    getuid().is_root() && !is_nested() && Grants::read().ranges(IdKind::Uid).is_empty()
}
