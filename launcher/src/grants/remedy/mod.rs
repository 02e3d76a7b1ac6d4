//! The command by which root gives a user the IDs that they lack. All commands that print such a fix use this
//! one.

mod edit;
mod free_ranges;
pub(crate) mod grant_file;
pub(crate) mod near;
pub(crate) mod quoted;

pub(crate) use crate::grants::remedy::edit::without_line;
pub(crate) use crate::grants::remedy::free_ranges::PLENTY;

use crate::error::Error;
use crate::grants::ENOUGH;
use crate::grants::free::{Limits, first_fit, free};
use crate::grants::present::distinct;
use crate::grants::remedy::edit::Edit;
use crate::grants::remedy::free_ranges::{FreeRange, FreeRanges};
use crate::grants::remedy::grant_file::{append, takes_usermod};
use crate::grants::remedy::near::Likeness;
use crate::grants::remedy::quoted::{is_plain, quoted};
use crate::grants::shown;
use crate::grants::site::{BadLine, Grant, Site};
use crate::grants::site_accounts::{Accounts, Known};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use subroot_idmap::{IdKind, IdRange, MAX_GRANTS, Owner, SubidLine};

/// The free ranges, and the lines of all users.
pub(crate) struct Remedy<'s> {
    site: &'s Site,
    limits: Limits,
    free: Vec<IdRange>,
    /// The ranges for users who have none.
    free_ranges: RefCell<FreeRanges<'s>>,
    /// The indices of each owner's lines in [`Site::grants`].
    lines: Vec<Vec<usize>>,
    /// The indices of invalid lines in [`Site::bad`], by the uid of their owner.
    bad: HashMap<u32, Vec<usize>>,
    /// The indices of owners without an account, by their folded names.
    gone: HashMap<Vec<u8>, Vec<usize>>,
    /// The uids of local accounts, by their folded names and by the folded names of their primary groups.
    alike: OnceCell<HashMap<Vec<u8>, Vec<u32>>>,
    has_usermod: [bool; 2],
    /// The state of users already examined, by uid.
    known: RefCell<HashMap<u32, Rc<State>>>,
}

/// The problems with a user's grants.
struct State {
    /// The edits that correct or remove invalid lines.
    edits: Vec<Edit>,
    /// The number of IDs of each kind that the user has after the edits.
    usable: [u32; 2],
}

/// The fix for one user.
pub(crate) struct Repair {
    /// The range that it grants; `None` if it only edits lines.
    pub(crate) range: Option<IdRange>,
    pub(crate) command: String,
}

