//! A range of IDs that can exist: not empty, not wrapping, never touching the reserved ID.

use crate::invalid::Invalid;

/// `(uid_t) -1`: the kernel's "no ID", which no range may hold.
pub const RESERVED_ID: u32 = u32::MAX;

/// What the kernel shows in the place of an ID that the reader's user namespace does not have: the default of
/// /proc/sys/kernel/overflowuid and overflowgid, user_namespaces(7).
pub const OVERFLOW_ID: u32 = 65534;

/// One or more IDs in a row, all below [`RESERVED_ID`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    first: u32,
    count: u32,
}

impl IdRange {
    /// Fills arrays; no live range is ever equal to it.
    pub(crate) const UNUSED: IdRange = IdRange { first: 0, count: 0 };

    /// The range of `count` IDs from `first` on.
    ///
    /// # Errors
    /// A count of zero, or a range that would hold 4294967295.
    pub const fn new(first: u32, count: u32) -> Result<IdRange, Invalid> {
        match first.checked_add(count) {
            _ if count == 0 => Err(Invalid::EmptyRange),
            Some(_) => Ok(IdRange { first, count }),
            None => Err(Invalid::Wraps),
        }
    }

    /// The lowest ID.
    pub const fn first(self) -> u32 {
        self.first
    }

    /// The number of IDs, at least 1.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// The ID after the last one: at most [`RESERVED_ID`].
    pub const fn end(self) -> u32 {
        self.first.saturating_add(self.count)
    }

    /// True when `id` is one of the range's.
    pub const fn contains(self, id: u32) -> bool {
        self.first <= id && id < self.end()
    }

    /// The number of IDs that are in both ranges.
    pub fn shared_with(self, other: IdRange) -> u32 {
        self.end().min(other.end()).saturating_sub(self.first.max(other.first))
    }

    /// True when some ID is in both ranges.
    pub fn overlaps(self, other: IdRange) -> bool {
        self.shared_with(other) > 0
    }
}
