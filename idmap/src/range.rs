//! A range of IDs that can exist: not empty, and below the reserved ID.

use crate::invalid::Invalid;

/// `(uid_t) -1`: the kernel's "no ID". No range can contain it.
pub const RESERVED_ID: u32 = u32::MAX;

/// What the kernel shows for an ID that has no mapping in the reader's user namespace: the default of
/// /proc/sys/kernel/overflowuid and overflowgid, see user_namespaces(7).
pub const OVERFLOW_ID: u32 = 65534;

/// One or more consecutive IDs, all below [`RESERVED_ID`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    first: u32,
    count: u32,
}

impl IdRange {
    /// Fills unused array elements. It never equals a valid range.
    pub(crate) const UNUSED: IdRange = IdRange { first: 0, count: 0 };

    /// The range of `count` IDs that starts at `first`.
    ///
    /// # Errors
    /// The count is zero, or the range would contain 4294967295.
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

    /// True if `id` is in the range.
    pub const fn contains(self, id: u32) -> bool {
        self.first <= id && id < self.end()
    }

    /// The number of IDs that are in both ranges.
    pub fn shared_with(self, other: IdRange) -> u32 {
        self.end().min(other.end()).saturating_sub(self.first.max(other.first))
    }

    /// True if any ID is in both ranges.
    pub fn overlaps(self, other: IdRange) -> bool {
        self.shared_with(other) > 0
    }
}
