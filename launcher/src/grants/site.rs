//! Everything that decides about the grants of all users: the accounts, the settings, and every line of both
//! files.

use crate::error::Error;
use crate::grants::files::{kind_of, read_lines};
use crate::grants::site_accounts::{Accounts, Known};
use crate::grants::spelling::{bare, line_of, meant};
use crate::grants::{Fault, Present, faults, shown};
use std::collections::HashMap;
use subroot_idmap::{
    CONFIG_FILE, Caller, ComputedRule, Config, IdKind, IdRange, NSSWITCH_FILE, OVERFLOW_ID, Owner, SubidLine,
    parse_number, plugin_of_line,
};

/// An owner of lines, by name or by uid. A name and a uid of the same account are the same owner.
pub(crate) struct LineOwner {
    /// The name or uid in the first of the lines, escaped.
    pub(crate) text: String,
    /// The uid, if it is known.
    pub(crate) uid: Option<u32>,
    /// The account; `None` if none was found.
    pub(crate) account: Option<Known>,
    /// True if no account was found. False if the limits on questions to a directory prevented the search.
    pub(crate) is_gone: bool,
}

/// A well-formed line.
pub(crate) struct Grant {
    /// The index of its owner in [`Site::owners`].
    pub(crate) owner: usize,
    /// The kind of ID, which determines the file.
    pub(crate) kind: IdKind,
    /// The line's number.
    pub(crate) line: u32,
    pub(crate) range: IdRange,
}

impl Grant {
    /// `FILE:LINE`.
    pub(crate) fn location(&self) -> String {
        format!("{}:{}", self.kind.grant_file(), self.line)
    }
}

/// An invalid line of a grant file or of mapper.conf.
pub(crate) struct BadLine {
    pub(crate) file: &'static str,
    /// The line's number.
    pub(crate) line: u32,
    /// Its first field, escaped.
    pub(crate) owner: String,
    /// The owner's uid, if the owner is a local account or a number.
    pub(crate) uid: Option<u32>,
    /// The first bytes of the line.
    pub(crate) text: Vec<u8>,
    /// The intended range, if only the spelling is wrong.
    pub(crate) meant: Option<IdRange>,
    /// Why it is invalid.
    pub(crate) reason: String,
}

impl BadLine {
    /// The kind of ID that the file grants; `None` for mapper.conf.
    pub(crate) fn kind(&self) -> Option<IdKind> {
        kind_of(self.file)
    }
}

/// The files of a host, as far as they decide about grants.
pub(crate) struct Site {
    /// All accounts and groups.
    pub(crate) accounts: Accounts,
    /// The IDs that exist in this user namespace.
    pub(crate) present: Present,
    /// The settings of mapper.conf, without those for single callers.
    pub(crate) config: Box<Config>,
    /// The line number of each rule.
    rule_lines: Vec<u32>,
    /// The name of the plugin that provides the grants instead of the files.
    plugin: Option<Vec<u8>>,
    /// The owners of all well-formed lines.
    pub(crate) owners: Vec<LineOwner>,
    /// The well-formed lines, in the order of the files.
    pub(crate) grants: Vec<Grant>,
    /// The invalid lines, including those of mapper.conf.
    pub(crate) bad: Vec<BadLine>,
    /// Why the mapper would not trust or read some of the files.
    pub(crate) faults: Vec<Fault>,
    locations: HashMap<OwnerKey, usize>,
}

#[derive(PartialEq, Eq, Hash)]
enum OwnerKey {
    Uid(u32),
    Name(Box<[u8]>),
}

impl Site {
    /// Reads all files.
    ///
    /// # Errors
    /// A file exists and cannot be read.
    pub(crate) fn read() -> Result<Site, Error> {
        Site::read_with(Accounts::read()?)
    }

    /// Reads all files, but asks no directory, because that could take long.
    ///
    /// # Errors
    /// A file exists and cannot be read.
    pub(crate) fn read_local() -> Result<Site, Error> {
        Site::read_with(Accounts::read()?.without_directory())
    }

    fn read_with(accounts: Accounts) -> Result<Site, Error> {
        let faults = faults()?;
        if let Some(hidden) = faults.iter().find(|fault| fault.hides()) {
            let cause = hidden.cause(&faults);
            return Err(Error::Grants { why: cause.to_string(), fix: Some(cause.fix()) });
        }
        let mut site = Site {
            faults,
            accounts,
            present: Present::read()?,
            config: Box::new(Config::DEFAULT),
            rule_lines: Vec::new(),
            plugin: None,
            owners: Vec::new(),
            grants: Vec::new(),
            bad: Vec::new(),
            locations: HashMap::new(),
        };
        read_lines(NSSWITCH_FILE, |_, line| {
            if site.plugin.is_none() {
                site.plugin = plugin_of_line(line).map(<[u8]>::to_vec);
            }
        })?;
        site.read_config()?;
        for kind in IdKind::BOTH {
            read_lines(kind.grant_file(), |number, line| site.add_line(kind, number, line))?;
        }
        Ok(site)
    }

