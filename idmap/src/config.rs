//! `/etc/subroot/mapper.conf` as it stands for one caller: see subroot-mapper.conf(5).

use crate::caller::Caller;
use crate::kind::IdKind;
use crate::number::{NumberError, parse_number};
use crate::range::{IdRange, RangeError};
use crate::subid::{LineError, MAX_LINE, Owner};

/// Where the administrator's settings are; all of them have a default, and the file need not be there.
pub const CONFIG_FILE: &str = "/etc/subroot/mapper.conf";

/// How many `computed-grants` rules there may be.
const MAX_RULES: usize = 64;

/// One `computed-grants` rule: every account of a range of uids owns a slice of an area of subordinate IDs.
#[derive(Clone, Copy)]
pub struct ComputedRule {
    /// The accounts.
    pub uids: IdRange,
    /// All that they own together, in the order of their uids.
    pub area: IdRange,
    /// What each of them owns.
    pub count: u32,
}

/// What goes to the system log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Nothing: no socket is made.
    Nothing,
    /// Every refusal.
    Refusals,
    /// Every map that was written, too.
    All,
}

/// The settings as they stand for one caller, and all rules.
pub struct Config {
    /// True when setgroups is denied to this caller whatever is granted to him.
    pub denies_setgroups: bool,
    /// True when a grant may hold the IDs of live local accounts.
    pub allows_live_ids: bool,
    /// True when the caller may map supplementary groups that he is in.
    pub allows_own_groups: bool,
    /// What is logged.
    pub log: Log,
    rules: [ComputedRule; MAX_RULES],
    used: usize,
    seen: u8,
}

/// Why the file is not taken; nothing is mapped then, as a setting that was meant to forbid might be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Neither a comment nor `KEY = VALUE`.
    Setting,
    /// A key that does not exist.
    Key,
    /// A key that may come once only.
    Twice,
    /// A value that its key does not take.
    Value,
    /// An owner that is none.
    Owner(LineError),
    /// A rule that is not `FIRST-LAST:START:COUNT`.
    Rule,
    /// A number of a rule.
    Number(NumberError),
    /// A rule that wraps or is empty.
    Range(RangeError),
    /// A rule whose subordinate IDs begin at 0.
    HoldsRoot,
    /// A rule whose uids or subordinate IDs are also another's, or are each other.
    Overlaps,
    /// More than 64 rules.
    TooManyRules,
}

impl ConfigError {
    /// The reason in a few words.
    pub const fn reason(self) -> &'static str {
        match self {
            ConfigError::Setting => "not KEY = VALUE",
            ConfigError::Key => "unknown key",
            ConfigError::Twice => "the key was given before",
            ConfigError::Value => "not a value of this key",
            ConfigError::Owner(why) => why.reason(),
            ConfigError::Rule => "not FIRST-LAST:START:COUNT",
            ConfigError::Number(why) => why.reason(),
            ConfigError::Range(why) => why.reason(),
            ConfigError::HoldsRoot => "the computed ranges hold ID 0",
            ConfigError::Overlaps => "the rule overlaps another one, or its own uids",
            ConfigError::TooManyRules => "more than 64 computed-grants rules",
        }
    }
}

impl Config {
    /// What holds without a file.
    pub const DEFAULT: Config = Config {
        denies_setgroups: false,
        allows_live_ids: false,
        allows_own_groups: false,
        log: Log::Nothing,
        rules: [ComputedRule { uids: IdRange::UNUSED, area: IdRange::UNUSED, count: 0 }; MAX_RULES],
        used: 0,
        seen: 0,
    };

