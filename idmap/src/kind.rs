//! Distinguishes user IDs from group IDs; the rest of the code is the same for both.

/// Whether a range, a grant or a map is about user IDs or group IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// User IDs: `/etc/subuid` and `uid_map`.
    Uid,
    /// Group IDs: `/etc/subgid` and `gid_map`.
    Gid,
}

/// One value for each kind of ID, so that one code path serves both.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerKind<T> {
    /// For user IDs.
    pub uid: T,
    /// For group IDs.
    pub gid: T,
}

impl<T> PerKind<T> {
    /// The value for a kind.
    pub const fn get(&self, kind: IdKind) -> &T {
        kind.pick(&self.uid, &self.gid)
    }

    /// The value for a kind, mutable.
    pub const fn get_mut(&mut self, kind: IdKind) -> &mut T {
        match kind {
            IdKind::Uid => &mut self.uid,
            IdKind::Gid => &mut self.gid,
        }
    }
}

impl IdKind {
    /// Both kinds, in the order in which the command line has them.
    pub const BOTH: [IdKind; 2] = [IdKind::Uid, IdKind::Gid];

    /// The argument that belongs to this kind.
    pub const fn pick<T: Copy>(self, uid: T, gid: T) -> T {
        match self {
            IdKind::Uid => uid,
            IdKind::Gid => gid,
        }
    }

    /// `uid` or `gid`.
    pub const fn name(self) -> &'static str {
        self.pick("uid", "gid")
    }

    /// The map's file in `/proc/PID`: see user_namespaces(7).
    pub const fn map_file(self) -> &'static str {
        self.pick("uid_map", "gid_map")
    }

    /// The map of the reader's own user namespace.
    pub const fn own_map_file(self) -> &'static str {
        self.pick("/proc/self/uid_map", "/proc/self/gid_map")
    }

    /// The grant file: see subuid(5) and subgid(5).
    pub const fn grant_file(self) -> &'static str {
        self.pick("/etc/subuid", "/etc/subgid")
    }

    /// The option of `newidmap-helper` that takes this map.
    pub const fn option(self) -> &'static str {
        self.pick("--uid-map", "--gid-map")
    }
}
