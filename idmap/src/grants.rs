//! Who the caller is, and which lines of a grant file are his.

use crate::kind::IdKind;
use crate::passwd::Account;
use crate::range::IdRange;
use crate::subid::{Owner, SubidLine};

/// How many lines one owner may have in one file.
pub const MAX_GRANTS: usize = 4096;

const MAX_NAMES: usize = 1024;

/// An account as the grant files see it: its IDs, and every name that the local accounts give its uid.
pub struct Caller {
    uid: u32,
    gid: u32,
    names: [u8; MAX_NAMES],
    used: usize,
}

impl Caller {
    /// A caller whose names are not known yet.
    pub const fn new(uid: u32, gid: u32) -> Caller {
        Caller { uid, gid, names: [0; MAX_NAMES], used: 0 }
    }

    /// The caller's own ID of a kind.
    pub fn id(&self, kind: IdKind) -> u32 {
        match kind {
            IdKind::Uid => self.uid,
            IdKind::Gid => self.gid,
        }
    }

    /// Remembers the name if the account has the caller's uid. Names past 1 KiB in all are left out: they grant nothing.
    pub fn note_account(&mut self, account: &Account<'_>) {
        let start = self.used;
        let end = start.saturating_add(account.name.len());
        if account.uid == self.uid {
            if let Some([name @ .., separator]) = self.names.get_mut(start..=end) {
                name.iter_mut().zip(account.name).for_each(|(free, byte)| *free = *byte);
                *separator = b':';
                self.used = end.saturating_add(1);
            }
        }
    }

    /// The names, in the order of the accounts.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        let known = self.names.get(..self.used).unwrap_or(&[]);
        known.split(|byte| *byte == b':').filter(|name| !name.is_empty())
    }

    /// True when a line with this owner is the caller's.
    pub fn owns(&self, owner: Owner<'_>) -> bool {
        match owner {
            Owner::Uid(uid) => uid == self.uid,
            Owner::Name(name) => self.names().any(|known| known == name),
        }
    }

    /// The line, if it is well-formed and the caller's.
    fn own_line(&self, line: &[u8]) -> Option<IdRange> {
        let word = SubidLine::owner_word(line);
        let digits = word.first().is_some_and(u8::is_ascii_digit);
        if !digits && !self.owns(Owner::Name(word)) {
            return None;
        }
        SubidLine::parse(line).ok().flatten().filter(|line| self.owns(line.owner)).map(|line| line.range)
    }
}

/// The ranges granted to one caller, as the lines give them.
pub struct Granted {
    lines: [IdRange; MAX_GRANTS],
    used: usize,
}

/// The caller has more than [`MAX_GRANTS`] lines in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyGrants;

impl Granted {
    /// Nothing granted.
    pub const NONE: Granted = Granted { lines: [IdRange::UNUSED; MAX_GRANTS], used: 0 };

    /// The ranges, in the order of the file.
    pub fn ranges(&self) -> &[IdRange] {
        self.lines.get(..self.used).unwrap_or(&[])
    }

    /// Takes a line of the grant file in, if it is well-formed and the caller's; all else grants nothing.
    ///
    /// # Errors
    /// When the caller has too many lines.
    pub fn note_line(&mut self, caller: &Caller, line: &[u8]) -> Result<(), TooManyGrants> {
        let Some(range) = caller.own_line(line) else { return Ok(()) };
        *self.lines.get_mut(self.used).ok_or(TooManyGrants)? = range;
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// True when a live account could make a line void: all but single IDs, which are deliberate pass-throughs.
    pub fn may_cover_accounts(&self) -> bool {
        self.ranges().iter().any(|range| range.count() > 1)
    }

    /// Voids every line of more than one ID that holds the ID of a live account.
    pub fn void_lines_over(&mut self, live_id: u32) {
        let mut kept = 0_usize;
        for at in 0..self.used {
            let Some(range) = self.lines.get(at).copied() else { break };
            if range.count() > 1 && range.contains(live_id) {
                continue;
            }
            if let Some(slot) = self.lines.get_mut(kept) {
                *slot = range;
            }
            kept = kept.saturating_add(1);
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
