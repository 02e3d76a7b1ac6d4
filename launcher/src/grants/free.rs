//! Which IDs are free to be granted: those within the limits of login.defs that nothing uses, neither as user
//! nor as group IDs.

use crate::error::Error;
use crate::failure::reason_of;
use crate::grants::files::read_lines;
use crate::grants::present::{Present, common, holds_some, joined};
use crate::grants::site::Site;
use std::fs;
use subroot_idmap::{IdKind, IdRange, OVERFLOW_ID, parse_number};

/// The administrator's file, and the distribution's, which counts if there is no file in /etc, as on
/// openSUSE.
pub(crate) const LOGIN_DEFS: [&str; 2] = ["/etc/login.defs", "/usr/etc/login.defs"];
/// The first ID of ordinary users. System accounts have lower ones: SYS_UID_MAX in login.defs(5).
pub(crate) const FIRST_USER: u32 = 1000;
/// shadow's defaults: login.defs(5).
const FIRST: u32 = 100_000;
const LAST: u32 = 600_100_000;

/// How far the upper limit is raised: enough for another thousand users.
const MORE: u32 = 65_536_000;
/// The highest ID that is granted. The 65,536 above it are left out, because programs may take IDs near 2^32
/// for -1 and other negative numbers.
const HIGHEST: u32 = 4_294_901_759;

/// The IDs that shadow's tools may grant: those that are both between SUB_UID_MIN and SUB_UID_MAX and between
/// SUB_GID_MIN and SUB_GID_MAX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The lowest ID.
    pub(crate) first: u32,
    /// The highest ID.
    pub(crate) last: u32,
}

impl Limits {
    /// Reads the limits from login.defs.
    ///
    /// # Errors
    /// A file exists and cannot be read.
    pub(crate) fn read() -> Result<Limits, Error> {
        let (mut first, mut last) = ([FIRST; 2], [LAST; 2]);
        let ([first_uid, first_gid], [last_uid, last_gid]) = (&mut first, &mut last);
        let [own, distribution] = LOGIN_DEFS;
        let unreadable =
            |error: std::io::Error| Error::Unreadable { file: own.into(), why: reason_of(&error) };
        let file = if fs::exists(own).map_err(unreadable)? { own } else { distribution };
        read_lines(file, |_, line| {
            let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
            let (name, value) = (fields.next(), fields.next().and_then(|field| parse_number(field).ok()));
            let setting = match name {
                Some(b"SUB_UID_MIN") => &mut *first_uid,
                Some(b"SUB_GID_MIN") => &mut *first_gid,
                Some(b"SUB_UID_MAX") => &mut *last_uid,
                Some(b"SUB_GID_MAX") => &mut *last_gid,
                _ => return,
            };
            *setting = value.unwrap_or(*setting);
        })?;
        let [first, last] = [first.into_iter().max(), last.into_iter().min()].map(Option::unwrap_or_default);
        Ok(Limits { first, last })
    }

    /// The limits with a higher upper one; `None` if it cannot be raised.
    pub(crate) fn raised(self) -> Option<Limits> {
        let last = self.last.saturating_add(MORE).min(HIGHEST);
        (last > self.last).then_some(Limits { last, ..self })
    }

    /// The command that sets the upper limit. It appends lines, because the last of two lines for one setting
    /// counts: login.defs(5).
    pub(crate) fn command(self) -> String {
        let ([own, distribution], last) = (LOGIN_DEFS, self.last);
        // Error ignored: the shell then reports what it cannot write.
        let is_missing = matches!(fs::exists(own), Ok(false)) && matches!(fs::exists(distribution), Ok(true));
        let copied = if is_missing { format!("cp {distribution} {own} && ") } else { String::new() };
        format!(r"{copied}printf '\nSUB_UID_MAX {last}\nSUB_GID_MAX {last}\n' >>{own}")
    }

