//! What decides about everybody's grants, read whole: the accounts, the settings, and every line of both files.

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

/// An owner of lines, by name or by uid. Both are the same owner if they belong to one account.
pub(crate) struct LineOwner {
    /// As the first of the lines has it, escaped.
    pub(crate) text: String,
    /// The uid, where it is known.
    pub(crate) uid: Option<u32>,
    /// The account; `None` also where a directory could not be asked.
    pub(crate) account: Option<Known>,
    /// True where nobody has the name or the uid, as far as could be asked.
    pub(crate) is_gone: bool,
}

/// A line that is well-formed.
pub(crate) struct Grant {
    /// The index of its owner among the owners.
    pub(crate) owner: usize,
    /// Which kind of ID, and so which file.
    pub(crate) kind: IdKind,
    /// Its number.
    pub(crate) line: u32,
    pub(crate) range: IdRange,
}

impl Grant {
    /// `FILE:LINE`.
    pub(crate) fn location(&self) -> String {
        format!("{}:{}", self.kind.grant_file(), self.line)
    }
}

/// A line that grants nothing.
pub(crate) struct BadLine {
    pub(crate) file: &'static str,
    /// Its number.
    pub(crate) line: u32,
    /// The first of its fields, escaped.
    pub(crate) owner: String,
    /// The uid of that owner, if a local account or a number.
    pub(crate) uid: Option<u32>,
    /// Its beginning.
    pub(crate) text: Vec<u8>,
    /// The range that was meant, if only the spelling is wrong.
    pub(crate) meant: Option<IdRange>,
    /// What is wrong with it.
    pub(crate) reason: String,
}

impl BadLine {
    /// The kind of ID that the file is about, if it is a grant file.
    pub(crate) fn kind(&self) -> Option<IdKind> {
        kind_of(self.file)
    }
}

/// Everything that decides.
pub(crate) struct Site {
    /// Who there is.
    pub(crate) accounts: Accounts,
    /// The IDs that exist in this user namespace.
    pub(crate) present: Present,
    /// The settings of mapper.conf, but for what is set for one caller alone.
    pub(crate) config: Box<Config>,
    /// The line of each of its rules.
    rule_lines: Vec<u32>,
    /// The name of the plugin that keeps the grants instead of the files.
    plugin: Option<Vec<u8>>,
    /// Whom lines name.
    pub(crate) owners: Vec<LineOwner>,
    /// The well-formed lines, in the order of the files.
    pub(crate) grants: Vec<Grant>,
    /// The other ones, of mapper.conf too.
    pub(crate) bad: Vec<BadLine>,
    /// What keeps the mapper from taking the files.
    pub(crate) faults: Vec<Fault>,
    locations: HashMap<OwnerKey, usize>,
}

#[derive(PartialEq, Eq, Hash)]
enum OwnerKey {
    Uid(u32),
    Name(Box<[u8]>),
}

impl Site {
    /// Reads all of it.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub(crate) fn read() -> Result<Site, Error> {
        Site::read_with(Accounts::read()?)
    }

    /// The same without a question to a directory, which could take long.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
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

    /// The owner of a line.
    pub(crate) fn owner(&self, grant: &Grant) -> &LineOwner {
        const NOBODY: &LineOwner =
            &LineOwner { text: String::new(), uid: None, account: None, is_gone: true };
        self.owners.get(grant.owner).unwrap_or(NOBODY)
    }

    /// True if a line is for a name that has no account, as far as could be asked.
    pub(crate) fn is_without_account(&self, grant: &Grant) -> bool {
        let owner = self.owner(grant);
        owner.is_gone && owner.uid.is_none()
    }

    /// The index of a user among the owners.
    pub(crate) fn index_of_user(&self, user: &Known) -> Option<usize> {
        let by_name =
            || self.locations.get(&OwnerKey::Name(user.name.as_slice().into())).filter(|_| !user.is_local);
        self.locations.get(&OwnerKey::Uid(user.uid)).or_else(by_name).copied()
    }

    /// The name of the plugin that keeps the grants instead of the files; empty if there is none.
    pub(crate) fn plugin(&self) -> &[u8] {
        self.plugin.as_deref().unwrap_or_default()
    }

    /// The same to be printed: escaped.
    pub(crate) fn shown_plugin(&self) -> Option<String> {
        self.plugin.as_deref().map(shown)
    }

    /// The rules of mapper.conf, each with its line.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (u32, &ComputedRule)> {
        self.rule_lines.iter().copied().zip(self.config.rules())
    }

    /// The account to which a rule of mapper.conf grants an ID, the rule's line, and all that it grants to it.
    pub(crate) fn computed_holder(&mut self, id: u32) -> Option<(Known, u32, IdRange)> {
        let (_, rule) = self.rules().find(|(_, rule)| rule.area.contains(id))?;
        let at = id.checked_sub(rule.area.first())?.checked_div(rule.count)?;
        let uid = rule.uids.first().checked_add(at)?;
        let (line, range) = self.computed(uid)?;
        let nobody = || Known { name: uid.to_string().into_bytes(), uid, gid: uid, is_local: false };
        Some((self.accounts.with_uid(uid).unwrap_or_else(nobody), line, range))
    }

    /// What a rule computes for a uid, and its line.
    pub(crate) fn computed(&self, uid: u32) -> Option<(u32, IdRange)> {
        let (line, _) = self.rules().find(|(_, rule)| rule.uids.contains(uid))?;
        Some((line, self.config.computed_grant(&Caller::new(uid, uid))?))
    }
}
