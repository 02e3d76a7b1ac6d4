//! Supplies the files, each opened once and only if trusted, and the name services that decide about the
//! caller.

use crate::error::Error;
use crate::files::{TrustedFile, each_line_of_proc};
use crate::name_service::NameService;
use subroot_idmap::{ACCOUNTS_FILE, Files, IdRange, OWN_STATUS, PluginQuestion, Policy, Request, Text};

/// Reads the files through one buffer. The accounts file stays open, as it is read twice: for the caller's
/// names, and for the IDs of live accounts.
pub(crate) struct GrantFiles<'b> {
    pub(crate) buffer: &'b mut [u8],
    pub(crate) accounts: Option<TrustedFile>,
    pub(crate) request: &'b Request,
    pub(crate) names: &'b mut dyn NameService,
}

impl GrantFiles<'_> {
    /// Asks name services about the caller if the local files do not decide everything.
    pub(crate) fn ask_name_service(&mut self, policy: &mut Policy) -> Result<(), Error<'static>> {
        let mut name = Text::EMPTY;
        let unanswered = "the name services for your account";
        if policy.needs_name_service() {
            let asked = self.names.find_name(policy.caller(), &mut name);
            if asked.map_err(|why| Error::Unanswered(unanswered, why.0))? {
                policy.add_name_of_service(&name, self)?;
            }
        }
        Ok(())
    }
}

impl Files for GrantFiles<'_> {
    type Error = Error<'static>;

    fn each_line(
        &mut self,
        path: &'static str,
        visit: &mut dyn FnMut(u32, &[u8]),
    ) -> Result<(), Error<'static>> {
        if path == OWN_STATUS {
            let read = each_line_of_proc(path, self.buffer, visit);
            return read.map_err(|errno| Error::File(path, errno.into()));
        }
        if path != ACCOUNTS_FILE {
            return TrustedFile::open(path)?.map_or(Ok(()), |file| file.each_line(self.buffer, visit));
        }
        if self.accounts.is_none() {
            self.accounts = TrustedFile::open(path)?;
        }
        self.accounts.as_ref().map_or(Ok(()), |file| file.each_line(self.buffer, visit))
    }

    fn each_plugin_grant(
        &mut self,
        question: &PluginQuestion<'_>,
        visit: &mut dyn FnMut(IdRange),
    ) -> Result<(), Error<'static>> {
        let unanswered = "the plugin that /etc/nsswitch.conf names for subid";
        let answer = self.names.each_grant(question, self.request.maps.get(question.kind), visit);
        answer.map_err(|why| Error::Unanswered(unanswered, why.0))
    }
}