impl<'s> Remedy<'s> {
    /// Finds the free ranges.
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
        let mut gone: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
        for grant in site.grants.iter().filter(|grant| site.is_without_account(grant)) {
            let owners = gone.entry(near::folded(site.owner(grant).text.as_bytes())).or_default();
            if owners.last() != Some(&grant.owner) {
                owners.push(grant.owner);
            }
        }
        let (free, has_usermod) = (free(site, limits), IdKind::BOTH.map(takes_usermod));
        let (alike, known) = (OnceCell::new(), RefCell::default());
        let free_ranges = RefCell::new(FreeRanges::new(site, &free, limits));
        Ok(Remedy { site, limits, free, free_ranges, lines, bad, gone, alike, has_usermod, known })
    }

    /// The limits within which free ranges are searched.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The free ranges.
    pub(crate) fn free(&self) -> &[IdRange] {
        &self.free
    }

    /// The command that gives a user `count` IDs of each kind, by default as many as a whole root needs, and
    /// corrects or removes the user's invalid lines. It also removes the lines in `dropped`. `None` if there
    /// is nothing to do, or no free range.
    pub(crate) fn repair(&self, user: &Known, count: Option<u32>, dropped: &[&Grant]) -> Option<Repair> {
        let state = self.state(user);
        let mut edits = state.edits.clone();
        let more: Vec<&&Grant> = dropped.iter().filter(|grant| !is_among(grant, &edits)).collect();
        edits.extend(more.iter().map(|grant| Edit::without(grant)));
        edits.sort_by_key(|edit| (edit.kind == IdKind::Gid, edit.line));
        let lost = |kind| {
            more.iter().filter(|grant| grant.kind == kind).map(|grant| grant.range.count()).sum::<u32>()
        };
        let wanted = count.unwrap_or(ENOUGH);
        let had = IdKind::BOTH.into_iter().zip(state.usable);
        let lacking: Vec<IdKind> = had
            .filter(|(kind, had)| had.saturating_sub(lost(*kind)) < wanted)
            .map(|(kind, _)| kind)
            .collect();
        let mut commands: Vec<String> =
            IdKind::BOTH.iter().filter_map(|kind| edit::command(*kind, &edits)).collect();
        let mut range = None;
        if !lacking.is_empty() {
            let found = self.free_range(user, count)?;
            commands.extend(found.raised.map(Limits::command));
            range = Some(found.range);
        }
        commands.extend(range.map(|range| self.granting(user, range, &lacking)));
        (!commands.is_empty()).then(|| Repair { range, command: commands.join(" && ") })
    }

    /// The command that removes a line and gives its owner what they then lack.
    pub(crate) fn without(&self, grant: &Grant) -> String {
        let repair =
            self.user(self.site.owner(grant).uid).and_then(|user| self.repair(&user, None, &[grant]));
        repair.map_or_else(|| Remedy::only_without(grant), |repair| repair.command)
    }

    /// The command that only removes a line.
    pub(crate) fn only_without(grant: &Grant) -> String {
        edit::command(grant.kind, &[Edit::without(grant)]).unwrap_or_default()
    }

    /// The command that raises the limits of login.defs; `None` if a whole range is still free within them.
    pub(crate) fn more_room(&self) -> Option<String> {
        let has_room = first_fit(&self.free, PLENTY).is_some();
        self.limits.raised().filter(|_| !has_room).map(Limits::command)
    }

    /// For a line whose owner has no account: the account that was probably meant, how the names are alike,
    /// and the command that gives it the line.
    pub(crate) fn heir(&self, grant: &Grant) -> Option<(String, Likeness, String)> {
        let owner = self.site.owner(grant).text.as_bytes();
        let accounts = &self.site.accounts;
        let alike = self.alike.get_or_init(|| by_folded_name(accounts));
        let users =
            alike.get(&near::folded(owner)).into_iter().flatten().filter_map(|uid| accounts.local(*uid));
        let mut near = users.filter_map(|user| {
            let likeness = near::likeness(owner, &user.name, accounts.group_name(user.gid))?;
            let is_heir = accounts.are_all_local
                && likeness.is_certain()
                && self.lines_of(&user, grant.kind).is_empty();
            is_heir.then_some((user, likeness))
        });
        let (user, likeness) = near.next().filter(|_| near.next().is_none())?;
        Some((shown(&user.name), likeness, self.repair(&user, None, &[])?.command))
    }

    /// The command that gives the owner of a valid line the IDs that they lack.
    pub(crate) fn complete(&self, grant: &Grant) -> String {
        let repair = self.user(self.site.owner(grant).uid).and_then(|user| self.repair(&user, None, &[]));
        repair.map_or_else(|| "give fewer IDs to others: none are left".into(), |repair| repair.command)
    }

    /// The account with this uid. If there is none, the uid alone, because a line can name its owner by uid.
    pub(crate) fn user(&self, uid: Option<u32>) -> Option<Known> {
        let uid = uid?;
        let alone = Known { name: uid.to_string().into_bytes(), uid, gid: uid, is_local: false };
        let owner = || self.site.owners.get(self.site.index_of_user(&alone)?)?.account.clone();
        let known = self.site.accounts.local(uid).or_else(owner);
        Some(known.unwrap_or(alone))
    }

    /// A free range, above the limits of login.defs if there is none within them.
    fn free_range(&self, user: &Known, count: Option<u32>) -> Option<FreeRange> {
        match count {
            None => self.free_ranges.borrow_mut().of(user.uid),
            Some(count) => self.find_free_range(|free| first_fit(free, count)),
        }
    }

    fn find_free_range(&self, fit: impl Fn(&[IdRange]) -> Option<IdRange>) -> Option<FreeRange> {
        let within = fit(&self.free).map(|range| FreeRange { range, raised: None });
        within.or_else(|| {
            let raised = self.limits.raised()?;
            Some(FreeRange { range: fit(&free(self.site, raised))?, raised: Some(raised) })
        })
    }

    fn state(&self, user: &Known) -> Rc<State> {
        let known = self.known.borrow().get(&user.uid).cloned();
        known.unwrap_or_else(|| {
            let state = Rc::new(self.examine(user));
            self.known.borrow_mut().insert(user.uid, Rc::clone(&state));
            state
        })
    }

    fn examine(&self, user: &Known) -> State {
        let mut edits = self.bad_lines(user);
        let usable = IdKind::BOTH.map(|kind| {
            let mut ranges = self.ranges(user, kind);
            ranges.extend(edits.iter().filter(|edit| edit.kind == kind).filter_map(|edit| edit.range));
            if ranges.is_empty() {
                let adopted = self.adopted_lines(user, kind);
                ranges.extend(adopted.iter().filter_map(|edit| edit.range));
                edits.extend(adopted);
            }
            distinct(ranges.into_iter().flat_map(|range| self.site.present.parts(kind, range)).collect())
        });
        edits.extend(self.void_lines(user));
        State { edits, usable }
    }

    /// The ranges that the user's lines and the rules grant.
    fn ranges(&self, user: &Known, kind: IdKind) -> Vec<IdRange> {
        let lines = self.lines_of(user, kind).into_iter();
        let counting = lines.take(MAX_GRANTS).filter(|grant| !self.is_void(grant.kind, grant.range));
        let computed = self.site.computed(user.uid).map(|(_, range)| range);
        counting.map(|grant| grant.range).chain(computed).collect()
    }

    fn lines_of(&self, user: &Known, kind: IdKind) -> Vec<&'s Grant> {
        let lines = self.site.index_of_user(user).and_then(|at| self.lines.get(at));
        let grants = lines.into_iter().flatten().filter_map(|at| self.site.grants.get(*at));
        grants.filter(|grant| grant.kind == kind).collect()
    }

    /// True if a line with this range grants nothing: it holds the ID of an account, or no ID that exists
    /// here.
    fn is_void(&self, kind: IdKind, range: IdRange) -> bool {
        let site = self.site;
        let is_over_account = || range.count() > 1 && !site.accounts.live_in(kind, range).is_empty();
        !site.config.allows_live_ids && is_over_account() || site.present.parts(kind, range).is_empty()
    }

    /// The edits that remove the user's valid lines that grant nothing.
    fn void_lines(&self, user: &Known) -> Vec<Edit> {
        let void = |kind| {
            let lines = self.lines_of(user, kind).into_iter().enumerate();
            let void = lines.filter(move |(at, grant)| *at >= MAX_GRANTS || self.is_void(kind, grant.range));
            void.map(|(_, grant)| Edit::without(grant))
        };
        IdKind::BOTH.into_iter().flat_map(void).collect()
    }

    /// The edits that correct the user's invalid lines, so that files keep their owners, or remove them.
    fn bad_lines(&self, user: &Known) -> Vec<Edit> {
        let bad = self.bad.get(&user.uid).into_iter().flatten().filter_map(|at| self.site.bad.get(*at));
        let edit = |bad: &BadLine| {
            let kind = bad.kind()?;
            let removed = || Edit::without_text(kind, bad.line, &bad.text);
            Some(self.repaired(user, kind, bad).unwrap_or_else(removed))
        };
        bad.filter_map(edit).collect()
    }

    /// The edit that corrects an invalid line; `None` if its intended range is unclear or not free.
    fn repaired(&self, user: &Known, kind: IdKind, bad: &BadLine) -> Option<Edit> {
        let range = bad.meant.filter(|range| self.is_free(user, kind, *range, None))?;
        let old = edit::pattern(&bad.text);
        Some(Edit { kind, line: bad.line, old, new: Some(self.line_for(user, range)), range: Some(range) })
    }

    /// The edits that give the user the lines of a name without an account, if it is another spelling of their
    /// name.
    fn adopted_lines(&self, user: &Known, kind: IdKind) -> Vec<Edit> {
        let group = self.site.accounts.group_name(user.gid);
        let gone = near::folded_names(&user.name, group).filter_map(|name| self.gone.get(&name)).flatten();
        let lines = gone.filter_map(|at| self.lines.get(*at)).flatten();
        let grants = lines.filter_map(|at| self.site.grants.get(*at)).filter(|grant| {
            let owner = self.site.owner(grant).text.as_bytes();
            let is_near = self.site.accounts.are_all_local
                && near::likeness(owner, &user.name, group).is_some_and(Likeness::is_certain);
            is_near && grant.kind == kind && self.is_free(user, kind, grant.range, Some(grant))
        });
        grants
            .map(|grant| {
                let edit = Edit::without(grant);
                Edit { new: Some(self.line_for(user, grant.range)), range: Some(grant.range), ..edit }
            })
            .collect()
    }

    /// True if the user could have this range: it is not void, and no line of another owner holds any of its
    /// IDs. `own` is the line that the user would take over.
    fn is_free(&self, user: &Known, kind: IdKind, range: IdRange, own: Option<&Grant>) -> bool {
        let index = self.site.index_of_user(user);
        let is_other = |grant: &&Grant| {
            let is_own = own.is_some_and(|own| std::ptr::eq(own, *grant)) || Some(grant.owner) == index;
            grant.kind == kind && !is_own
        };
        !self.is_void(kind, range)
            && !self.site.grants.iter().filter(is_other).any(|grant| grant.range.overlaps(range))
    }

    /// The command that grants the range. usermod(8) knows only the accounts of /etc/passwd. For all others,
    /// and for names that a line cannot contain, a line by uid is appended.
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
            _ => append(&self.line_for(user, range), kinds),
        }
    }

    /// The line that grants a range. It names the owner by uid if the name would need quoting in a shell or
    /// cannot be in a line.
    fn line_for(&self, user: &Known, range: IdRange) -> String {
        let is_name = user.is_local && is_plain(&user.name) && can_be_in_a_line(&user.name);
        let owner =
            if is_name { String::from_utf8_lossy(&user.name).into_owned() } else { user.uid.to_string() };
        format!("{owner}:{}:{}", range.first(), range.count())
    }
}

