//! From a requested map to an authorised one: the only way to text that may reach the kernel.

use crate::caller::Caller;
use crate::grants::Granted;
use crate::kind::IdKind;
use crate::range::IdRange;
use crate::requested::{MAX_EXTENTS, MAX_TEXT, MapLine, RequestedMap, kernel_text};
use crate::text::Text;

/// A map that the caller may have. Only [`authorize`] makes one, so unchecked text cannot reach the kernel.
pub struct IdMap<'r> {
    requested: &'r RequestedMap,
    backed_by_grants: bool,
}

/// The first line of a request that nothing grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotGranted {
    /// The outside range that was asked for.
    pub range: IdRange,
    /// Where the inside range begins.
    pub inside: u32,
}

impl IdMap<'_> {
    /// True when a grant backs every line but the caller's own ID, and at least one.
    ///
    /// Where it is false, setgroups has to be denied: a user could otherwise drop a group that only keeps him out
    /// (CVE-2014-8989, CVE-2018-7169).
    pub fn backed_by_grants(&self) -> bool {
        self.backed_by_grants
    }

    /// The text for the kernel's map file, neighbours joined; `None` if it is longer than the kernel takes, which
    /// [`RequestedMap::check_size`] has excluded.
    pub fn kernel_text<'t>(&self, text: &'t mut Text<MAX_TEXT>) -> Option<&'t [u8]> {
        kernel_text(self.requested.joined(), text)
    }

    /// The same with every line as it was asked for; `None` also for more lines than the kernel takes.
    ///
    /// In a nested user namespace each line has to lie within one line of the parent's map (map_id_range_down() in
    /// kernel/user_namespace.c), which a joined one may not.
    pub fn kernel_text_unjoined<'t>(&self, text: &'t mut Text<MAX_TEXT>) -> Option<&'t [u8]> {
        let lines = self.lines();
        if lines.len() > MAX_EXTENTS { None } else { kernel_text(lines.iter().copied(), text) }
    }

    /// The lines with neighbours joined.
    pub fn joined(&self) -> impl Iterator<Item = MapLine> {
        self.requested.joined()
    }

    /// The lines as they were asked for.
    pub fn lines(&self) -> &[MapLine] {
        self.requested.lines()
    }
}

/// Authorises a map: every line lies within the union of the grants, or is the caller's own ID alone, or one of his groups
/// where those are known to [`Caller`].
///
/// Lines are judged as they were asked for, before joining. The host's ID 0 is never authorised: no grant holds it, and
/// the exceptions leave it out, as the mapper keeps no CAP_SETFCAP (see user_namespaces(7)).
///
/// # Errors
/// The first line that is not granted.
pub fn authorize<'r>(
    kind: IdKind,
    requested: &'r RequestedMap,
    caller: &Caller,
    granted: &Granted,
) -> Result<IdMap<'r>, NotGranted> {
    let (mut by_grant, mut by_group) = (false, false);
    for line in requested.lines() {
        let Ok(range) = line.outside_range() else { continue };
        if granted.covers(range) {
            by_grant = true;
        } else if caller.is_own_group(kind, range) && !caller.is_own_id(kind, range) {
            by_group = true;
        } else if !caller.is_own_id(kind, range) {
            return Err(NotGranted { range, inside: line.inside });
        }
    }
    Ok(IdMap { requested, backed_by_grants: by_grant && !by_group })
}
