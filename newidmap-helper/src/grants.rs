//! The caller, and what the administrator's files grant to him.

use crate::error::Error;
use crate::files::TrustedFile;
use crate::privileges::Privileges;
use idmap::{Account, Caller, Granted, IdKind, IdMap, Request, TooManyGrants, authorize};

const ACCOUNTS: &str = "/etc/passwd";

/// Who asks, and the lines of both grant files that are his.
pub(crate) struct Grants {
    caller: Caller,
    uid: Granted,
    gid: Granted,
    buffer: [u8; 64 * 1024],
}

impl Grants {
    /// Nobody, nothing.
    pub(crate) const EMPTY: Grants =
        Grants { caller: Caller::new(0, 0), uid: Granted::NONE, gid: Granted::NONE, buffer: [0; 64 * 1024] };

    /// Reads the caller's names, and his lines for the kinds asked for that no live account makes void.
    pub(crate) fn read<'m>(&mut self, privileges: &Privileges, request: &Request) -> Result<(), Error<'m>> {
        let Grants { caller, uid, gid, buffer } = self;
        *caller = Caller::new(privileges.uid(), privileges.gid());
        let accounts = TrustedFile::open(ACCOUNTS)?;
        each_account(accounts.as_ref(), buffer, |account| caller.note_account(account))?;
        for (kind, granted) in [(IdKind::Uid, &mut *uid), (IdKind::Gid, &mut *gid)] {
            if !request.map(kind).is_empty() {
                read_lines(kind, caller, granted, buffer)?;
            }
        }
        if uid.may_cover_accounts() || gid.may_cover_accounts() {
            each_account(accounts.as_ref(), buffer, |account| {
                uid.void_lines_over(account.id(IdKind::Uid));
                gid.void_lines_over(account.id(IdKind::Gid));
            })?;
        }
        Ok(())
    }

    /// Authorises the map of a kind, if it was asked for.
    pub(crate) fn authorize<'m>(
        &'m self,
        kind: IdKind,
        request: &'m Request,
    ) -> Result<Option<IdMap<'m>>, Error<'m>> {
        let (map, granted) = (request.map(kind), self.granted(kind));
        if map.is_empty() {
            return Ok(None);
        }
        let map = authorize(kind, map, &self.caller, granted);
        map.map(Some).map_err(|refused| Error::NotGranted(kind, refused, granted))
    }

    fn granted(&self, kind: IdKind) -> &Granted {
        match kind {
            IdKind::Uid => &self.uid,
            IdKind::Gid => &self.gid,
        }
    }
}

fn read_lines<'m>(
    kind: IdKind,
    caller: &Caller,
    granted: &mut Granted,
    buffer: &mut [u8],
) -> Result<(), Error<'m>> {
    let Some(file) = TrustedFile::open(kind.grant_file())? else { return Ok(()) };
    let mut outcome = Ok(());
    file.each_line(buffer, |_, line| outcome = outcome.and(granted.note_line(caller, line)))?;
    outcome.map_err(|TooManyGrants| Error::TooManyGrants(kind.grant_file()))
}

fn each_account<'m>(
    file: Option<&TrustedFile>,
    buffer: &mut [u8],
    mut visit: impl FnMut(&Account<'_>),
) -> Result<(), Error<'m>> {
    let Some(file) = file else { return Ok(()) };
    file.each_line(buffer, |_, line| {
        if let Some(account) = Account::parse(line) {
            visit(&account);
        }
    })
}
