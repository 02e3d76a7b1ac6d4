//! The accounts and groups of this host, and their IDs: from /etc/passwd, /etc/group, and a directory if one
//! is configured.

use crate::error::Error;
use crate::grants::accounts;
use crate::grants::files::read_lines;
use crate::grants::shown;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use subroot_idmap::{ACCOUNTS_FILE, Account, IdKind, IdRange, NSSWITCH_FILE, parse_number};

const GROUPS_FILE: &str = "/etc/group";
/// The limits on questions to a directory: their number, and the lines of /etc/passwd that they may read in
/// total, because the C library reads the whole file for each question.
const MAX_QUESTIONS: usize = 1000;
const MAX_LINES_READ: usize = 1_000_000;

/// A local account or group that has an ID.
pub(crate) struct Live {
    pub(crate) id: u32,
    /// Its name, escaped.
    pub(crate) name: Box<str>,
}

/// An account, with its primary group.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Its name, unescaped.
    pub(crate) name: Vec<u8>,
    /// Its user ID.
    pub(crate) uid: u32,
    /// Its primary group's ID.
    pub(crate) gid: u32,
    /// True if it is in /etc/passwd.
    pub(crate) is_local: bool,
}

/// All local accounts and groups, and access to those of a directory.
#[derive(Default)]
pub(crate) struct Accounts {
    known: Vec<Known>,
    by_name: HashMap<Vec<u8>, usize>,
    by_uid: HashMap<u32, usize>,
    /// The user IDs and the group IDs of accounts, which void grants in the mapper.
    live: [Vec<Live>; 2],
    /// The IDs of groups, which the mapper does not check.
    groups: Vec<Live>,
    has_directory: bool,
    /// True if no directory is configured. If one is, a name that it does not know may still have an account:
    /// the directory may be out of reach.
    pub(crate) are_all_local: bool,
    asked: usize,
    /// The number of accounts not asked for because of the limits.
    pub(crate) unasked: usize,
}

impl Accounts {
    /// Reads the local accounts and groups.
    ///
    /// # Errors
    /// A file exists and cannot be read.
    pub(crate) fn read() -> Result<Accounts, Error> {
        let mut accounts = Accounts::default();
        read_lines(NSSWITCH_FILE, |_, line| accounts.has_directory |= names_directory(line))?;
        read_lines(ACCOUNTS_FILE, |_, line| {
            if let Some(account) = Account::parse(line) {
                accounts.add(&account);
            }
        })?;
        read_lines(GROUPS_FILE, |_, line| {
            let mut fields = line.split(|byte| *byte == b':');
            let (name, id) = (fields.next(), fields.nth(1).map(parse_number));
            if let (Some(name), Some(Ok(id))) = (name, id) {
                accounts.groups.push(Live { id, name: shown(name).into() });
            }
        })?;
        accounts.are_all_local = !accounts.has_directory;
        let Accounts { live: [uids, gids], groups, .. } = &mut accounts;
        [uids, gids, groups].into_iter().for_each(|live| live.sort_by_key(|live| live.id));
        Ok(accounts)
    }

    fn add(&mut self, account: &Account<'_>) {
        let live = |id| Live { id, name: shown(account.name).into() };
        let [uids, gids] = &mut self.live;
        uids.extend(account.uid.map(live));
        // As in the mapper, each account's uid also counts as a group ID, because many accounts have a group
        // with the same ID.
        let gid = account.gid.filter(|gid| account.uid != Some(*gid));
        gids.extend(account.uid.into_iter().chain(gid).map(live));
        if let (true, Some(uid), Some(gid)) = (account.is_whole, account.uid, account.gid) {
            let at = self.known.len();
            self.known.push(Known { name: account.name.to_vec(), uid, gid, is_local: true });
            self.by_name.entry(account.name.to_vec()).or_insert(at);
            self.by_uid.entry(uid).or_insert(at);
        }
    }

    /// These accounts, without the directory.
    pub(crate) fn without_directory(self) -> Accounts {
        Accounts { has_directory: false, ..self }
    }

