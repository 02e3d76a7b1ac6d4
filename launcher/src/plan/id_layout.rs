//! Decides which of the caller's IDs map to which IDs inside: `--userns`, `--uidmap` and `--gidmap`.

use crate::error::Error;
use crate::grants::Grants;
use crate::grants::finding::range_text;
use crate::request::ids::{GivenLine, IdSource, Userns};
use nix::unistd::{getgid, getuid};
use std::collections::BTreeMap;
use subroot_idmap::{
    BadMap, IdKind, IdRange, MAX_EXTENTS, MAX_TEXT, MapLine, OVERFLOW_ID, PerKind, PlannedMap,
};

/// A caller's IDs in order: the caller's own ID first, then the granted ones.
pub(crate) struct Pool {
    ranges: Vec<IdRange>,
    /// True if the first of them is the caller's own.
    has_own: bool,
}

impl Pool {
    /// Only the caller's own ID.
    pub(crate) fn own(kind: IdKind) -> Pool {
        Pool::new(Some(own_id(kind)), &[])
    }

    /// `own`, then the ranges. An ID that occurs again is left out.
    pub(crate) fn new(own: Option<u32>, ranges: &[IdRange]) -> Pool {
        let own = own.and_then(|own| IdRange::new(own, 1).ok());
        let (mut taken, mut kept) = (BTreeMap::new(), Vec::new());
        for range in own.iter().chain(ranges) {
            kept.extend(take(&mut taken, *range));
        }
        Pool { ranges: kept, has_own: own.is_some() }
    }

    /// The caller's own ID, then the granted ones. For root, whose own IDs are the host's, only the granted
    /// ones if there are any.
    pub(crate) fn granted(grants: &Grants, kind: IdKind) -> Pool {
        let is_root = grants.policy().caller().id(IdKind::Uid) == 0;
        let own = grants.policy().caller().id(kind);
        let mut pool = Pool::new(Some(own), grants.ranges(kind));
        if is_root && pool.ranges.len() > 1 {
            pool.ranges.remove(0);
            pool.has_own = false;
        }
        pool
    }

    /// The first granted ID that is not the caller's own; `None` if the pool has no own ID. Root's pool has
    /// none if IDs are granted; the first granted ID is then 0 inside by default.
    pub(crate) fn first_granted(&self) -> Option<u32> {
        self.ranges.get(1).filter(|_| self.has_own).map(|range| range.first())
    }

    /// True if the ID is in the pool.
    pub(crate) fn contains(&self, id: u32) -> bool {
        self.ranges.iter().any(|range| range.contains(id))
    }

    /// The pool without these IDs.
    pub(crate) fn without(&self, ids: &[u32]) -> Pool {
        let cut = |ranges: Vec<IdRange>, id: &u32| match IdRange::new(*id, 1) {
            Ok(taken) => ranges.into_iter().flat_map(|range| without(range, taken)).collect(),
            // Error ignored: it is not a valid ID.
            Err(_) => ranges,
        };
        Pool { ranges: ids.iter().fold(self.ranges.clone(), cut), has_own: self.has_own }
    }

    /// The number of IDs.
    pub(crate) fn count(&self) -> u32 {
        self.ranges.iter().map(|range| range.count()).fold(0, u32::saturating_add)
    }

    /// The inside ID of an ID of the pool in a default run.
    pub(crate) fn position(&self, kind: IdKind, id: u32) -> Option<u32> {
        let mut map = Box::new(PlannedMap::EMPTY);
        // Error ignored: an ID that cannot be mapped has no position.
        Layout::of(&Userns::default()).fill(kind, self, &mut map).ok()?;
        inside_of(&map, id)
    }
}

/// The inside ID to which a map maps an outside one.
pub(crate) fn inside_of(map: &PlannedMap, id: u32) -> Option<u32> {
    map.lines().iter().find_map(|line| {
        let at = id.checked_sub(line.outside).filter(|at| *at < line.count)?;
        line.inside.checked_add(at)
    })
}

/// Marks a range as taken and returns the parts that were not taken before. `taken` has the ends of
/// non-overlapping ranges by their first IDs.
fn take(taken: &mut BTreeMap<u32, u32>, range: IdRange) -> Vec<IdRange> {
    let before = taken.range(..=range.first()).next_back();
    let mut next = before.map_or(range.first(), |(_, end)| range.first().max(*end));
    let mut fresh = Vec::new();
    for (first, end) in taken.range(next..range.end().max(next)) {
        fresh.extend(IdRange::new(next, first.saturating_sub(next)));
        next = next.max(*end);
    }
    fresh.extend(IdRange::new(next, range.end().saturating_sub(next)));
    taken.extend(fresh.iter().map(|part| (part.first(), part.end())));
    fresh
}

/// The caller's own ID of a kind.
pub(crate) fn own_id(kind: IdKind) -> u32 {
    // `pick` would make both system calls.
    match kind {
        IdKind::Uid => getuid().as_raw(),
        IdKind::Gid => getgid().as_raw(),
    }
}

