//! The interface to name services: accounts of a directory service, and grants from a plugin.

use subroot_idmap::{Caller, IdRange, MAX_NAMES, PluginQuestion, RequestedMap, Text};

/// Why name services gave no answer. Nothing is mapped then.
pub struct Unanswered(pub &'static str);

/// Asked after the local accounts are read and before the grants are.
pub trait NameService {
    /// Finds the name of a caller that has no local account. False if name services cannot be asked.
    ///
    /// # Errors
    /// Why there is no answer.
    fn find_name(&mut self, caller: &Caller, name: &mut Text<MAX_NAMES>) -> Result<bool, Unanswered>;

    /// Visits every range of the map that the plugin grants; none if plugins cannot be asked.
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
