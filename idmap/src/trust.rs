//! Whether only root can have written a file, judged by its stat(2) (property P6).

/// Why a file, a directory or a symlink with this owner and mode is not trusted; `None` if it is trusted.
///
/// It must be owned by root and writable only by root. A symlink's mode does not matter. A sticky directory
/// may be writable: others can create entries in it, but cannot remove or rename root's (unlink(2)). On a
/// file the sticky bit has no effect.
pub const fn distrust(owner: u32, mode: u32) -> Option<&'static str> {
    // S_IFLNK, and S_IFDIR with S_ISVTX: inode(7).
    let is_closed = matches!(mode & 0o171_000, 0o120_000 | 0o041_000);
    match (owner, mode & 0o022) {
        (1.., _) => Some("not owned by root"),
        (0, 1..) if !is_closed => Some("writable by group or others"),
        _ => None,
    }
}
