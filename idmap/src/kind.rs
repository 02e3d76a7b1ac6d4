//! User or group: the one difference between the two halves of everything else.

/// Which kind of ID a range, a grant or a map speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// User IDs: `/etc/subuid` and `uid_map`.
    Uid,
    /// Group IDs: `/etc/subgid` and `gid_map`.
    Gid,
}

impl IdKind {
    /// Both kinds, in the order in which they are asked for.
    pub const BOTH: [IdKind; 2] = [IdKind::Uid, IdKind::Gid];

    const fn pick(self, uid: &'static str, gid: &'static str) -> &'static str {
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

    /// The file of grants: see subuid(5) and subgid(5).
    pub const fn grant_file(self) -> &'static str {
        self.pick("/etc/subuid", "/etc/subgid")
    }

    /// The option of `newidmap-helper` that asks for this map.
    pub const fn option(self) -> &'static str {
        self.pick("--uid-map", "--gid-map")
    }
}