    fn read_config(&mut self) -> Result<(), Error> {
        let caller = Caller::new(OVERFLOW_ID, OVERFLOW_ID);
        read_lines(CONFIG_FILE, |line, text| {
            if let Err(why) = self.config.add_line(&caller, text) {
                let (owner, text) = (String::new(), Vec::new());
                self.bad.push(BadLine {
                    file: CONFIG_FILE,
                    line,
                    owner,
                    uid: None,
                    text,
                    meant: None,
                    reason: why.reason().to_owned(),
                });
            }
            self.rule_lines.resize(self.config.rules().len(), line);
        })
    }

    fn add_line(&mut self, kind: IdKind, line: u32, text: &[u8]) {
        match line_of(text) {
            Ok(Some(SubidLine { owner, range })) => {
                let owner = self.place_of(owner);
                self.grants.push(Grant { owner, kind, line, range });
            }
            Ok(None) => {}
            Err(reason) => {
                const KEPT: usize = 64;
                let name = text.split(|byte| *byte == b':').next().unwrap_or_default();
                let (owner, bare) = (shown(name), bare(name));
                let uid = self.accounts.local_uid(&bare).or_else(|| parse_number(&bare).ok());
                let (file, meant) = (kind.grant_file(), meant(text));
                let text = text.get(..KEPT).unwrap_or(text).to_vec();
                self.bad.push(BadLine { file, line, owner, uid, text, meant, reason });
            }
        }
    }

    fn place_of(&mut self, owner: Owner<'_>) -> usize {
        let by_word = match owner {
            Owner::Uid(uid) => OwnerKey::Uid(uid),
            Owner::Name(name) => OwnerKey::Name(name.into()),
        };
        if let Some(location) = self.locations.get(&by_word) {
            return *location;
        }
        let unasked = self.accounts.unasked;
        let (text, account, uid) = match owner {
            Owner::Uid(uid) => (uid.to_string(), self.accounts.with_uid(uid), Some(uid)),
            Owner::Name(name) => (shown(name), self.accounts.named(name), None),
        };
        let is_gone = account.is_none() && self.accounts.unasked == unasked;
        let uid = uid.or(account.as_ref().map(|account| account.uid));
        let fresh = self.owners.len();
        let location = uid.map_or(fresh, |uid| *self.locations.entry(OwnerKey::Uid(uid)).or_insert(fresh));
        self.locations.insert(by_word, location);
        if location == fresh {
            self.owners.push(LineOwner { text, uid, account, is_gone });
        }
        location
    }

    pub(crate) fn owner(&self, grant: &Grant) -> &LineOwner {
        const NOBODY: &LineOwner =
            &LineOwner { text: String::new(), uid: None, account: None, is_gone: true };
        self.owners.get(grant.owner).unwrap_or(NOBODY)
    }

    /// True if the line's owner is a name for which no account was found.
    pub(crate) fn is_without_account(&self, grant: &Grant) -> bool {
        let owner = self.owner(grant);
        owner.is_gone && owner.uid.is_none()
    }

    /// The index of a user in [`Site::owners`].
    pub(crate) fn index_of_user(&self, user: &Known) -> Option<usize> {
        let by_name =
            || self.locations.get(&OwnerKey::Name(user.name.as_slice().into())).filter(|_| !user.is_local);
        self.locations.get(&OwnerKey::Uid(user.uid)).or_else(by_name).copied()
    }

    /// The name of the plugin that provides the grants; empty if the files do.
    pub(crate) fn plugin(&self) -> &[u8] {
        self.plugin.as_deref().unwrap_or_default()
    }

    /// The plugin's name, escaped.
    pub(crate) fn shown_plugin(&self) -> Option<String> {
        self.plugin.as_deref().map(shown)
    }

    /// The rules of mapper.conf, each with its line number.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (u32, &ComputedRule)> {
        self.rule_lines.iter().copied().zip(self.config.rules())
    }

    /// The account to which a rule of mapper.conf grants this ID, the rule's line number, and the range that
    /// the account has by it.
    pub(crate) fn computed_holder(&mut self, id: u32) -> Option<(Known, u32, IdRange)> {
        let (_, rule) = self.rules().find(|(_, rule)| rule.area.contains(id))?;
        let at = id.checked_sub(rule.area.first())?.checked_div(rule.count)?;
        let uid = rule.uids.first().checked_add(at)?;
        let (line, range) = self.computed(uid)?;
        let nobody = || Known { name: uid.to_string().into_bytes(), uid, gid: uid, is_local: false };
        Some((self.accounts.with_uid(uid).unwrap_or_else(nobody), line, range))
    }

    /// The range that a rule computes for a uid, and the rule's line number.
    pub(crate) fn computed(&self, uid: u32) -> Option<(u32, IdRange)> {
        let (line, _) = self.rules().find(|(_, rule)| rule.uids.contains(uid))?;
        Some((line, self.config.computed_grant(&Caller::new(uid, uid))?))
    }
}
