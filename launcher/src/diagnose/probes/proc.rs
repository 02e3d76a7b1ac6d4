//! Mount options of /proc that hide things: proc(5), hidepid and subset.

use crate::causes::{Cause, PROC_SUBSET};
use crate::sys::mountinfo;
use std::path::Path;

/// The options of the last mount at /proc, which covers earlier ones, and then those of its filesystem.
fn options() -> Vec<String> {
    // Error ignored: it affects only the text of the message.
    let mounts = mountinfo::read().ok().unwrap_or_default();
    let Some(proc) = mounts.into_iter().rev().find(|mount| mount.path == Path::new("/proc")) else {
        return Vec::new();
    };
    let text =
        [proc.options, proc.super_options].map(|options| String::from_utf8_lossy(&options).into_owned());
    let [own, shared] = text.each_ref().map(|options| options.split(','));
    own.chain(shared.filter(|option| *option != "rw")).map(str::to_owned).collect()
}

fn is_subset(option: &str) -> bool {
    option.starts_with("subset=")
}

/// The options that hide something, as written; none if nothing is hidden.
pub(crate) fn hiding() -> Option<String> {
    let hiding = |option: &String| option.starts_with("hidepid=") || is_subset(option);
    let found: Vec<String> = options().into_iter().filter(hiding).collect();
    (!found.is_empty()).then(|| found.join(","))
}

/// A /proc without the kernel's settings. Remounting it does not show them again, but mounting a new one over
/// it does.
pub(crate) fn subset() -> Option<Cause> {
    let (subset, kept): (Vec<String>, Vec<String>) =
        options().into_iter().partition(|option| is_subset(option));
    (!subset.is_empty()).then(|| Cause::new(&PROC_SUBSET, &[("options", &kept.join(","))]))
}
