//! The ranges that the lines of a grant file grant to one caller.

use crate::caller::Caller;
use crate::invalid::Invalid;
use crate::range::IdRange;

/// How many lines of one owner count in one file: the first ones.
pub const MAX_GRANTS: usize = 4096;

/// Something that would grant IDs to the caller, and grants nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Void {
    /// A line of the file, by its number, that is not well-formed.
    Line(u32, Invalid),
    /// A range that holds the ID of a live account.
    Range(IdRange, u32),
}

/// The ranges granted to one caller, as the lines give them.
pub struct Granted {
    lines: [IdRange; MAX_GRANTS],
    used: usize,
    has_more: bool,
    void: Option<Void>,
    /// The lowest ID of all lines and the end of the highest, so that most accounts cost no look at each of them.
    span: (u32, u32),
}

impl Granted {
    /// Nothing granted.
    pub const NONE: Granted =
        Granted { lines: [IdRange::UNUSED; MAX_GRANTS], used: 0, has_more: false, void: None, span: (0, 0) };

    /// The ranges, in the order of the file.
    pub fn ranges(&self) -> &[IdRange] {
        self.lines.get(..self.used).unwrap_or(&[])
    }

    /// True if there were more than [`MAX_GRANTS`] of them, and the others grant nothing.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// The first thing found that would grant IDs to the caller, and grants nothing.
    pub fn void(&self) -> Option<Void> {
        self.void
    }

    /// Adds what a line of the grant file grants, if it is the caller's and well-formed.
    pub fn add_line(&mut self, caller: &Caller, number: u32, line: &[u8]) {
        match caller.granted_by(line) {
            Ok(granted) => granted.into_iter().for_each(|range| self.push(range)),
            Err(why) => self.void = self.void.or(Some(Void::Line(number, why))),
        }
    }

    /// Takes in a range that was granted otherwise.
    pub fn push(&mut self, range: IdRange) {
        let Some(slot) = self.lines.get_mut(self.used) else {
            self.has_more = true;
            return;
        };
        *slot = range;
        let first = if self.used == 0 { range.first() } else { self.span.0.min(range.first()) };
        self.span = (first, self.span.1.max(range.end()));
        self.used = self.used.saturating_add(1);
    }

    /// True when a live account could make a line void: all but single IDs, which are deliberate pass-throughs.
    pub fn may_cover_accounts(&self) -> bool {
        self.ranges().iter().any(|range| range.count() > 1)
    }

    /// Voids every line of more than one ID that holds the ID of a live account.
    pub fn void_lines_over(&mut self, live_id: u32) {
        if live_id < self.span.0 || live_id >= self.span.1 {
            return;
        }
        let mut kept = 0_usize;
        for at in 0..self.used {
            let Some(range) = self.lines.get(at).copied() else { break };
            if range.count() == 1 || !range.contains(live_id) {
                self.lines.get_mut(kept).into_iter().for_each(|slot| *slot = range);
                kept = kept.saturating_add(1);
            } else {
                self.void = self.void.or(Some(Void::Range(range, live_id)));
            }
        }
        self.used = kept;
    }

    /// True when every ID of `range` is granted, by one line or by several that join.
    pub fn covers(&self, range: IdRange) -> bool {
        let mut next = range.first();
        while next < range.end() {
            let reach = self.ranges().iter().filter(|line| line.contains(next)).map(|line| line.end()).max();
            let Some(end) = reach else { return false };
            next = end;
        }
        true
    }
}
