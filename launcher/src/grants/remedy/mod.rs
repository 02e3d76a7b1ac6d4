//! The command by which root gives a user what they lack: one for all that advise it.

pub(crate) mod grant_file;
pub(crate) mod quoted;

use crate::error::Error;
use crate::grants::ENOUGH;
use crate::grants::free::{Limits, first_fit, free};
use crate::grants::present::distinct;
use crate::grants::remedy::grant_file::{append, takes_usermod};
use crate::grants::remedy::quoted::{is_plain, quoted};
use crate::grants::site::{Grant, Site};
use crate::grants::site_accounts::Known;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use subroot_idmap::{IdKind, IdRange, MAX_GRANTS, OVERFLOW_ID, Owner, SubidLine};

/// As many as useradd(8) grants: 65534, which is nobody and nogroup, is among them.
const PLENTY: u32 = 65536;
/// How many lines a command names one by one.
const MAX_NAMED: usize = 8;

/// A line to be taken out: its kind, its number, and a pattern of sed(1) that it matches.
type Dropped = (IdKind, u32, String);

/// What can be given, and what everybody has.
pub(crate) struct Remedy<'s> {
    site: &'s Site,
    limits: Limits,
    free: Vec<IdRange>,
    /// The range for a user who has none, if there is room.
    next: Option<IdRange>,
    /// The indices of each owner's lines among all.
    lines: Vec<Vec<usize>>,
    /// Those of the lines that grant nothing, by the uid that they are meant for.
    bad: HashMap<u32, Vec<usize>>,
    has_usermod: [bool; 2],
    /// What was found out about users.
    known: RefCell<HashMap<u32, Rc<State>>>,
}

/// What is wrong with the grants of a user.
struct State {
    void: Vec<Dropped>,
    usable: [u32; 2],
}

/// What a user is to be given.
pub(crate) struct Repair {
    /// The range that is added.
    pub(crate) range: Option<IdRange>,
    /// The command.
    pub(crate) command: String,
}

