//! A free range for each user who lacks IDs. Each user gets a different one, so that the fixes for several
//! users can all be run.

use crate::grants::ENOUGH;
use crate::grants::free::{Limits, first_fit, free};
use crate::grants::site::Site;
use std::collections::HashMap;
use subroot_idmap::IdRange;

/// The number of IDs that useradd(8) grants.
pub(crate) const PLENTY: u32 = 65536;

/// A free range.
#[derive(Clone, Copy)]
pub(crate) struct FreeRange {
    pub(crate) range: IdRange,
    /// The limits that must be set first, if it is above those of login.defs.
    pub(crate) raised: Option<Limits>,
}

/// The ranges that were given, and those that are left.
pub(crate) struct FreeRanges<'s> {
    site: &'s Site,
    /// The free ranges; those before `next` have no `size` IDs.
    left: Vec<IdRange>,
    next: usize,
    size: u32,
    limits: Limits,
    raised: Option<Limits>,
    given: HashMap<u32, Option<FreeRange>>,
}

impl<'s> FreeRanges<'s> {
    pub(crate) fn new(site: &'s Site, free: &[IdRange], limits: Limits) -> FreeRanges<'s> {
        let left = free.to_vec();
        FreeRanges { site, left, next: 0, size: PLENTY, limits, raised: None, given: HashMap::new() }
    }

    /// The range for the user with this uid, the same each time; `None` if no range is left.
    pub(crate) fn of(&mut self, uid: u32) -> Option<FreeRange> {
        let known = self.given.get(&uid).copied();
        known.unwrap_or_else(|| {
            let range = self.take();
            self.given.insert(uid, range);
            range
        })
    }

    /// Takes a whole range, else one that is just enough, else one above the limits.
    fn take(&mut self) -> Option<FreeRange> {
        let range = loop {
            match self.fit() {
                Some(range) => break range,
                None if self.size == PLENTY => (self.size, self.next) = (ENOUGH, 0),
                None => self.raise()?,
            }
        };
        Some(FreeRange { range, raised: self.raised })
    }

    fn fit(&mut self) -> Option<IdRange> {
        let rest = self.left.get_mut(self.next..)?;
        let at = rest.iter().position(|range| range.count() >= self.size)?;
        self.next = self.next.saturating_add(at);
        let gap = rest.get_mut(at)?;
        let range = first_fit(&[*gap], self.size)?;
        match IdRange::new(range.end(), gap.count().saturating_sub(self.size)) {
            Ok(rest) => *gap = rest,
            // Error ignored: no ID of it is left.
            Err(_) => drop(self.left.remove(self.next)),
        }
        Some(range)
    }

    /// Goes on above the limits, once.
    fn raise(&mut self) -> Option<()> {
        let raised = self.limits.raised().filter(|_| self.raised.is_none())?;
        let given = self.given.values().flatten().map(|range| range.range.end()).max().unwrap_or(0);
        let above = |range: &IdRange| {
            let first = range.first().max(given);
            // None if no ID of it is left.
            IdRange::new(first, range.end().saturating_sub(first)).ok()
        };
        let left = free(self.site, raised).iter().filter_map(above).collect();
        (self.left, self.next, self.size) = (left, 0, PLENTY);
        self.raised = Some(raised);
        Some(())
    }
}
