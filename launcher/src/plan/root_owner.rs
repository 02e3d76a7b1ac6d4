//! The owner of the directory that becomes the root, and what it means for the IDs of the launch.

use crate::plan::id_layout::Pool;
use crate::request::ids::Userns;
use crate::sys::files::file_kind;
use crate::sys::lookup::{look_in, open_top};
use nix::sys::stat::SFlag;
use std::path::Path;
use subroot_idmap::OVERFLOW_ID;

/// `--userns auto` chooses subids only if these directories have the same owner as the root.
const PARTS: [&str; 2] = ["usr", "etc"];

/// The root directory and its owner.
pub(crate) struct RootOwner<'r> {
    pub(crate) path: &'r Path,
    /// Its uid and gid.
    pub(crate) ids: [u32; 2],
}

/// What the owner means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// The root belongs to the first granted IDs. IDs are mapped as with `--userns subids`.
    Chosen,
    /// The top directory belongs to the first granted IDs, but these are not 0 inside.
    NotRoot,
    /// It belongs neither to one of the caller's IDs nor to the host's root.
    Foreign,
}

impl RootOwner<'_> {
    /// What the owner means for a caller with these IDs; `None` if it is as expected.
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
        // Many users may share a root that belongs to the host's root.
        let is_expected = uid == 0 || uid == OVERFLOW_ID || uids.contains(uid);
        (!is_expected).then_some(Ownership::Foreign)
    }

    /// True if all of [`PARTS`] are directories with the same owner. Symlinks are not followed.
    fn has_whole_root(&self) -> bool {
        // Error ignored: the owner of a directory that cannot be examined is unknown.
        let Ok(top) = open_top(self.path) else { return false };
        PARTS.iter().all(|name| {
            // Error ignored: a missing directory, or one that cannot be examined, counts as having another
            // owner.
            look_in(&top, Path::new(name)).is_ok_and(|found| {
                file_kind(&found) == SFlag::S_IFDIR && [found.st_uid, found.st_gid] == self.ids
            })
        })
    }
}
