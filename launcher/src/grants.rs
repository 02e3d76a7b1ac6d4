//! What the administrator's files grant to the caller, read with the mapper's own rules.

use idmap::{Account, Caller, Granted, IdKind, IdRange, SubidLine, each_line};
use nix::unistd::{getgid, getuid};
use std::fs::File;
use std::io::{ErrorKind, Read as _};

/// Where local accounts are.
pub const ACCOUNTS: &str = "/etc/passwd";

/// The caller and his grants of both kinds.
pub struct Grants {
    /// Who asks.
    pub caller: Caller,
    uid: Box<Granted>,
    gid: Box<Granted>,
}

impl Grants {
    /// Reads the files; what cannot be read grants nothing.
    pub fn read() -> Grants {
        let mut caller = Caller::new(getuid().as_raw(), getgid().as_raw());
        each_account(|account| caller.note_account(account));
        let (mut uid, mut gid) = (Box::new(Granted::NONE), Box::new(Granted::NONE));
        for (kind, granted) in [(IdKind::Uid, &mut uid), (IdKind::Gid, &mut gid)] {
            each_line_of(kind.grant_file(), |_, line| {
                let _ = granted.note_line(&caller, line);
            });
        }
        if uid.may_cover_accounts() || gid.may_cover_accounts() {
            each_account(|account| {
                uid.void_lines_over(account.uid);
                gid.void_lines_over(account.gid);
            });
        }
        Grants { caller, uid, gid }
    }

    /// The grants of a kind.
    pub fn of(&self, kind: IdKind) -> &Granted {
        match kind {
            IdKind::Uid => &self.uid,
            IdKind::Gid => &self.gid,
        }
    }
}

/// A line of a grant file that names the caller.
pub struct OwnLine {
    /// Which file it is in.
    pub kind: IdKind,
    /// Its number, from 1 on.
    pub number: u32,
    /// The range, where the line has one.
    pub range: Option<IdRange>,
    /// Why it grants nothing, where it does not.
    pub refused: Option<&'static str>,
}

impl Grants {
    /// The lines of a kind that name the caller, the bad ones too.
    pub fn own_lines(&self, kind: IdKind) -> Vec<OwnLine> {
        let mut found = Vec::new();
        each_line_of(kind.grant_file(), |number, line| match SubidLine::parse(line) {
            Ok(Some(SubidLine { owner, range })) if self.caller.owns(owner) => {
                let is_void = !self.of(kind).ranges().contains(&range);
                let refused = is_void.then_some("the range holds the ID of a local account");
                found.push(OwnLine { kind, number, range: Some(range), refused });
            }
            Err(why) if self.names_caller(line) => {
                found.push(OwnLine { kind, number, range: None, refused: Some(why.reason()) });
            }
            _ => {}
        });
        found
    }

    fn names_caller(&self, line: &[u8]) -> bool {
        let word = line.split(|byte| *byte == b':').next().unwrap_or_default();
        self.caller.names().any(|name| name == word)
    }
}

/// Visits the local accounts.
pub fn each_account(mut visit: impl FnMut(&Account<'_>)) {
    each_line_of(ACCOUNTS, |_, line| {
        if let Some(account) = Account::parse(line) {
            visit(&account);
        }
    });
}

/// Visits the lines of a file, with their numbers; a file that cannot be read has none.
pub fn each_line_of(path: &str, visit: impl FnMut(u32, &[u8])) {
    let Ok(mut file) = File::open(path) else { return };
    let mut buffer = vec![0; 64 * 1024];
    let read = |free: &mut [u8]| loop {
        match file.read(free) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    };
    if let Err(error) = each_line(&mut buffer, read, visit) {
        log::warn!("reading {path}: {error}");
    }
}