    /// Takes one line in.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn note_line(&mut self, caller: &Caller, line: &[u8]) -> Result<(), ConfigError> {
        let text = line.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            return Ok(());
        }
        if line.len() > MAX_LINE {
            return Err(ConfigError::Setting);
        }
        let mut sides = text.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
        let (Some(key), Some(value)) = (sides.next(), sides.next()) else { return Err(ConfigError::Setting) };
        match key {
            b"computed-grants" => self.push_rule(value),
            b"setgroups" => {
                self.once(1)?;
                self.denies_setgroups |= choose(value, &[(b"deny", true)])?;
                Ok(())
            }
            b"setgroups-deny" => {
                let owner = Owner::parse(value).map_err(ConfigError::Owner)?;
                // The caller may have the name without a local account that says so.
                let may_own = matches!(owner, Owner::Name(_)) && !caller.knows_all_names();
                self.denies_setgroups |= may_own || caller.owns(owner);
                Ok(())
            }
            b"allow-live-ids" => {
                self.once(2)?;
                choose(value, &YES_OR_NO).map(|chosen| self.allows_live_ids = chosen)
            }
            b"own-groups" => {
                self.once(4)?;
                choose(value, &YES_OR_NO).map(|chosen| self.allows_own_groups = chosen)
            }
            b"log" => {
                self.once(8)?;
                choose(value, &LOGS).map(|chosen| self.log = chosen)
            }
            _ => Err(ConfigError::Key),
        }
    }

    /// What the rules grant to an account: the same range of both kinds, on every host with the same rules.
    pub fn computed_grant(&self, caller: &Caller) -> Option<IdRange> {
        let uid = caller.id(IdKind::Uid);
        let rule = self.rules().iter().find(|rule| rule.uids.contains(uid))?;
        let slice = uid.checked_sub(rule.uids.first())?.checked_mul(rule.count)?;
        IdRange::new(rule.area.first().checked_add(slice)?, rule.count).ok()
    }

    /// The rules, in the order of the file.
    pub fn rules(&self) -> &[ComputedRule] {
        self.rules.get(..self.used).unwrap_or(&[])
    }

    fn push_rule(&mut self, value: &[u8]) -> Result<(), ConfigError> {
        let rule = ComputedRule::parse(value)?;
        let meets = |known: &ComputedRule| {
            known.uids.overlaps(rule.uids)
                || known.area.overlaps(rule.area)
                || known.area.overlaps(rule.uids)
                || known.uids.overlaps(rule.area)
        };
        if rule.uids.overlaps(rule.area) || self.rules().iter().any(meets) {
            return Err(ConfigError::Overlaps);
        }
        *self.rules.get_mut(self.used).ok_or(ConfigError::TooManyRules)? = rule;
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    fn once(&mut self, key: u8) -> Result<(), ConfigError> {
        let before = self.seen;
        self.seen |= key;
        if before & key == 0 { Ok(()) } else { Err(ConfigError::Twice) }
    }
}

const YES_OR_NO: [(&[u8], bool); 2] = [(b"yes", true), (b"no", false)];
const LOGS: [(&[u8], Log); 3] = [(b"none", Log::Nothing), (b"refusals", Log::Refusals), (b"all", Log::All)];

fn choose<T: Copy>(value: &[u8], choices: &[(&[u8], T)]) -> Result<T, ConfigError> {
    choices.iter().find(|(word, _)| *word == value).map(|(_, choice)| *choice).ok_or(ConfigError::Value)
}

impl ComputedRule {
    fn parse(value: &[u8]) -> Result<ComputedRule, ConfigError> {
        let mut fields = value.split(|byte| *byte == b':');
        let (Some(uids), Some(start), Some(count), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(ConfigError::Rule);
        };
        let mut ends = uids.split(|byte| *byte == b'-');
        let (Some(first), Some(last), None) = (ends.next(), ends.next(), ends.next()) else {
            return Err(ConfigError::Rule);
        };
        let number = |field| parse_number(field).map_err(ConfigError::Number);
        let (first, last, start, count) = (number(first)?, number(last)?, number(start)?, number(count)?);
        let range = |first, count| IdRange::new(first, count).map_err(ConfigError::Range);
        let wraps = ConfigError::Range(RangeError::Wraps);
        let accounts = last.checked_sub(first).ok_or(ConfigError::Rule)?.checked_add(1).ok_or(wraps)?;
        let rule = ComputedRule {
            uids: range(first, accounts)?,
            area: range(start, accounts.checked_mul(count).ok_or(wraps)?)?,
            count,
        };
        if start == 0 { Err(ConfigError::HoldsRoot) } else { Ok(rule) }
    }
}
