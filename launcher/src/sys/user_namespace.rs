//! The user namespace of this process: user_namespaces(7).

use idmap::MapLine;
use std::os::linux::fs::MetadataExt as _;

/// USER_NS_INIT_INO in linux/nsfs.h: the initial user namespace.
const INITIAL_NAMESPACE: u64 = 0xEFFF_FFFD;

/// Reads one line of a uid_map or gid_map.
pub(crate) fn map_line(line: &[u8]) -> Option<MapLine> {
    let mut numbers = std::str::from_utf8(line).ok()?.split_ascii_whitespace().map(str::parse);
    // Error ignored: it is no such line.
    let mut number = || numbers.next()?.ok();
    Some(MapLine { inside: number()?, outside: number()?, count: number()? })
}

/// True in a user namespace.
pub(crate) fn is_nested() -> bool {
    // Error ignored: the usual ways are then tried.
    std::fs::metadata("/proc/self/ns/user").is_ok_and(|namespace| namespace.st_ino() != INITIAL_NAMESPACE)
}
