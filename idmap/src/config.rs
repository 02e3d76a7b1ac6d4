//! The settings of `/etc/subroot/mapper.conf` that apply to one caller: see subroot-mapper.conf(5).

use crate::caller::Caller;
use crate::invalid::Invalid;
use crate::kind::IdKind;
use crate::number::{fields, parse_number};
use crate::range::IdRange;
use crate::subid::{MAX_LINE, Owner};

/// The administrator's settings. Every setting has a default, so the file can be absent.
pub const CONFIG_FILE: &str = "/etc/subroot/mapper.conf";

/// The maximum number of `computed-grants` rules.
const MAX_RULES: usize = 64;

/// One `computed-grants` rule: each account in a range of uids owns an equal slice of a range of subordinate
/// IDs.
#[derive(Clone, Copy)]
pub struct ComputedRule {
    /// The uids of the accounts.
    pub uids: IdRange,
    /// All subordinate IDs of the rule. Accounts own slices of it in the order of their uids.
    pub area: IdRange,
    /// The number of IDs that each account owns.
    pub count: u32,
}

/// What is sent to the system log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Nothing; no socket is created.
    Nothing,
    /// Refusals.
    Refusals,
    /// Refusals and written maps.
    All,
}

/// The settings that apply to one caller, and all rules.
pub struct Config {
    /// True if setgroups is denied to this caller regardless of the grants.
    pub denies_setgroups: bool,
    /// True if a grant may contain the IDs of live local accounts.
    pub allows_live_ids: bool,
    /// True if the caller may map supplementary groups that they are in.
    pub allows_own_groups: bool,
    /// What is logged.
    pub log: Log,
    rules: [ComputedRule; MAX_RULES],
    used: usize,
    seen: u8,
}

const YES_OR_NO: [(&[u8], bool); 2] = [(b"yes", true), (b"no", false)];
const LOGS: [(&[u8], Log); 3] = [(b"none", Log::Nothing), (b"refusals", Log::Refusals), (b"all", Log::All)];

impl Config {
    /// The settings used if there is no file.
    pub const DEFAULT: Config = Config {
        denies_setgroups: false,
        allows_live_ids: false,
        allows_own_groups: false,
        log: Log::Nothing,
        rules: [ComputedRule { uids: IdRange::UNUSED, area: IdRange::UNUSED, count: 0 }; MAX_RULES],
        used: 0,
        seen: 0,
    };

    /// Reads one line. If it returns an error, nothing may be mapped: the rejected line may have been a
    /// prohibition.
    ///
    /// # Errors
    /// The first mistake in the line.
    pub fn add_line(&mut self, caller: &Caller, line: &[u8]) -> Result<(), Invalid> {
        let text = line.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            return Ok(());
        }
        let mut sides = text.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
        let (Some(key), Some(value), ..=MAX_LINE) = (sides.next(), sides.next(), line.len()) else {
            return Err(Invalid::Setting);
        };
        match key {
            b"computed-grants" => self.push_rule(ComputedRule::parse(value)?)?,
            b"setgroups-deny" => self.denies_setgroups |= may_own(caller, Owner::parse(value)?),
            b"setgroups" => self.denies_setgroups |= self.choose(1, value, &[(b"deny", true)])?,
            b"allow-live-ids" => self.allows_live_ids = self.choose(2, value, &YES_OR_NO)?,
            b"own-groups" => self.allows_own_groups = self.choose(4, value, &YES_OR_NO)?,
            b"log" => self.log = self.choose(8, value, &LOGS)?,
            _ => return Err(Invalid::Key),
        }
        Ok(())
    }

    /// The range that the rules grant to the caller: the same for uids and gids, and on every host that has
    /// the same rules.
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

    fn push_rule(&mut self, rule: ComputedRule) -> Result<(), Invalid> {
        let meets = |known: IdRange| known.overlaps(rule.uids) || known.overlaps(rule.area);
        let mut known = self.rules().iter().flat_map(|rule| [rule.uids, rule.area]);
        if rule.uids.overlaps(rule.area) || known.any(meets) {
            return Err(Invalid::Overlaps);
        }
        *self.rules.get_mut(self.used).ok_or(Invalid::TooManyRules)? = rule;
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// The value of a key that may appear only once. `key` is this key's bit in `seen`.
    fn choose<T: Copy>(&mut self, key: u8, value: &[u8], choices: &[(&[u8], T)]) -> Result<T, Invalid> {
        if self.seen & key != 0 {
            return Err(Invalid::Twice);
        }
        self.seen |= key;
        choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice).ok_or(Invalid::Value)
    }
}

/// True if a prohibition for this owner may apply to the caller. If not all names of the caller are known,
/// any name may be one of them.
fn may_own(caller: &Caller, owner: Owner<'_>) -> bool {
    caller.owns(owner) || matches!(owner, Owner::Name(_)) && !caller.knows_all_names()
}

impl ComputedRule {
    fn parse(value: &[u8]) -> Result<ComputedRule, Invalid> {
        let [uids, start, count] = fields(value, b':').ok_or(Invalid::Rule)?;
        let [first, last] = fields(uids, b'-').ok_or(Invalid::Rule)?.map(parse_number);
        let (first, last, start, count) = (first?, last?, parse_number(start)?, parse_number(count)?);
        let accounts = last.checked_sub(first).ok_or(Invalid::Rule)?.checked_add(1).ok_or(Invalid::Wraps)?;
        let area = IdRange::new(start, accounts.checked_mul(count).ok_or(Invalid::Wraps)?)?;
        let uids = IdRange::new(first, accounts)?;
        if start == 0 { Err(Invalid::HoldsRoot) } else { Ok(ComputedRule { uids, area, count }) }
    }
}