impl<'s> Remedy<'s> {
    /// Looks for what is free.
    ///
    /// # Errors
    /// The limits cannot be read.
    pub(crate) fn new(site: &'s Site) -> Result<Remedy<'s>, Error> {
        let limits = Limits::read()?.of_present(&site.present);
        let mut lines = vec![Vec::new(); site.owners.len()];
        for (at, grant) in site.grants.iter().enumerate() {
            lines.get_mut(grant.owner).into_iter().for_each(|lines| lines.push(at));
        }
        let mut bad: HashMap<u32, Vec<usize>> = HashMap::new();
        for (at, line) in site.bad.iter().enumerate() {
            line.uid.into_iter().for_each(|uid| bad.entry(uid).or_default().push(at));
        }
        let free = free(site, limits);
        let next = first_fit(&free, PLENTY).or_else(|| first_fit(&free, ENOUGH));
        let has_usermod = IdKind::BOTH.map(takes_usermod);
        Ok(Remedy { site, limits, free, next, lines, bad, has_usermod, known: RefCell::default() })
    }

    /// Where the ranges are looked for.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The ranges that are nobody's.
    pub(crate) fn free(&self) -> &[IdRange] {
        &self.free
    }

    /// The command after which a user has as many IDs of each kind as a whole root takes, or this many, and no line that grants nothing;
    /// `dropped` are more lines that it takes out. `None` if there is nothing to do, or no room.
    pub(crate) fn repair(&self, user: &Known, count: Option<u32>, dropped: &[&Grant]) -> Option<Repair> {
        let state = self.state(user);
        let mut out = state.void.clone();
        let more: Vec<&&Grant> = dropped.iter().filter(|grant| !is_among(grant, &out)).collect();
        out.extend(more.iter().map(|grant| dropped_grant(grant)));
        out.sort_by_key(|(kind, line, _)| (*kind == IdKind::Gid, *line));
        let lost = |kind| {
            more.iter().filter(|grant| grant.kind == kind).map(|grant| grant.range.count()).sum::<u32>()
        };
        let wanted = count.unwrap_or(OVERFLOW_ID);
        let had = IdKind::BOTH.into_iter().zip(state.usable);
        let lacking: Vec<IdKind> = had
            .filter(|(kind, had)| had.saturating_sub(lost(*kind)) < wanted)
            .map(|(kind, _)| kind)
            .collect();
        let range = if lacking.is_empty() { None } else { Some(self.range(count)?) };
        let mut commands: Vec<String> =
            IdKind::BOTH.iter().filter_map(|kind| without_lines(*kind, &out)).collect();
        commands.extend(range.map(|range| self.granting(user, range, &lacking)));
        (!commands.is_empty()).then(|| Repair { range, command: commands.join(" && ") })
    }

    /// The command for the owner of a line that is to be taken out.
    pub(crate) fn without(&self, grant: &Grant) -> String {
        let repair =
            self.user(self.site.owner(grant).uid).and_then(|user| self.repair(&user, None, &[grant]));
        let only_out = || without_lines(grant.kind, &[dropped_grant(grant)]).unwrap_or_default();
        repair.map_or_else(only_out, |repair| repair.command)
    }

    /// The command for the owner of a line that is right, but not enough.
    pub(crate) fn complete(&self, grant: &Grant) -> String {
        let repair = self.user(self.site.owner(grant).uid).and_then(|user| self.repair(&user, None, &[]));
        repair.map_or_else(|| "give fewer IDs to others: none are left".into(), |repair| repair.command)
    }

    /// The account of a uid, or the uid alone: a line by its number is good for it.
    pub(crate) fn user(&self, uid: Option<u32>) -> Option<Known> {
        let uid = uid?;
        let alone = Known { name: uid.to_string().into_bytes(), uid, gid: uid, is_local: false };
        let owner = || self.site.owners.get(self.site.index_of_user(&alone)?)?.account.clone();
        let known = self.site.accounts.local(uid).or_else(owner);
        Some(known.unwrap_or(alone))
    }

    fn range(&self, count: Option<u32>) -> Option<IdRange> {
        count.map_or(self.next, |count| first_fit(&self.free, count))
    }

    fn state(&self, user: &Known) -> Rc<State> {
        let known = self.known.borrow().get(&user.uid).cloned();
        known.unwrap_or_else(|| {
            let usable = IdKind::BOTH.map(|kind| self.usable(user, kind));
            let state = Rc::new(State { void: self.void_lines(user), usable });
            self.known.borrow_mut().insert(user.uid, Rc::clone(&state));
            state
        })
    }

    /// How many IDs of a kind the user has.
    fn usable(&self, user: &Known, kind: IdKind) -> u32 {
        let lines = self.lines_of(user, kind).into_iter();
        let counting = lines.take(MAX_GRANTS).filter(|grant| !self.is_void(grant));
        let mut ranges: Vec<IdRange> = counting.map(|grant| grant.range).collect();
        ranges.extend(self.site.computed(user.uid).map(|(_, range)| range));
        let present = ranges.into_iter().flat_map(|range| self.site.present.parts(kind, range));
        distinct(present.collect())
    }

    fn lines_of(&self, user: &Known, kind: IdKind) -> Vec<&'s Grant> {
        let lines = self.site.index_of_user(user).and_then(|at| self.lines.get(at));
        let grants = lines.into_iter().flatten().filter_map(|at| self.site.grants.get(*at));
        grants.filter(|grant| grant.kind == kind).collect()
    }

    /// True for a line that holds the ID of an account, or none that exists here.
    fn is_void(&self, grant: &Grant) -> bool {
        let site = self.site;
        let is_over_account =
            || grant.range.count() > 1 && !site.accounts.live_in(grant.kind, grant.range).is_empty();
        !site.config.allows_live_ids && is_over_account()
            || site.present.parts(grant.kind, grant.range).is_empty()
    }

    /// The user's lines that grant nothing.
    fn void_lines(&self, user: &Known) -> Vec<Dropped> {
        let bad = self.bad.get(&user.uid).into_iter().flatten().filter_map(|at| self.site.bad.get(*at));
        let mut void: Vec<Dropped> =
            bad.filter_map(|bad| Some((bad.kind()?, bad.line, pattern(&bad.text)))).collect();
        for kind in IdKind::BOTH {
            let lines = self.lines_of(user, kind).into_iter().enumerate();
            let lines = lines.filter(|(at, grant)| *at >= MAX_GRANTS || self.is_void(grant));
            void.extend(lines.map(|(_, grant)| dropped_grant(grant)));
        }
        void
    }

