//! What the local files cannot tell: accounts of a directory service, and grants that a plugin keeps.

use subroot_idmap::{Caller, IdRange, MAX_NAMES, PluginQuestion, RequestedMap, Text};

/// Why name services gave no answer; nothing is mapped then.
pub struct Unanswered(pub &'static str);

/// What asks name services, between the caller's local accounts and his grants.
pub trait NameService {
    /// Finds the name of a caller who has no local account; false where nobody can be asked.
    ///
    /// # Errors
    /// Why there is no answer.
    fn find_name(&mut self, caller: &Caller, name: &mut Text<MAX_NAMES>) -> Result<bool, Unanswered>;

    /// Visits every range of the map that the plugin grants; none where plugins cannot be asked.
    ///
    /// # Errors
    /// Why there is no answer.
    fn each_grant(
        &mut self,
        _question: &PluginQuestion<'_>,
        _map: &RequestedMap,
        _visit: &mut dyn FnMut(IdRange),
    ) -> Result<(), Unanswered> {
        Ok(())
    }
}
