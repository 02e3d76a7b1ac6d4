//! Finds lines of different owners that share IDs, in one sweep over the lines sorted by range.

use crate::grants::finding::{Finding, range_text};
use crate::grants::lines::unless_files;
use crate::grants::remedy::Remedy;
use crate::grants::site::{Grant, Site};
use crate::sys::standard_error::number_of;
use subroot_idmap::IdKind;

/// Among the lines visited so far: the line with the highest end, and the line with the highest end of all
/// other owners.
#[derive(Default)]
struct Reach<'g> {
    furthest: Option<&'g Grant>,
    other: Option<&'g Grant>,
}

impl<'g> Reach<'g> {
    fn add(&mut self, grant: &'g Grant) {
        let is_behind = |known: &Grant| known.range.end() >= grant.range.end();
        match self.furthest {
            Some(furthest) if furthest.owner == grant.owner && is_behind(furthest) => {}
            Some(furthest) if furthest.owner == grant.owner => self.furthest = Some(grant),
            Some(furthest) if !is_behind(furthest) => {
                self.other = Some(furthest);
                self.furthest = Some(grant);
            }
            Some(_) if self.other.is_some_and(is_behind) => {}
            Some(_) => self.other = Some(grant),
            None => self.furthest = Some(grant),
        }
    }

    /// A line of another owner that shares IDs with this one. Requires that no line added so far begins after
    /// this one.
    fn met_by(&self, grant: &Grant) -> Option<&'g Grant> {
        let of_another = self.furthest.filter(|furthest| furthest.owner != grant.owner).or(self.other);
        of_another.filter(|known| known.range.end() > grant.range.first())
    }
}

/// Reports for each line one line of another owner that begins before it and shares IDs with it.
pub(crate) fn check(site: &Site, remedy: &Remedy<'_>, found: &mut Vec<Finding>) {
    for kind in IdKind::BOTH {
        let of_kind = |grant: &&Grant| grant.kind == kind && !is_pass_through(site, grant);
        let mut grants: Vec<&Grant> = site.grants.iter().filter(of_kind).collect();
        grants.sort_by_key(|grant| (grant.range.first(), grant.line));
        let mut reach = Reach::default();
        for grant in grants {
            found.extend(reach.met_by(grant).map(|known| overlap(site, remedy, known, grant)));
            reach.add(grant);
        }
    }
}

/// The lines of one owner that share IDs with a line of another existing account.
pub(crate) fn of_owner(site: &Site, owner: usize) -> Vec<&Grant> {
    let shares = |own: &Grant, other: &Grant| {
        let is_others = other.owner != owner && other.kind == own.kind && !site.owner(other).is_gone;
        is_others && other.range.overlaps(own.range)
    };
    let is_shared = |own: &&Grant| {
        !is_pass_through(site, own)
            && site.grants.iter().any(|other| shares(own, other) && !is_pass_through(site, other))
    };
    site.grants.iter().filter(|grant| grant.owner == owner).filter(is_shared).collect()
}

/// True for a line of one live ID, such as that of a device's group: it is passed through on purpose,
/// possibly to several users.
fn is_pass_through(site: &Site, grant: &Grant) -> bool {
    let (kind, range) = (grant.kind, grant.range);
    let is_live =
        || !site.accounts.live_in(kind, range).is_empty() || !site.accounts.groups_in(kind, range).is_empty();
    range.count() == 1 && is_live()
}

fn overlap(site: &Site, remedy: &Remedy<'_>, known: &Grant, grant: &Grant) -> Finding {
    match (site.owner(known).is_gone, site.owner(grant).is_gone) {
        (true, false) => given_again(site, known, grant),
        (false, true) => given_again(site, grant, known),
        _ => {
            let shared = number_of(known.range.shared_with(grant.range), "ID");
            let (range, other) = (range_text(grant.range), &site.owner(known).text);
            let why = format!("{range} shares {shared} with {} of {other}", known.location());
            Finding::of(site, grant, "overlap", why, remedy.without(grant))
        }
    }
}

/// The new owner of a deleted user's range also owns the files that the deleted user left behind.
fn given_again(site: &Site, gone: &Grant, new: &Grant) -> Finding {
    let (range, other) = (range_text(gone.range), &site.owner(new).text);
    let why = format!("this account does not exist, and {} gives {other} IDs of {range}", new.location());
    let fix = unless_files(gone, "the account is still to come");
    Finding::of(site, gone, "given-again", why, fix)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Grant, Reach};
    use subroot_idmap::{IdKind, IdRange};

    fn grant(owner: usize, first: u32, count: u32) -> Grant {
        let range = IdRange::new(first, count).unwrap();
        Grant { owner, kind: IdKind::Uid, line: 1, range }
    }

    #[test]
    fn the_sweep_finds_what_comparing_each_pair_finds() {
        let mut seed = 1_u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % below
        };
        for _ in 0..2000 {
            let mut grants: Vec<Grant> =
                (0..8).map(|_| grant(random(3) as usize, 1 + random(30), 1 + random(12))).collect();
            grants.sort_by_key(|grant| grant.range.first());
            let mut reach = Reach::default();
            for (at, grant) in grants.iter().enumerate() {
                let meets = |known: &&Grant| known.owner != grant.owner && known.range.overlaps(grant.range);
                let by_pairs = grants[..at].iter().any(|known| meets(&known));
                assert_eq!(reach.met_by(grant).filter(meets).is_some(), by_pairs);
                assert_eq!(reach.met_by(grant).is_some(), by_pairs);
                reach.add(grant);
            }
        }
    }
}
