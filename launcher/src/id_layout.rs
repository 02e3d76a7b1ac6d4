//! Which of the caller's IDs stand for which inside: `--userns`, `--uidmap` and `--gidmap`, worked out.

use crate::error::Error;
use crate::words::ids::{From, GivenLine, Userns};
use idmap::{IdKind, IdRange, MAX_EXTENTS, MapLine, PlannedMap, Policy};
use nix::unistd::{getgid, getuid};

/// A caller's IDs in their order: his own first, then what is granted to him.
pub(crate) struct Pool(Vec<IdRange>);

impl Pool {
    /// The caller's own ID alone.
    pub(crate) fn own(kind: IdKind) -> Pool {
        Pool::new(Some(own_id(kind)), &[])
    }

    /// An own ID, and ranges without it and without what an earlier one has already.
    pub(crate) fn new(own: Option<u32>, ranges: &[IdRange]) -> Pool {
        let mut taken: Vec<IdRange> = own.and_then(|own| IdRange::new(own, 1).ok()).into_iter().collect();
        let mut kept = taken.clone();
        for range in ranges {
            let mut parts = vec![*range];
            for known in &taken {
                parts = parts.into_iter().flat_map(|part| without(part, *known)).collect();
            }
            taken.push(*range);
            kept.extend(parts);
        }
        Pool(kept)
    }

    /// What is granted to the caller behind his own ID; for root, whose own IDs are the host's, what is granted alone.
    pub(crate) fn granted(policy: &Policy, kind: IdKind) -> Pool {
        let ranges = policy.granted(kind).ranges();
        let is_root = policy.caller().id(IdKind::Uid) == 0;
        let own = policy.caller().id(kind);
        let pool = Pool::new(Some(own), ranges);
        if is_root && pool.0.len() > 1 { Pool(pool.0.into_iter().skip(1).collect()) } else { pool }
    }

    /// Which ID one of these is where all are mapped in their order, as far as the kernel takes lines.
    pub(crate) fn position(&self, id: u32) -> Option<u32> {
        let mut passed = 0_u32;
        for range in self.0.iter().take(MAX_EXTENTS) {
            if range.contains(id) {
                return passed.checked_add(id.checked_sub(range.first())?);
            }
            passed = passed.saturating_add(range.count());
        }
        None
    }
}

