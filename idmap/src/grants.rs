//! The ranges that the lines of a grant file grant to one caller.

use crate::caller::Caller;
use crate::invalid::Invalid;
use crate::range::IdRange;

/// The number of a caller's lines that count in one file. Later lines grant nothing.
pub const MAX_GRANTS: usize = 4096;

/// Why IDs that a file seems to grant to the caller are not granted.
///
/// The tag is a separate byte with the value 0 for `Nothing`, so that a static [`Granted::NONE`] is all zeros
/// and takes no space in the program's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Void {
    /// There is nothing to report.
    Nothing = 0,
    /// The line of this number is not valid.
    Line(u32, Invalid),
    /// The range holds the ID of a live account.
    Range(IdRange, u32),
}

/// The ranges granted to one caller, one for each line.
pub struct Granted {
    lines: [IdRange; MAX_GRANTS],
    used: usize,
    has_more: bool,
    void: Void,
    /// The lowest first ID and the highest end of all lines, so that most accounts can be skipped by one
    /// comparison.
    span: (u32, u32),
}

impl Granted {
    /// No grants.
    pub const NONE: Granted = Granted {
        lines: [IdRange::UNUSED; MAX_GRANTS],
        used: 0,
        has_more: false,
        void: Void::Nothing,
        span: (0, 0),
    };

    /// The ranges, in the order of the file.
    pub fn ranges(&self) -> &[IdRange] {
        self.lines.get(..self.used).unwrap_or(&[])
    }

    /// True if there were more than [`MAX_GRANTS`] ranges. The excess ranges grant nothing.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// The first reason found why IDs of the caller's lines are not granted.
    pub fn void(&self) -> Void {
        self.void
    }

    fn note_void(&mut self, void: Void) {
        if self.void == Void::Nothing {
            self.void = void;
        }
    }

    /// Adds the range of a grant file's line if the line is valid and belongs to the caller. Any other line
    /// grants nothing.
    pub fn add_line(&mut self, caller: &Caller, number: u32, line: &[u8]) {
        match caller.granted_by(line) {
            Ok(granted) => granted.into_iter().for_each(|range| self.push(range)),
            Err(why) => self.note_void(Void::Line(number, why)),
        }
    }

    /// Adds a range that does not come from a grant file.
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

    /// True if a live account could void a line. Lines of one ID are excluded: an administrator writes them
    /// to pass that ID through.
    pub fn may_cover_accounts(&self) -> bool {
        self.ranges().iter().any(|range| range.count() > 1)
    }

    /// Removes every line of more than one ID that contains the ID of a live account.
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
                self.note_void(Void::Range(range, live_id));
            }
        }
        self.used = kept;
    }

    /// True if every ID of `range` is granted, by one line or by several together.
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
