//! Who the caller is: his IDs, his names, his groups, and which lines of a grant file are his.

use crate::invalid::Invalid;
use crate::kind::{IdKind, PerKind};
use crate::number::parse_number;
use crate::passwd::Account;
use crate::range::{IdRange, OVERFLOW_ID};
use crate::subid::{BYTE_ORDER_MARK, Owner, SubidLine};

/// How many bytes all names of a caller may have, the separators included.
pub const MAX_NAMES: usize = 1024;
const MAX_GROUPS: usize = 4096;
/// Ends each name: no line of a grant file can have it in an owner.
const SEPARATOR: u8 = b':';

/// An account as the grant files see it: its IDs, every name that the accounts give its uid, and its supplementary groups.
pub struct Caller {
    ids: PerKind<u32>,
    names: [u8; MAX_NAMES],
    used: usize,
    left_names_out: bool,
    groups: [u32; MAX_GROUPS],
    group_count: usize,
}

impl Caller {
    /// A caller whose names are not known yet.
    pub const fn new(uid: u32, gid: u32) -> Caller {
        Caller {
            ids: PerKind { uid, gid },
            names: [0; MAX_NAMES],
            used: 0,
            left_names_out: false,
            groups: [0; MAX_GROUPS],
            group_count: 0,
        }
    }

    /// Gives the caller his IDs in place: what is large stays as it is, untouched.
    pub(crate) fn identify(&mut self, uid: u32, gid: u32) {
        self.ids = PerKind { uid, gid };
    }

    /// The caller's own ID of a kind.
    pub fn id(&self, kind: IdKind) -> u32 {
        *self.ids.get(kind)
    }

    /// Remembers the name if the account has the caller's uid. A damaged line's name is left out.
    pub fn add_account(&mut self, account: &Account<'_>) {
        if account.uid == Some(self.ids.uid) {
            self.add_name(if account.is_whole { account.name } else { b":" });
        }
    }

    /// Remembers a name. One with a colon, and those past 1 KiB in all, are left out: they grant nothing.
    pub fn add_name(&mut self, name: &[u8]) {
        let start = self.used;
        let end = start.saturating_add(name.len());
        match self.names.get_mut(start..=end) {
            Some([free @ .., separator]) if !name.contains(&SEPARATOR) => {
                free.iter_mut().zip(name).for_each(|(free, byte)| *free = *byte);
                *separator = SEPARATOR;
                self.used = end.saturating_add(1);
            }
            _ => self.left_names_out = true,
        }
    }

    /// Remembers the supplementary groups if this is that line of /proc/self/status, in which a blank follows each of them
    /// (proc(5)): a number without one was cut off. Groups past 4,096 are left out.
    pub fn add_groups(&mut self, line: &[u8]) {
        let Some(groups) = line.strip_prefix(b"Groups:\t") else { return };
        let numbers =
            groups.split_inclusive(|byte| *byte == b' ').filter_map(|group| group.strip_suffix(b" "));
        for gid in numbers.filter_map(|number| parse_number(number).ok()) {
            if let Some(free) = self.groups.get_mut(self.group_count) {
                *free = gid;
                self.group_count = self.group_count.saturating_add(1);
            }
        }
    }

    /// True when the range is the caller's own ID alone, and that is one that can be told to be his.
    pub fn is_own_id(&self, kind: IdKind, range: IdRange) -> bool {
        is_tellable(range) && range.first() == self.id(kind)
    }

    /// True when the range is one supplementary group of the caller's, where those are known.
    pub fn is_own_group(&self, kind: IdKind, range: IdRange) -> bool {
        let mut known = self.groups.iter().take(self.group_count);
        kind == IdKind::Gid && is_tellable(range) && known.any(|gid| *gid == range.first())
    }

    /// The names, in the order of the accounts.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        let known = self.names.get(..self.used).unwrap_or(&[]);
        known.split(|byte| *byte == SEPARATOR).filter(|name| !name.is_empty())
    }

    /// True when a local account has the caller's uid, even one whose name does not count.
    pub fn is_local(&self) -> bool {
        self.used > 0 || self.left_names_out
    }

    /// True when the names are all that the caller has, as far as local accounts can tell.
    pub fn knows_all_names(&self) -> bool {
        self.used > 0 && !self.left_names_out
    }

    /// True when a line with this owner is the caller's.
    pub fn owns(&self, owner: Owner<'_>) -> bool {
        match owner {
            Owner::Uid(uid) => uid == self.ids.uid,
            Owner::Name(name) => self.names().any(|known| known == name),
        }
    }

    /// What a line of a grant file grants to the caller: nothing if it is another account's.
    ///
    /// # Errors
    /// The line is the caller's, and is not well-formed.
    pub(crate) fn granted_by(&self, line: &[u8]) -> Result<Option<IdRange>, Invalid> {
        let text = line.trim_ascii_start();
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        // Lines of others are passed over quickly: a separator ends each of the names, too.
        let digits = text.first().is_some_and(u8::is_ascii_digit);
        let known = self.names.get(..self.used).unwrap_or(&[]);
        if !digits && !known.split_inclusive(|byte| *byte == SEPARATOR).any(|name| text.starts_with(name)) {
            return Ok(None);
        }
        let owner = text.split(|byte| *byte == SEPARATOR).next().unwrap_or(&[]);
        if !Owner::parse(owner).is_ok_and(|owner| self.owns(owner)) {
            return Ok(None);
        }
        SubidLine::parse(line).map(|line| line.map(|line| line.range))
    }
}

/// True for a single ID that is never root's, and never the one that stands for any ID without a mapping: the caller need not
/// have that.
fn is_tellable(range: IdRange) -> bool {
    range.count() == 1 && range.first() != 0 && range.first() != OVERFLOW_ID
}
