//! Examines the system for causes of failures. Each probe checks one thing and changes nothing.
//!
//! Errors ignored: an object that cannot be examined yields no cause, which affects only the text of a
//! message.

pub(crate) mod apparmor;
pub(crate) mod devices;
pub(crate) mod grants;
pub(crate) mod keys;
pub(crate) mod mapper;
pub(crate) mod namespaces;
pub(crate) mod network;
pub(crate) mod owner;
pub(crate) mod proc;
pub(crate) mod program;
pub(crate) mod rootfs;
pub(crate) mod step;

use std::fs;

/// The content of a file in /proc or /sys, trimmed.
fn setting(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|value| value.trim().to_owned())
}

/// A field of /proc/self/status.
fn own_status(name: &str) -> Option<String> {
    let text = setting("/proc/self/status")?;
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}
