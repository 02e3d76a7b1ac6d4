//! The caller's IDs, names and groups, and which lines of a grant file belong to the caller.

use crate::invalid::Invalid;
use crate::kind::{IdKind, PerKind};
use crate::number::parse_number;
use crate::passwd::Account;
use crate::range::{IdRange, OVERFLOW_ID};
use crate::subid::{BYTE_ORDER_MARK, Owner, SubidLine};

/// The total size of a caller's names in bytes, including separators.
pub const MAX_NAMES: usize = 1024;
const MAX_GROUPS: usize = 4096;
/// Follows each name. A colon separates fields in grant files, so no owner there can contain it.
const SEPARATOR: u8 = b':';

/// The caller's account as grant files see it: the IDs, every name that has this uid, and the supplementary
/// groups.
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

    /// Sets the IDs in place, so that the large arrays are not written and their memory stays unused.
    pub(crate) fn identify(&mut self, uid: u32, gid: u32) {
        self.ids = PerKind { uid, gid };
    }

    /// The caller's own ID of a kind.
    pub fn id(&self, kind: IdKind) -> u32 {
        *self.ids.get(kind)
    }

    /// Adds the account's name if the account has the caller's uid. The name of a damaged line is left out.
    pub fn add_account(&mut self, account: &Account<'_>) {
        if account.uid == Some(self.ids.uid) {
            self.add_name(if account.is_whole { account.name } else { b":" });
        }
    }

    /// Adds a name. A name that contains a colon, or does not fit in the 1 KiB for all names, is left out and
    /// grants nothing.
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

    /// Adds the supplementary groups if this is the `Groups:` line of /proc/self/status. The kernel writes a
    /// blank after each of them (proc(5)), so a number without one was cut off. Groups after the first 4,096
    /// are left out.
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

    /// True if the range is exactly the caller's own ID, and that ID identifies one user (see
    /// `is_tellable`).
    pub fn is_own_id(&self, kind: IdKind, range: IdRange) -> bool {
        is_tellable(range) && range.first() == self.id(kind)
    }

    /// True if the range is one supplementary group of the caller. False if the groups were not read.
    pub fn is_own_group(&self, kind: IdKind, range: IdRange) -> bool {
        let mut known = self.groups.iter().take(self.group_count);
        kind == IdKind::Gid && is_tellable(range) && known.any(|gid| *gid == range.first())
    }

    /// The names, in the order of the accounts file.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        let known = self.names.get(..self.used).unwrap_or(&[]);
        known.split(|byte| *byte == SEPARATOR).filter(|name| !name.is_empty())
    }

    /// True if a local account has the caller's uid, even if its name was left out.
    pub fn is_local(&self) -> bool {
        self.used > 0 || self.left_names_out
    }

    /// True if no name that local accounts give the caller was left out.
    pub fn knows_all_names(&self) -> bool {
        self.used > 0 && !self.left_names_out
    }

    /// True if a line with this owner belongs to the caller.
    pub fn owns(&self, owner: Owner<'_>) -> bool {
        match owner {
            Owner::Uid(uid) => uid == self.ids.uid,
            Owner::Name(name) => self.names().any(|known| known == name),
        }
    }

    /// The range that a line of a grant file grants to the caller; `None` if the line belongs to another
    /// account.
    ///
    /// # Errors
    /// The line belongs to the caller and is not valid.
    pub(crate) fn granted_by(&self, line: &[u8]) -> Result<Option<IdRange>, Invalid> {
        let text = line.trim_ascii_start();
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        // Skip other users' lines quickly: a colon follows the name both here and in `names`.
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

/// True for a single ID other than 0 and the overflow ID. The overflow ID stands for every ID without a
/// mapping, so a caller that appears to have it may have a different one.
fn is_tellable(range: IdRange) -> bool {
    range.count() == 1 && range.first() != 0 && range.first() != OVERFLOW_ID
}
