//! From a requested map to an authorised one: the only way to text that may reach the kernel.

use crate::caller::Caller;
use crate::grants::Granted;
use crate::invalid::Invalid;
use crate::kind::IdKind;
use crate::requested::{MAX_TEXT, MapLine, RequestedMap, kernel_text};
use crate::text::Text;

/// A map that the caller may have. Only [`authorize`] makes one, so unchecked text cannot reach the kernel.
pub struct IdMap<'r> {
    requested: &'r RequestedMap,
    backed_by_grants: bool,
}

impl IdMap<'_> {
    /// True when a grant backs every line but the caller's own ID, and at least one.
    ///
    /// Where it is false, setgroups has to be denied: a user could otherwise drop a group that only keeps him out
    /// (CVE-2014-8989, CVE-2018-7169).
    pub fn backed_by_grants(&self) -> bool {
        self.backed_by_grants
    }

    /// The text for the kernel's map file, neighbours joined where the line that results is a fit one.
    ///
    /// In a nested user namespace each line has to lie within one line of the parent's map (map_id_range_down() in
    /// kernel/user_namespace.c), which a joined one may not.
    ///
    /// # Errors
    /// It is longer than the kernel takes, which [`RequestedMap::check_size`] has excluded where every line is a fit one.
    pub fn kernel_text<'t>(
        &self,
        is_fit: impl Fn(MapLine) -> bool,
        text: &'t mut Text<MAX_TEXT>,
    ) -> Result<&'t [u8], Invalid> {
        kernel_text(self.requested.joined_if(is_fit), text)
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
) -> Result<IdMap<'r>, MapLine> {
    let (mut by_grant, mut by_group) = (false, false);
    for line in requested.lines() {
        let range = line.outside_range().map_err(|_| *line)?;
        if granted.covers(range) {
            by_grant = true;
        } else if !caller.is_own_id(kind, range) {
            by_group = true;
            if !caller.is_own_group(kind, range) {
                return Err(*line);
            }
        }
    }
    Ok(IdMap { requested, backed_by_grants: by_grant && !by_group })
}
