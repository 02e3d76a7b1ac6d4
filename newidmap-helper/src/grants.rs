//! What decides about the caller: files, each opened once and only if it is trusted, and name services where those are asked.

use crate::error::Error;
use crate::files::{TrustedFile, each_line_of_proc};
use crate::name_service::NameService;
use idmap::{ACCOUNTS_FILE, Files, IdRange, OWN_STATUS, PluginQuestion, Policy, Request};

/// What reads them, through one buffer. The accounts are read twice: for the caller's names, and for the IDs that are alive.
pub(crate) struct GrantFiles<'b> {
    buffer: &'b mut [u8],
    accounts: Option<TrustedFile>,
    request: &'b Request,
    names: &'b mut dyn NameService,
}

impl<'b> GrantFiles<'b> {
    /// Nothing opened yet. A plugin will be asked for what is requested.
    pub(crate) fn new(
        buffer: &'b mut [u8],
        request: &'b Request,
        names: &'b mut dyn NameService,
    ) -> GrantFiles<'b> {
        GrantFiles { buffer, accounts: None, request, names }
    }

    /// Asks name services about the caller, where the local files do not tell all.
    pub(crate) fn note_caller<'m>(&mut self, policy: &mut Policy) -> Result<(), Error<'m>> {
        if policy.needs_name_service() {
            self.names.note_caller(policy).map_err(|unanswered| Error::NameService(unanswered.0))?;
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
        if let Some(accounts) = self.accounts.as_ref().filter(|_| path == ACCOUNTS_FILE) {
            return accounts.each_line(self.buffer, visit);
        }
        if path == OWN_STATUS {
            let read = each_line_of_proc(path, self.buffer, visit);
            return read.map_err(|errno| Error::Unreadable(path, errno));
        }
        let Some(file) = TrustedFile::open(path)? else { return Ok(()) };
        file.each_line(self.buffer, visit)?;
        if path == ACCOUNTS_FILE {
            self.accounts = Some(file);
        }
        Ok(())
    }
    fn each_plugin_grant(
        &mut self,
        question: &PluginQuestion<'_>,
        visit: &mut dyn FnMut(IdRange),
    ) -> Result<(), Error<'static>> {
        let map = self.request.map(question.kind);
        self.names.each_grant(question, map, visit).map_err(|unanswered| Error::Plugin(unanswered.0))
    }
}