fn without(range: IdRange, taken: IdRange) -> impl Iterator<Item = IdRange> {
    let part = |first: u32, end: u32| IdRange::new(first, end.saturating_sub(first)).ok();
    let before = part(range.first(), range.end().min(taken.first()));
    let after = part(range.first().max(taken.end()), range.end());
    before.into_iter().chain(after)
}

/// The lines of both maps, as positions in the caller's pool of IDs.
pub(crate) struct Layout(PerKind<Lines>);

enum Lines {
    /// All IDs, the caller's own as 0.
    Auto,
    /// All IDs, the first granted one as 0.
    Subids,
    /// As many IDs of these lines as the pool has. The last line may be shortened.
    Fitting(Vec<GivenLine>),
    /// Exactly these lines.
    Exact(Vec<GivenLine>),
}

impl Layout {
    /// The layout of a mode.
    pub(crate) fn of(userns: &Userns) -> Layout {
        let around = |id: u32| {
            let above = id.saturating_add(1);
            vec![line(id, 0, 1), line(0, 1, id), line(above, above, u32::MAX)]
        };
        Layout(match userns {
            Userns::Auto(None) => PerKind { uid: Lines::Auto, gid: Lines::Auto },
            // With fewer IDs than are required, it is refused.
            Userns::Full => {
                let all = vec![line(0, 0, u32::MAX)];
                PerKind { uid: Lines::Fitting(all.clone()), gid: Lines::Fitting(all) }
            }
            Userns::Subids => PerKind { uid: Lines::Subids, gid: Lines::Subids },
            // A requested size is never reduced.
            Userns::Auto(Some(size)) => {
                let sized = vec![line(0, 0, *size)];
                PerKind { uid: Lines::Exact(sized.clone()), gid: Lines::Exact(sized) }
            }
            Userns::HostId => PerKind {
                uid: Lines::Exact(vec![line(own_id(IdKind::Uid), 0, 1)]),
                gid: Lines::Exact(vec![line(own_id(IdKind::Gid), 0, 1)]),
            },
            Userns::KeepId { uid, gid } => PerKind {
                uid: Lines::Fitting(around(uid.unwrap_or_else(|| own_id(IdKind::Uid)))),
                gid: Lines::Fitting(around(gid.unwrap_or_else(|| own_id(IdKind::Gid)))),
            },
            Userns::Given { uid, gid } => {
                let other = |lines: &Vec<GivenLine>, others: &Vec<GivenLine>| {
                    Lines::Exact(if lines.is_empty() { others.clone() } else { lines.clone() })
                };
                PerKind { uid: other(uid, gid), gid: other(gid, uid) }
            }
        })
    }

    /// True if the number of mapped IDs of a kind depends on how many there are.
    pub(crate) fn fits(&self, kind: IdKind) -> bool {
        !matches!(self.0.get(kind), Lines::Exact(_))
    }

    /// True if 0 is the first granted ID.
    pub(crate) fn is_of_subids(&self) -> bool {
        matches!(self.0.uid, Lines::Subids)
    }

    /// Maps a kind of ID. Returns true if the kernel accepts only some of the IDs that fit.
    ///
    /// # Errors
    /// The pool lacks requested IDs, lines overlap, or the kernel does not accept exact lines.
    pub(crate) fn fill(&self, kind: IdKind, pool: &Pool, map: &mut PlannedMap) -> Result<bool, Error> {
        let exact = !self.fits(kind);
        let lines = match self.0.get(kind) {
            Lines::Auto => from_0(0, pool.count()),
            Lines::Subids => subids(pool),
            Lines::Exact(lines) | Lines::Fitting(lines) => lines.clone(),
        };
        let mut is_cut = false;
        for (at, line) in lines.iter().enumerate() {
            // Keep room for later lines of a single ID, such as nobody's.
            let later = lines.iter().skip(at + 1).filter(|line| !exact && line.count == 1).count();
            let filled =
                fill_line(line, &pool.ranges, map, later).map_err(|why| not_mappable(kind, line, &why))?;
            is_cut |= filled.is_cut;
            if exact && filled.count < line.count {
                return Err(not_mappable(kind, line, if filled.is_cut { NO_ROOM } else { TOO_FEW }));
            }
        }
        Ok(is_cut)
    }

    /// Fills a map that already has lines. These keep their inside IDs.
    ///
    /// # Errors
    /// As for [`Layout::fill`].
    pub(crate) fn fill_around(&self, kind: IdKind, pool: &Pool, map: &mut PlannedMap) -> Result<bool, Error> {
        if map.is_empty() {
            return self.fill(kind, pool, map);
        }
        let refused = |why: &str| Error::Usage { what: "the group IDs", why: why.into() };
        let mut wanted = PlannedMap::EMPTY;
        let is_cut = self.fill(kind, pool, &mut wanted)?;
        let taken: Vec<IdRange> = map.lines().iter().filter_map(|line| line.inside_range().ok()).collect();
        for line in wanted.lines() {
            let mut parts: Vec<IdRange> = line.inside_range().into_iter().collect();
            for range in &taken {
                parts = parts.into_iter().flat_map(|part| without(part, *range)).collect();
            }
            for part in parts {
                let outside = line.outside.saturating_add(part.first().saturating_sub(line.inside));
                let part = MapLine { inside: part.first(), outside, count: part.count() };
                match has_room(map, part, 0) {
                    true => map.push(part).map_err(|why| refused(&reason_of_map(&why)))?,
                    false if self.fits(kind) => return Ok(true),
                    false => return Err(refused(NO_ROOM)),
                }
            }
        }
        Ok(is_cut)
    }
}