fn by_folded_name(accounts: &Accounts) -> HashMap<Vec<u8>, Vec<u32>> {
    let mut found: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
    for user in accounts.locals() {
        for name in near::folded_names(&user.name, accounts.group_name(user.gid)) {
            found.entry(name).or_default().push(user.uid);
        }
    }
    found
}

fn is_among(grant: &Grant, edits: &[Edit]) -> bool {
    edits.iter().any(|edit| (edit.kind, edit.line) == (grant.kind, grant.line))
}

/// False for a name that a line cannot have as its owner: only digits, which are read as a uid, a blank in
/// it, or a leading `-` or `@`.
fn can_be_in_a_line(name: &[u8]) -> bool {
    let line = [name, b":1:1"].concat();
    matches!(SubidLine::parse(&line), Ok(Some(SubidLine { owner: Owner::Name(owner), .. })) if owner == name)
}

#[cfg(test)]
mod tests {
    use super::can_be_in_a_line;

    #[test]
    fn some_names_are_in_no_line() {
        for name in ["alice", "DOMAIN\\user", "host$", "4242x"] {
            assert!(can_be_in_a_line(name.as_bytes()), "{name}");
        }
        for name in ["4242", "al ice", "-alice", "@staff", ""] {
            assert!(!can_be_in_a_line(name.as_bytes()), "{name}");
        }
    }
}
