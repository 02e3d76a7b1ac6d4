//! Whose the directory is that becomes the root, and what that means for the IDs of the launch.

use crate::plan::id_layout::Pool;
use crate::request::ids::Userns;
use crate::sys::files::file_kind;
use crate::sys::lookup::{look_in, open_top};
use nix::sys::stat::SFlag;
use std::path::Path;
use subroot_idmap::OVERFLOW_ID;

/// The directories of a root that have to be of the same owner for `--userns auto` to choose subids.
const PARTS: [&str; 2] = ["usr", "etc"];

/// The owner of the directory.
pub(crate) struct RootOwner<'r> {
    pub(crate) path: &'r Path,
    /// Its uid and gid.
    pub(crate) ids: [u32; 2],
}

/// What the owner means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// The root belongs to the first granted IDs, so that IDs are mapped as by `--userns subids`.
    Chosen,
    /// Its top directory belongs to the first granted IDs, which are others than 0 inside.
    NotRoot,
    /// It belongs to an ID that is not among the caller's, and is not the host's root.
    Foreign,
}

impl RootOwner<'_> {
    /// What the owner means for a caller with these IDs; none if it is as expected.
    pub(crate) fn judge(&self, pools: &[Pool; 2], userns: &Userns) -> Option<Ownership> {
        let [uids, gids] = pools;
        let [uid, gid] = self.ids;
        if [uids.first_granted(), gids.first_granted()] == [Some(uid), Some(gid)] {
            return match userns {
                Userns::Auto(None) if self.has_whole_root() => Some(Ownership::Chosen),
                Userns::Auto(_) | Userns::Full => Some(Ownership::NotRoot),
                _ => None,
            };
        }
        // Many users may share a root of the host's root.
        let is_expected = uid == 0 || uid == OVERFLOW_ID || uids.contains(uid);
        (!is_expected).then_some(Ownership::Foreign)
    }

    /// True if all parts are directories of the same owner, as far as can be seen. No symlink is followed.
    fn has_whole_root(&self) -> bool {
        // Error ignored: what cannot be looked at is not known to be of this owner.
        let Ok(top) = open_top(self.path) else { return false };
        PARTS.iter().all(|name| {
            // Error ignored: the same.
            look_in(&top, Path::new(name)).is_ok_and(|found| {
                file_kind(&found) == SFlag::S_IFDIR && [found.st_uid, found.st_gid] == self.ids
            })
        })
    }
}
