//! Looks at this host for what can stand in the way. Each probe looks at one thing and leaves nothing changed.
//!
//! Errors ignored: what cannot be looked at gives no cause, and only the text of a failure depends on that.

pub(crate) mod apparmor;
pub(crate) mod grants;
pub(crate) mod keys;
pub(crate) mod mapper;
pub(crate) mod namespaces;
pub(crate) mod owner;
pub(crate) mod proc;
pub(crate) mod program;
pub(crate) mod rootfs;
pub(crate) mod step;

use std::fs;

/// A file of /proc or /sys, without the blanks around it.
fn setting(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|value| value.trim().to_owned())
}

/// A field of /proc/self/status.
fn own_status(name: &str) -> Option<String> {
    let text = setting("/proc/self/status")?;
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}
