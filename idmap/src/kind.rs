//! User or group: the one difference between the two halves of everything else.

/// Which kind of ID a range, a grant or a map speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// User IDs: `/etc/subuid` and `uid_map`.
    Uid,
    /// Group IDs: `/etc/subgid` and `gid_map`.
    Gid,
}

/// One value for each kind of ID, so that both take one code path.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerKind<T> {
    /// For user IDs.
    pub uid: T,
    /// For group IDs.
    pub gid: T,
}

impl<T> PerKind<T> {
    /// The value of a kind.
    pub const fn get(&self, kind: IdKind) -> &T {
        kind.pick(&self.uid, &self.gid)
    }

    /// The value of a kind, to be changed.
    pub const fn get_mut(&mut self, kind: IdKind) -> &mut T {
        match kind {
            IdKind::Uid => &mut self.uid,
            IdKind::Gid => &mut self.gid,
        }
    }
}

impl IdKind {
    /// Both kinds, in the order in which they are asked for.
    pub const BOTH: [IdKind; 2] = [IdKind::Uid, IdKind::Gid];

    /// The one that belongs to this kind.
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

    /// The map's file below `/proc/PID`: see user_namespaces(7).
    pub const fn map_file(self) -> &'static str {
        self.pick("uid_map", "gid_map")
    }

    /// The map of the reader's own user namespace.
    pub const fn own_map_file(self) -> &'static str {
        self.pick("/proc/self/uid_map", "/proc/self/gid_map")
    }

    /// The file of grants: see subuid(5) and subgid(5).
    pub const fn grant_file(self) -> &'static str {
        self.pick("/etc/subuid", "/etc/subgid")
    }

    /// The option of `newidmap-helper` that asks for this map.
    pub const fn option(self) -> &'static str {
        self.pick("--uid-map", "--gid-map")
    }
}
