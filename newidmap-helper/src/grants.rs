//! The files that decide about the caller, each opened once and only if it is trusted.

use crate::error::Error;
use crate::files::{TrustedFile, each_line_of_proc};
use idmap::{ACCOUNTS_FILE, Files, OWN_STATUS};

/// What reads them, through one buffer. The accounts are read twice: for the caller's names, and for the IDs that are alive.
pub(crate) struct GrantFiles<'b> {
    buffer: &'b mut [u8],
    accounts: Option<TrustedFile>,
}

impl<'b> GrantFiles<'b> {
    /// Nothing opened yet.
    pub(crate) fn new(buffer: &'b mut [u8]) -> GrantFiles<'b> {
        GrantFiles { buffer, accounts: None }
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
}