    /// usermod(8) knows the accounts of /etc/passwd only, and a line by the uid is good for all others and for names that no line can
    /// have.
    fn granting(&self, user: &Known, range: IdRange, kinds: &[IdKind]) -> String {
        let (first, last) = (range.first(), range.end().saturating_sub(1));
        let name = quoted(&user.name).filter(|_| user.is_local && can_be_in_a_line(&user.name));
        let has_usermod =
            || IdKind::BOTH.iter().zip(self.has_usermod).all(|(kind, has)| has || !kinds.contains(kind));
        match name {
            Some(name) if has_usermod() => {
                let options = kinds.iter().map(|kind| format!("--add-sub{}s {first}-{last} ", kind.name()));
                format!("usermod {}{name}", options.collect::<String>())
            }
            name => {
                let plain = name.filter(|name| is_plain(name.as_bytes()));
                let owner = plain.unwrap_or_else(|| user.uid.to_string());
                append(&format!("{owner}:{first}:{}", range.count()), kinds)
            }
        }
    }
}

fn is_among(grant: &Grant, dropped: &[Dropped]) -> bool {
    dropped.iter().any(|(kind, line, _)| (*kind, *line) == (grant.kind, grant.line))
}

fn dropped_grant(grant: &Grant) -> Dropped {
    (grant.kind, grant.line, format!(":{}:{}$", grant.range.first(), grant.range.count()))
}

/// The command that takes out a line that grants nothing.
pub(crate) fn without_line(kind: IdKind, line: u32, text: &[u8]) -> String {
    without_lines(kind, &[(kind, line, pattern(text))]).unwrap_or_default()
}

/// A pattern of sed(1) that this line matches: what is not a letter, a digit or a colon may be anything else.
fn pattern(text: &[u8]) -> String {
    let is_kept = |byte: &u8| byte.is_ascii_alphanumeric() || b":_-".contains(byte);
    let other = if text.iter().any(is_kept) { ".*" } else { "[^[:alnum:]]*$" };
    let mut pattern = String::from("^");
    for byte in text.iter().take(64) {
        match byte {
            byte if is_kept(byte) => pattern.push(char::from(*byte)),
            _ if pattern.ends_with(other) => {}
            _ => pattern.push_str(other),
        }
    }
    pattern
}

/// Not by `sed -i`, which replaces a symlink by a file. A line that has moved meanwhile is left alone. The copy is where shadow has its own.
fn without_lines(kind: IdKind, dropped: &[Dropped]) -> Option<String> {
    let lines: Vec<(u32, &str)> = dropped
        .iter()
        .filter(|(of, ..)| *of == kind)
        .map(|(_, line, pattern)| (*line, pattern.as_str()))
        .collect();
    let mut script = String::new();
    match lines.as_slice() {
        [] => return None,
        lines if lines.len() <= MAX_NAMED => {
            for (line, pattern) in lines {
                script += &format!("{line}{{/{pattern}/d;}};");
            }
        }
        lines => {
            for (first, last) in runs(lines.iter().map(|(line, _)| *line)) {
                script += &format!("{first},{last}d;");
            }
        }
    }
    let file = kind.grant_file();
    Some(format!("cp {file} {file}- && LC_ALL=C sed '{}' {file}- >{file}", script.trim_end_matches(';')))
}

/// The runs of numbers that follow each other.
fn runs(numbers: impl Iterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.saturating_add(1) == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}

/// False for a name that no line can have: of digits, which are a uid there, with a blank, or with a mark before it.
fn can_be_in_a_line(name: &[u8]) -> bool {
    let line = [name, b":1:1"].concat();
    matches!(SubidLine::parse(&line), Ok(Some(SubidLine { owner: Owner::Name(owner), .. })) if owner == name)
}

#[cfg(test)]
mod tests {
    use super::{can_be_in_a_line, pattern, runs};

    #[test]
    fn some_names_are_in_no_line() {
        for name in ["alice", "DOMAIN\\user", "host$", "4242x"] {
            assert!(can_be_in_a_line(name.as_bytes()), "{name}");
        }
        for name in ["4242", "al ice", "-alice", "@staff", ""] {
            assert!(!can_be_in_a_line(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_line_matches_its_pattern_and_no_shell_takes_it_apart() {
        assert_eq!(pattern(b"alice:0:65536"), "^alice:0:65536");
        assert_eq!(pattern(b"  a'l$i/c\xffe:1"), "^.*a.*l.*i.*c.*e:1");
        assert_eq!(pattern(b"\0\0"), "^[^[:alnum:]]*$");
    }

    #[test]
    fn numbers_in_a_row_are_one_run() {
        assert_eq!(runs([3, 4, 5, 9].into_iter()), [(3, 5), (9, 9)]);
    }
}