/// The caller's own ID of a kind.
pub(crate) fn own_id(kind: IdKind) -> u32 {
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

/// Lines of a map, counted in the caller's IDs.
pub(crate) struct Layout {
    uid: Lines,
    gid: Lines,
}

enum Lines {
    /// As many as there are of these, the last one as long as can be.
    Fitting(Vec<GivenLine>),
    /// Exactly these.
    Exact(Vec<GivenLine>),
}

impl Layout {
    /// The layout of a mode.
    pub(crate) fn of(userns: &Userns) -> Layout {
        let line = |inside, from, count| GivenLine { inside, from: From::Own(from), count };
        let around = |id: u32| {
            let above = id.saturating_add(1);
            vec![line(id, 0, 1), line(0, 1, id), line(above, above, u32::MAX)]
        };
        match userns {
            Userns::Default | Userns::Auto(None) => {
                let all = vec![line(0, 0, u32::MAX)];
                Layout { uid: Lines::Fitting(all.clone()), gid: Lines::Fitting(all) }
            }
            // A size is asked for, and is never lowered.
            Userns::Auto(Some(size)) => {
                let sized = vec![line(0, 0, *size)];
                Layout { uid: Lines::Exact(sized.clone()), gid: Lines::Exact(sized) }
            }
            Userns::HostId => Layout {
                uid: Lines::Exact(vec![line(own_id(IdKind::Uid), 0, 1)]),
                gid: Lines::Exact(vec![line(own_id(IdKind::Gid), 0, 1)]),
            },
            Userns::KeepId { uid, gid } => Layout {
                uid: Lines::Fitting(around(uid.unwrap_or_else(|| own_id(IdKind::Uid)))),
                gid: Lines::Fitting(around(gid.unwrap_or_else(|| own_id(IdKind::Gid)))),
            },
            Userns::Given { uid, gid } => {
                let other = |lines: &Vec<GivenLine>, others: &Vec<GivenLine>| {
                    Lines::Exact(if lines.is_empty() { others.clone() } else { lines.clone() })
                };
                Layout { uid: other(uid, gid), gid: other(gid, uid) }
            }
        }
    }

    /// Maps a kind of ID.
    ///
    /// # Errors
    /// IDs that the pool does not have, or lines that overlap.
    pub(crate) fn fill(&self, kind: IdKind, pool: &Pool, map: &mut PlannedMap) -> Result<(), Error> {
        let (lines, exact) = match (kind, &self.uid, &self.gid) {
            (IdKind::Uid, Lines::Exact(lines), _) | (IdKind::Gid, _, Lines::Exact(lines)) => (lines, true),
            (IdKind::Uid, Lines::Fitting(lines), _) | (IdKind::Gid, _, Lines::Fitting(lines)) => {
                (lines, false)
            }
        };
        for line in lines {
            let filled = fill_line(line, &pool.0, map).map_err(|why| not_mappable(kind, line, why))?;
            if exact && filled < line.count {
                return Err(not_mappable(kind, line, "you do not have that many IDs: see subroot idmap"));
            }
        }
        Ok(())
    }

    /// The same around lines that are there already, which keep their IDs.
    ///
    /// # Errors
    /// As of [`Layout::fill`].
    pub(crate) fn fill_around(&self, kind: IdKind, pool: &Pool, map: &mut PlannedMap) -> Result<(), Error> {
        if map.is_empty() {
            return self.fill(kind, pool, map);
        }
        let mut wanted = PlannedMap::EMPTY;
        self.fill(kind, pool, &mut wanted)?;
        let taken: Vec<IdRange> = map.lines().iter().filter_map(|line| line.inside_range().ok()).collect();
        for line in wanted.lines() {
            let mut parts: Vec<IdRange> = line.inside_range().into_iter().collect();
            for range in &taken {
                parts = parts.into_iter().flat_map(|part| without(part, *range)).collect();
            }
            for part in parts {
                let outside = line.outside.saturating_add(part.first().saturating_sub(line.inside));
                let part = MapLine { inside: part.first(), outside, count: part.count() };
                map.push(part).map_err(|why| Error::Usage("the group IDs", why.reason().into()))?;
            }
        }
        Ok(())
    }
}

fn not_mappable(kind: IdKind, line: &GivenLine, why: &str) -> Error {
    let from = match line.from {
        From::Own(at) => at.to_string(),
        From::Host(id) => format!("@{id}"),
    };
    Error::Usage("the ID maps", format!("{} {}:{from}:{}: {why}", kind.name(), line.inside, line.count))
}

/// Maps as many IDs of a line as there are, and returns how many those were.
fn fill_line(line: &GivenLine, ranges: &[IdRange], map: &mut PlannedMap) -> Result<u32, &'static str> {
    let start = match line.from {
        From::Host(outside) => {
            let host = MapLine { inside: line.inside, outside, count: line.count };
            return map.push(host).map(|()| line.count).map_err(|why| why.reason());
        }
        From::Own(start) => start,
    };
    let (mut passed, mut filled) = (0_u32, 0_u32);
    for range in ranges.iter().take(MAX_EXTENTS) {
        let skipped = start.saturating_add(filled).saturating_sub(passed).min(range.count());
        let count = range.count().saturating_sub(skipped).min(line.count.saturating_sub(filled));
        let inside = line.inside.saturating_add(filled);
        passed = passed.saturating_add(range.count());
        if count > 0 && inside.checked_add(count).is_some() {
            let outside = range.first().saturating_add(skipped);
            map.push(MapLine { inside, outside, count }).map_err(|why| why.reason())?;
            filled = filled.saturating_add(count);
        }
    }
    Ok(filled)
}