    /// The uid of the local account with this name.
    pub(crate) fn local_uid(&self, name: &[u8]) -> Option<u32> {
        self.by_name.get(name).and_then(|at| self.known.get(*at)).map(|known| known.uid)
    }

    /// The local account with this uid.
    pub(crate) fn local(&self, uid: u32) -> Option<Known> {
        self.by_uid.get(&uid).and_then(|at| self.known.get(*at)).cloned()
    }

    /// All local accounts.
    pub(crate) fn locals(&self) -> impl Iterator<Item = &Known> {
        self.known.iter()
    }

    /// The account with this name; `None` if there is none or it could not be asked for.
    pub(crate) fn named(&mut self, name: &[u8]) -> Option<Known> {
        let local = self.by_name.get(name).and_then(|at| self.known.get(*at));
        local.cloned().or_else(|| self.ask(|| accounts::by_name(OsStr::from_bytes(name))))
    }

    /// The account with this uid.
    pub(crate) fn with_uid(&mut self, uid: u32) -> Option<Known> {
        self.local(uid).or_else(|| self.ask(|| accounts::by_uid(uid)))
    }

    fn ask(&mut self, question: impl FnOnce() -> Option<users::User>) -> Option<Known> {
        if !self.has_directory {
            return None;
        }
        let most = (MAX_LINES_READ / self.known.len().max(1)).clamp(1, MAX_QUESTIONS);
        if self.asked >= most {
            self.unasked = self.unasked.saturating_add(1);
            return None;
        }
        self.asked = self.asked.saturating_add(1);
        let user = question()?;
        let (name, uid, gid) = (user.name().as_bytes().to_vec(), user.uid(), user.primary_group_id());
        Some(Known { name, uid, gid, is_local: false })
    }

    /// The accounts' IDs of a kind that are in a range, sorted.
    pub(crate) fn live_in(&self, kind: IdKind, range: IdRange) -> &[Live] {
        let [uids, gids] = &self.live;
        part(if kind == IdKind::Uid { uids } else { gids }, range)
    }

    /// The groups whose IDs are in a range, sorted; empty for user IDs.
    pub(crate) fn groups_in(&self, kind: IdKind, range: IdRange) -> &[Live] {
        if kind == IdKind::Gid { part(&self.groups, range) } else { &[] }
    }

    /// The name of a local group, escaped.
    pub(crate) fn group_name(&self, gid: u32) -> Option<&[u8]> {
        // Error ignored: no group has the ID.
        let at = self.groups.binary_search_by_key(&gid, |group| group.id).ok()?;
        self.groups.get(at).map(|group| group.name.as_bytes())
    }

    /// The ID of every account and group, of both kinds.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        self.live.iter().flatten().chain(&self.groups).map(|live| live.id)
    }
}

fn part(live: &[Live], range: IdRange) -> &[Live] {
    let below = |end: u32| live.partition_point(|live| live.id < end);
    live.get(below(range.first())..below(range.end())).unwrap_or(&[])
}

/// True for a `passwd:` line of nsswitch.conf that names a service with accounts that are not in local files:
/// nsswitch.conf(5).
fn names_directory(line: &[u8]) -> bool {
    let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
    let services = line.strip_prefix(b"passwd:").unwrap_or_default().split(u8::is_ascii_whitespace);
    let is_local = |service: &&[u8]| {
        matches!(*service, b"" | b"files" | b"compat" | b"systemd") || service.starts_with(b"[")
    };
    !services.into_iter().all(|service| is_local(&service))
}

#[cfg(test)]
mod tests {
    use super::names_directory;

    #[test]
    fn only_services_that_have_accounts_of_their_own_are_directories() {
        assert!(names_directory(b"passwd: files [NOTFOUND=return] sss"));
        assert!(names_directory(b"  passwd:\tldap # files"));
        for line in [
            &b"passwd: files systemd # ldap"[..],
            b"passwd: compat",
            b"group: files sss",
            b"# passwd: sss",
            b"",
        ] {
            assert!(!names_directory(line));
        }
    }
}
