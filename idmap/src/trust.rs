//! Which files nobody but root can have written, by what stat(2) shows of them (property P6).

/// Why a file, a directory or a symlink with this owner and mode is not trusted; `None` if it is.
///
/// It has to be root's, and writable by root alone; symlinks are, whatever their mode says. In a sticky directory others can make
/// entries, but neither remove nor rename those of root (unlink(2)); on a file, the sticky bit means nothing.
pub const fn distrust(owner: u32, mode: u32) -> Option<&'static str> {
    // S_IFLNK, and S_IFDIR with S_ISVTX: inode(7).
    let is_closed = matches!(mode & 0o171_000, 0o120_000 | 0o041_000);
    match (owner, mode & 0o022) {
        (1.., _) => Some("not owned by root"),
        (0, 1..) if !is_closed => Some("writable by group or others"),
        _ => None,
    }
}
