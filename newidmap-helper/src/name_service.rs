//! What the local files cannot tell: accounts of a directory service, and grants that a plugin keeps.

use crate::files::TrustedFile;
use idmap::{ACCOUNTS_FILE, IdRange, PluginQuestion, Policy, RequestedMap};

/// Why name services gave no answer; nothing is mapped then.
pub struct Unanswered(pub &'static str);

/// Reads the local accounts for a name service that has to know them: each line with its number.
///
/// # Errors
/// The file is missing, untrusted or unreadable.
pub fn read_accounts(buffer: &mut [u8], visit: &mut dyn FnMut(u32, &[u8])) -> Result<(), Unanswered> {
    let accounts = TrustedFile::open(ACCOUNTS_FILE).ok().flatten();
    let read = accounts.and_then(|accounts| accounts.each_line(buffer, visit).ok());
    read.ok_or(Unanswered("/etc/passwd cannot be read again"))
}

/// What asks name services, between the caller's local accounts and his grants.
pub trait NameService {
    /// Notes what is known of a caller of whom the local files do not tell all ([`Policy::needs_name_service`]).
    ///
    /// # Errors
    /// Why there is no answer.
    fn note_caller(&mut self, policy: &mut Policy) -> Result<(), Unanswered>;

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
