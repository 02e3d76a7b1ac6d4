//! Which owner a file gets: that of the archive, if it is mapped.

use crate::error::Error;
use crate::tar::member::Member;
use std::ops::Range;

/// The IDs that exist where the archive is unpacked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Owners {
    /// The user IDs.
    pub uids: Vec<Range<u64>>,
    /// The group IDs.
    pub gids: Vec<Range<u64>>,
    /// The process's own uid and gid, which files get without a chown(2).
    pub own: (u32, u32),
    /// True if a file of an ID that does not exist gets the process's own.
    pub squashes: bool,
}

impl Owners {
    /// Every file gets the process's own IDs.
    pub fn only(uid: u32, gid: u32) -> Owners {
        Owners { uids: Vec::new(), gids: Vec::new(), own: (uid, gid), squashes: true }
    }

    /// These IDs exist: the lines of /proc/self/uid_map and gid_map. If there is only one of each kind, every
    /// file gets it.
    pub fn mapped(uid_map: &str, gid_map: &str, squashes: bool) -> Owners {
        let (uids, gids) = (ranges(uid_map), ranges(gid_map));
        let has_one =
            |ranges: &[Range<u64>]| ranges.iter().map(|range| range.end - range.start).sum::<u64>() <= 1;
        let squashes = squashes || has_one(&uids) && has_one(&gids);
        Owners { uids, gids, own: (0, 0), squashes }
    }

    /// The owner of an entry's file.
    ///
    /// # Errors
    /// An ID is not mapped.
    pub(crate) fn of(&self, member: &Member) -> Result<(u32, u32), Error> {
        let pick = |kind, ids: &[Range<u64>], id: u64, own: u32| match u32::try_from(id) {
            Ok(mapped) if ids.iter().any(|range| range.contains(&id)) => Ok(mapped),
            _ if self.squashes => Ok(own),
            _ => Err(Error::Owner { name: member.name.clone(), kind, id }),
        };
        let uid = pick("user", &self.uids, member.uid, self.own.0)?;
        Ok((uid, pick("group", &self.gids, member.gid, self.own.1)?))
    }
}

/// The first and third column of each line.
pub(crate) fn ranges(map: &str) -> Vec<Range<u64>> {
    let line = |line: &str| {
        let mut fields = line.split_whitespace();
        let (start, count) = (fields.next()?.parse::<u64>().ok()?, fields.nth(1)?.parse::<u64>().ok()?);
        Some(start..start.saturating_add(count))
    };
    map.lines().filter_map(line).collect()
}
