//! Which processes use a layer: those that have locked its directory, by /proc/locks.

use crate::store::dir::Dir;
use nix::sys::stat::{fstat, major, minor};
use std::fs;
use subroot::trees::sandbox_of;

/// The processes that have locked a directory.
pub(crate) fn of(dir: &Dir) -> Vec<u32> {
    // Error ignored: the processes are only named.
    let Ok(found) = fstat(&dir.fd) else { return Vec::new() };
    let file = format!("{:02x}:{:02x}:{}", major(found.st_dev), minor(found.st_dev), found.st_ino);
    // Error ignored: as above.
    let locks = fs::read_to_string("/proc/locks").ok().unwrap_or_default();
    let pid = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_its = fields.get(1) == Some(&"FLOCK") && fields.get(5) == Some(&file.as_str());
        is_its.then(|| fields.get(4)?.parse().ok()).flatten()
    };
    locks.lines().filter_map(pid).collect()
}

/// The sandboxes of these processes, by their names or PIDs.
pub(crate) fn shown(pids: &[u32]) -> String {
    match pids {
        [] => "a running sandbox".into(),
        [pid] => format!("the running sandbox {}", sandbox_of(*pid)),
        pids => {
            let names: Vec<String> = pids.iter().map(|pid| sandbox_of(*pid)).collect();
            format!("each of the running sandboxes {}", names.join(", "))
        }
    }
}
