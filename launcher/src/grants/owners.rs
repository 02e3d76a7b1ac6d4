//! Problems with all lines of one owner: lines in only one of the two files, too few IDs, or too many lines
//! or ranges.

use crate::grants::ENOUGH;
use crate::grants::finding::Finding;
use crate::grants::remedy::Remedy;
use crate::grants::site::{Grant, Site};
use crate::sys::standard_error::number_of;
use subroot_idmap::{IdKind, MAX_EXTENTS, MAX_GRANTS};

/// All lines of one owner for one kind of ID.
#[derive(Clone, Copy, Default)]
struct Had<'g> {
    first: Option<&'g Grant>,
    ids: u32,
    /// The end of the last counted range.
    end: u32,
    /// The number of ranges in a map, if lines that continue each other are joined, and the end of the last
    /// one.
    ranges: usize,
    last: u32,
    lines: usize,
    /// The first line beyond the limit on lines. It grants nothing.
    beyond: Option<&'g Grant>,
}

/// Checks each owner.
pub(crate) fn check(site: &Site, remedy: &Remedy<'_>, found: &mut Vec<Finding>) {
    let owned = counted(site);
    for (owner, had) in site.owners.iter().zip(&owned) {
        let computed = owner.uid.and_then(|uid| site.computed(uid)).map_or(0, |(_, range)| range.count());
        match had.map(|had| had.first) {
            [Some(only), None] | [None, Some(only)] if computed == 0 && !owner.is_gone => {
                let other = if only.kind == IdKind::Uid { IdKind::Gid } else { IdKind::Uid };
                let why = format!("{} has no line for this user", other.grant_file());
                found.push(Finding::of(site, only, "one-file", why, remedy.complete(only)));
            }
            _ => {}
        }
        let all = had.map(|had| had.ids.saturating_add(computed));
        for (had, ids) in had.iter().zip(all).filter(|(_, ids)| *ids < ENOUGH && !owner.is_gone) {
            if let Some(first) = had.first {
                let why = format!("{} in all, and a Debian root takes {ENOUGH}", number_of(ids, "ID"));
                found.push(Finding::of(site, first, "too-small", why, remedy.complete(first)));
            }
        }
        for grant in had.iter().filter_map(|had| had.beyond) {
            let why = format!("grants nothing, as {MAX_GRANTS} lines of this user come before it");
            found.push(Finding::of(site, grant, "too-many-lines", why, remedy.complete(grant)));
        }
        for had in had.iter().filter(|had| had.ranges > MAX_EXTENTS) {
            found.extend(had.first.map(|first| too_many_ranges(site, first, had.ranges)));
        }
    }
}

/// Counts the IDs of each kind that each owner has. An ID in several lines counts once.
fn counted(site: &Site) -> Vec<[Had<'_>; 2]> {
    let mut owned = vec![[Had::default(); 2]; site.owners.len()];
    let mut grants: Vec<&Grant> = site.grants.iter().collect();
    for grant in site.grants.iter() {
        let Some(had) = of_grant(&mut owned, grant) else { continue };
        had.ranges = had.ranges.saturating_add(usize::from(had.last != grant.range.first()));
        had.last = grant.range.end();
        had.lines = had.lines.saturating_add(1);
        if had.lines > MAX_GRANTS {
            had.beyond = had.beyond.or(Some(grant));
        }
    }
    grants.sort_by_key(|grant| grant.range.first());
    for grant in grants {
        let Some(had) = of_grant(&mut owned, grant) else { continue };
        for part in site.present.parts(grant.kind, grant.range) {
            let fresh = part.end().saturating_sub(part.first().max(had.end));
            had.ids = had.ids.saturating_add(fresh);
            had.end = had.end.max(part.end());
        }
        if had.first.is_none_or(|first| first.line > grant.line) {
            had.first = Some(grant);
        }
    }
    owned
}

fn of_grant<'h, 'g>(owned: &'h mut [[Had<'g>; 2]], grant: &Grant) -> Option<&'h mut Had<'g>> {
    let [uids, gids] = owned.get_mut(grant.owner)?;
    Some(if grant.kind == IdKind::Uid { uids } else { gids })
}

fn too_many_ranges(site: &Site, first: &Grant, ranges: usize) -> Finding {
    let why = format!(
        "{ranges} ranges in all, and the kernel takes {MAX_EXTENTS} in a map: the others are left out"
    );
    let fix = "put one line of as many IDs in front of them; files keep the IDs of the old lines".into();
    Finding::of(site, first, "too-many-ranges", why, fix)
}
