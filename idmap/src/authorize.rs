//! Turns a requested map into an authorised one, the only kind whose text can reach the kernel.

use crate::caller::Caller;
use crate::grants::Granted;
use crate::invalid::Invalid;
use crate::kind::IdKind;
use crate::requested::{MAX_TEXT, MapLine, RequestedMap, kernel_text};
use crate::text::Text;

/// A map that the caller may use. Only [`authorize`] makes one, so unchecked text cannot reach the kernel.
pub struct IdMap<'r> {
    requested: &'r RequestedMap,
    backed_by_grants: bool,
}

impl IdMap<'_> {
    /// True if at least one line is backed by a grant and every other line is the caller's own ID.
    ///
    /// If it is false, setgroups must be denied: otherwise the user could drop a supplementary group that
    /// exists to deny them access (CVE-2014-8989, CVE-2018-7169).
    pub fn backed_by_grants(&self) -> bool {
        self.backed_by_grants
    }

    /// The text for the kernel's map file. Adjacent lines are joined if `is_fit` accepts the joined line.
    ///
    /// In a nested user namespace each line has to be within one line of the parent's map
    /// (map_id_range_down() in kernel/user_namespace.c). A joined line may span two.
    ///
    /// # Errors
    /// The text exceeds the kernel's limits. After [`RequestedMap::check_size`] this happens only if `is_fit`
    /// prevents a join.
    pub fn kernel_text<'t>(
        &self,
        is_fit: impl Fn(MapLine) -> bool,
        text: &'t mut Text<MAX_TEXT>,
    ) -> Result<&'t [u8], Invalid> {
        kernel_text(self.requested.joined_if(is_fit), text)
    }

    /// The lines as requested.
    pub fn lines(&self) -> &[MapLine] {
        self.requested.lines()
    }
}

/// Authorises a map: each line must be covered by the union of the grants, or be exactly the caller's own ID,
/// or be one of the groups that [`Caller`] knows the caller to be in.
///
/// Lines are checked as requested, before joining. The host's ID 0 is never authorised: grants cannot contain
/// it and the two exceptions exclude it, because the mapper does not hold CAP_SETFCAP (see
/// user_namespaces(7)).
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