    /// The limits for this user namespace: these, or, if none of their IDs exists here, all existing IDs
    /// above those of system accounts.
    pub(crate) fn of_present(self, present: &Present) -> Limits {
        let here = of_both_kinds(present);
        match here.last() {
            Some(highest) if !here.iter().any(|range| holds_some(*range, &(self.first..=self.last))) => {
                Limits { first: FIRST_USER, last: highest.end().saturating_sub(1) }
            }
            _ => self,
        }
    }
}

/// The IDs that exist both as user and as group IDs, sorted.
fn of_both_kinds(present: &Present) -> Vec<IdRange> {
    let gids = joined(present.of(IdKind::Gid));
    let uids = joined(present.of(IdKind::Uid));
    uids.iter().flat_map(|uid| gids.iter().filter_map(|gid| common(*uid, *gid))).collect()
}

/// The ranges within the limits that no line, account, group or rule uses as user or group IDs, sorted.
pub(crate) fn free(site: &Site, limits: Limits) -> Vec<IdRange> {
    let range = |first, count| IdRange::new(first, count).ok();
    let mut taken: Vec<IdRange> = site.grants.iter().map(|grant| grant.range).collect();
    taken.extend(site.bad.iter().filter_map(|bad| bad.meant));
    taken.extend(site.rules().flat_map(|(_, rule)| [rule.area, rule.uids]));
    taken.extend(site.accounts.ids().filter_map(|id| range(id, 1)));
    taken.extend([range(0, FIRST_USER), range(OVERFLOW_ID, 1)].into_iter().flatten());
    let here = of_both_kinds(&site.present);
    let gaps = gaps(limits, taken);
    gaps.iter().flat_map(|gap| here.iter().filter_map(|here| common(*gap, *here))).collect()
}

fn gaps(limits: Limits, mut taken: Vec<IdRange>) -> Vec<IdRange> {
    taken.sort_by_key(|range| range.first());
    let end = limits.last.saturating_add(1);
    let (mut next, mut free) = (limits.first, Vec::new());
    let mut push = |first: u32, end: u32| free.extend(IdRange::new(first, end.saturating_sub(first)));
    for range in taken {
        push(next, range.first().min(end));
        next = next.max(range.end());
    }
    push(next, end);
    free
}

/// How many ranges of this length fit into the free ones.
pub(crate) fn capacity(free: &[IdRange], count: u32) -> u32 {
    free.iter().map(|range| range.count().checked_div(count).unwrap_or(0)).sum()
}

/// The lowest free range of this length.
pub(crate) fn first_fit(free: &[IdRange], count: u32) -> Option<IdRange> {
    let gap = free.iter().find(|range| range.count() >= count)?;
    IdRange::new(gap.first(), count).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Limits, capacity, first_fit, gaps};
    use subroot_idmap::IdRange;

    fn range(first: u32, end: u32) -> IdRange {
        IdRange::new(first, end - first).unwrap()
    }

    #[test]
    fn what_is_taken_splits_what_is_free() {
        let limits = Limits { first: 100, last: 199 };
        let taken = vec![range(180, 300), range(110, 120), range(50, 101), range(112, 115), range(120, 121)];
        assert_eq!(gaps(limits, taken), [range(101, 110), range(121, 180)]);
        assert_eq!(gaps(limits, Vec::new()), [range(100, 200)]);
        assert_eq!(gaps(limits, vec![range(1, 4_294_967_295)]), []);
        assert_eq!(gaps(Limits { first: 200, last: 100 }, vec![range(150, 151)]), []);
    }

    #[test]
    fn each_gap_counts_for_itself() {
        let free = [range(100, 109), range(200, 225)];
        assert_eq!((capacity(&free, 10), capacity(&free, 9)), (2, 3));
        assert_eq!(first_fit(&free, 10), Some(range(200, 210)));
        assert_eq!(first_fit(&free, 26), None);
    }
}