fn line(inside: u32, from: u32, count: u32) -> GivenLine {
    GivenLine { inside, from: IdSource::Own(from), count }
}

/// Maps `count` IDs of the pool, starting at position `first`, to the IDs from 0 up. If these do not reach
/// 65534, which is nobody and nogroup, the last one becomes 65534.
fn from_0(first: u32, count: u32) -> Vec<GivenLine> {
    if !(2..=OVERFLOW_ID).contains(&count) {
        return vec![line(0, first, count)];
    }
    let last = count.saturating_sub(1);
    vec![line(0, first, last), line(OVERFLOW_ID, first.saturating_add(last), 1)]
}

/// Maps the granted IDs to the IDs from 0 up, and the caller's own ID above them and above all 16-bit IDs.
fn subids(pool: &Pool) -> Vec<GivenLine> {
    let granted = pool.count().saturating_sub(u32::from(pool.has_own));
    let mut lines = from_0(u32::from(pool.has_own), granted);
    lines.extend(pool.has_own.then(|| line(granted.max(FULL), 0, 1)));
    lines
}

/// The number of 16-bit IDs, which include nobody's 65534.
pub(crate) const FULL: u32 = 65536;

pub(crate) const NO_ROOM: &str =
    "the kernel accepts at most 340 ranges and 4095 bytes of map, and these IDs need more";
const TOO_FEW: &str = "you do not have that many IDs: see subroot idmap";

/// The longest line of a single ID, in bytes.
const SINGLE: usize = "4294967295 4294967295 1\n".len();

/// True if the kernel accepts one more line. It limits the number of lines, and their text to less than a
/// page: map_write() in kernel/user_namespace.c. Lines are counted before joining, because a user namespace
/// around this one may prevent the join. Room is left for `later` lines of a single ID.
pub(crate) fn has_room(map: &PlannedMap, line: MapLine, later: usize) -> bool {
    let digits = |number: u32| number.checked_ilog10().map_or(1, |log| log.saturating_add(1));
    let length = |line: &MapLine| {
        [line.inside, line.outside, line.count].into_iter().map(digits).sum::<u32>().saturating_add(3)
    };
    let bytes: u32 = map.lines().iter().chain([&line]).map(length).sum();
    let left = MAX_TEXT.saturating_sub(later.saturating_mul(SINGLE));
    let lines = map.lines().len().saturating_add(later);
    lines < MAX_EXTENTS && usize::try_from(bytes).is_ok_and(|bytes| bytes <= left)
}

fn not_mappable(kind: IdKind, line: &GivenLine, why: &str) -> Error {
    Error::Usage { what: "the ID maps", why: format!("{} {line}: {why}", kind.name()) }
}

/// Why a map is refused, with both ranges of an overlap.
pub(crate) fn reason_of_map(bad: &BadMap) -> String {
    let why = bad.why.reason();
    bad.overlap.map_or_else(
        || why.to_owned(),
        |[known, range]| format!("{why}: {} and {}", range_text(known), range_text(range)),
    )
}

/// The mapped part of a line.
struct Filled {
    count: u32,
    /// True if IDs were left out because the kernel accepts no more ranges.
    is_cut: bool,
}

/// Maps the IDs of a line, as many as the pool has and the kernel accepts.
fn fill_line(
    line: &GivenLine,
    ranges: &[IdRange],
    map: &mut PlannedMap,
    later: usize,
) -> Result<Filled, String> {
    let start = match line.from {
        IdSource::Host(outside) => {
            let host = MapLine { inside: line.inside, outside, count: line.count };
            let filled = Filled { count: line.count, is_cut: false };
            return map.push(host).map(|()| filled).map_err(|why| reason_of_map(&why));
        }
        IdSource::Own(start) => start,
    };
    let (mut passed, mut filled) = (0_u32, 0_u32);
    for range in ranges {
        let skipped = start.saturating_add(filled).saturating_sub(passed).min(range.count());
        let count = range.count().saturating_sub(skipped).min(line.count.saturating_sub(filled));
        let inside = line.inside.saturating_add(filled);
        passed = passed.saturating_add(range.count());
        if count > 0 && inside.checked_add(count).is_some() {
            let outside = range.first().saturating_add(skipped);
            let fresh = MapLine { inside, outside, count };
            if !has_room(map, fresh, later) {
                return Ok(Filled { count: filled, is_cut: true });
            }
            map.push(fresh).map_err(|why| reason_of_map(&why))?;
            filled = filled.saturating_add(count);
        }
    }
    Ok(Filled { count: filled, is_cut: false })
}
