//! Which IDs exist in this user namespace: all on a host, and often only some in a container.

use crate::error::Error;
use crate::grants::files::read_lines;
use crate::sys::namespaces::is_nested;
use std::ops::RangeInclusive;
use subroot_idmap::{IdKind, IdRange, MapLine, PerKind, RESERVED_ID};

/// The ranges of IDs that exist here, one for each line of this user namespace's own map. The kernel requires
/// each line of a new map to be within one of them.
pub(crate) struct Present(PerKind<Vec<IdRange>>);

impl Present {
    /// Reads this process's own maps. Outside of user namespaces, every ID exists.
    ///
    /// # Errors
    /// A map cannot be read.
    pub(crate) fn read() -> Result<Present, Error> {
        if !is_nested() {
            let all: Vec<IdRange> = IdRange::new(0, RESERVED_ID).into_iter().collect();
            return Ok(Present(PerKind { uid: all.clone(), gid: all }));
        }
        Ok(Present(PerKind { uid: own_map(IdKind::Uid)?, gid: own_map(IdKind::Gid)? }))
    }

    /// No IDs: used if the maps cannot be read.
    pub(crate) const NONE: Present = Present(PerKind { uid: Vec::new(), gid: Vec::new() });

    /// The ranges of a kind.
    pub(crate) fn of(&self, kind: IdKind) -> &[IdRange] {
        self.0.get(kind)
    }

    /// True if the kernel accepts this range as one line of a map.
    pub(crate) fn has(&self, kind: IdKind, range: IdRange) -> bool {
        self.of(kind).iter().any(|own| own.shared_with(range) == range.count())
    }

    /// The parts of a range that exist; `None` if all of it exists.
    pub(crate) fn parts_if_cut(&self, kind: IdKind, range: IdRange) -> Option<Vec<IdRange>> {
        let parts = joined(&self.parts(kind, range));
        (parts != [range]).then_some(parts)
    }

    /// The parts of a range that exist, sorted.
    pub(crate) fn parts(&self, kind: IdKind, range: IdRange) -> Vec<IdRange> {
        self.of(kind).iter().filter_map(|own| common(*own, range)).collect()
    }
}

/// The IDs that are in both ranges.
pub(crate) fn common(one: IdRange, other: IdRange) -> Option<IdRange> {
    let first = one.first().max(other.first());
    IdRange::new(first, one.end().min(other.end()).saturating_sub(first)).ok()
}

/// True if a range holds any of these IDs.
pub(crate) fn holds_some(range: IdRange, ids: &RangeInclusive<u32>) -> bool {
    range.first() <= *ids.end() && range.end() > *ids.start()
}

/// Joins each range with the previous one if it continues it, without sorting them.
pub(crate) fn joined(ranges: &[IdRange]) -> Vec<IdRange> {
    let mut joined: Vec<IdRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        let whole = joined.last().filter(|last| last.end() == range.first());
        let whole =
            whole.and_then(|last| IdRange::new(last.first(), range.end().saturating_sub(last.first())).ok());
        match (whole, joined.last_mut()) {
            (Some(whole), Some(last)) => *last = whole,
            _ => joined.push(*range),
        }
    }
    joined
}

/// The number of distinct IDs in these ranges.
pub(crate) fn distinct(mut ranges: Vec<IdRange>) -> u32 {
    ranges.sort_by_key(|range| range.first());
    let (mut count, mut end) = (0_u32, 0_u32);
    for range in joined(&ranges) {
        count = count.saturating_add(range.end().saturating_sub(range.first().max(end)));
        end = end.max(range.end());
    }
    count
}

fn own_map(kind: IdKind) -> Result<Vec<IdRange>, Error> {
    let mut ranges = Vec::new();
    read_lines(kind.own_map_file(), |_, line| {
        ranges.extend(MapLine::of_kernel(line).and_then(|line| line.inside_range().ok()));
    })?;
    ranges.sort_by_key(|range: &IdRange| range.first());
    Ok(ranges)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Present, joined};
    use subroot_idmap::{IdKind, IdRange, PerKind};

    fn range(first: u32, end: u32) -> IdRange {
        IdRange::new(first, end - first).unwrap()
    }

    #[test]
    fn neighbours_are_joined_in_their_order() {
        let ranges = [range(5, 7), range(7, 9), range(1, 5), range(9, 10)];
        assert_eq!(joined(&ranges), [range(5, 9), range(1, 5), range(9, 10)]);
        assert_eq!(joined(&[]), []);
    }

    #[test]
    fn a_range_is_cut_to_what_exists_of_it() {
        let present =
            Present(PerKind { uid: vec![range(0, 10), range(10, 20), range(30, 40)], gid: Vec::new() });
        assert_eq!(present.parts(IdKind::Uid, range(5, 35)), [range(5, 10), range(10, 20), range(30, 35)]);
        assert_eq!(present.parts(IdKind::Gid, range(5, 35)), []);
        assert!(present.has(IdKind::Uid, range(10, 20)) && !present.has(IdKind::Uid, range(9, 11)));
    }
}
