//! Why the caller has no subordinate IDs, or too few.
//!
//! Errors ignored: what cannot be examined gives no cause, and only the text of a failure depends on it.

use crate::causes::{
    BAD_GRANT_LINE, Cause, DANGLING, DIGITS, DIRECTORY_ACCOUNT, GRANT_OVERLAPS, GRANT_TOO_SMALL, Kind,
    NEAR_LINE, NO_ACCOUNT, NO_GRANT_FILE, NO_GRANT_LINE, NO_SETGROUPS, NOT_FULL, NOT_HERE,
};
use crate::grants::files::each_line_of;
use crate::grants::plugin::VARIANT;
use crate::grants::remedy::Remedy;
use crate::grants::remedy::{grant_file, near};
use crate::grants::site::{Grant, Site};
use crate::grants::site_accounts::Known;
use crate::grants::{ENOUGH, Grants, OwnLine, ranges_text};
use crate::sys::standard_error::number_of;
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use subroot_idmap::{ACCOUNTS_FILE, Account, IdKind, IdRange, NSSWITCH_FILE, SubidLine};

/// The maximum number of invalid lines that are reported. The fix is for all of them.
const MAX_SHOWN: usize = 8;

/// The values inserted into a cause's text.
type Values<'w> = [(&'static str, &'w dyn Display)];

/// The caller's name, or the uid if there is none.
pub(crate) fn caller(grants: &Grants) -> String {
    let caller = grants.policy().caller();
    let name = caller.names().next().map(|name| OsStr::from_bytes(name).to_string_lossy().into_owned());
    name.unwrap_or_else(|| caller.id(IdKind::Uid).to_string())
}

fn user(grants: &Grants) -> Known {
    let caller = grants.policy().caller();
    let name = caller.names().next().map_or_else(|| self::caller(grants).into_bytes(), <[u8]>::to_vec);
    let [uid, gid] = IdKind::BOTH.map(|kind| caller.id(kind));
    Known { name, uid, gid, is_local: has_local_account(uid) }
}

fn has_local_account(uid: u32) -> bool {
    let mut is_local = false;
    each_line_of(ACCOUNTS_FILE, |_, line| {
        is_local |= Account::parse(line).is_some_and(|account| account.uid == Some(uid));
    });
    is_local
}

/// The fix for the caller's grants. What it needs to know is read once.
struct Repair<'g> {
    grants: &'g Grants,
    site: OnceCell<Option<Site>>,
    command: OnceCell<String>,
}

impl<'g> Repair<'g> {
    fn of(grants: &'g Grants) -> Repair<'g> {
        Repair { grants, site: OnceCell::new(), command: OnceCell::new() }
    }

    fn site(&self) -> Option<&Site> {
        self.site.get_or_init(|| Site::read_local().ok()).as_ref()
    }

    /// The command that gives the caller `count` IDs of each kind, or as many as a whole root needs, and
    /// removes these lines of theirs.
    fn command(&self, count: Option<u32>, dropped: &[Grant]) -> String {
        let repair = || {
            let remedy = Remedy::new(self.site()?).ok()?;
            remedy.repair(&user(self.grants), count, &dropped.iter().collect::<Vec<_>>())
        };
        // Error ignored: `subroot grants suggest` reports why there is no command.
        repair().map_or_else(
            || format!("subroot grants suggest {}", self.grants.policy().caller().id(IdKind::Uid)),
            |repair| repair.command,
        )
    }

    /// A cause with the command that repairs all grants of the caller as its fix.
    fn cause(&self, kind: &'static Kind, values: &Values<'_>) -> Cause {
        let command = self.command.get_or_init(|| self.command(None, &[]));
        Cause::new(kind, &[values, &[("command", command)]].concat())
    }
}

/// Why no line by name counts, if the account is not in /etc/passwd: a mapper without name services does not
/// know its name.
pub(crate) fn account(grants: &Grants) -> Option<Cause> {
    let caller = grants.policy().caller();
    let uid = caller.id(IdKind::Uid);
    let is_served = IdKind::BOTH.into_iter().all(|kind| by_number(grants, kind));
    if is_served || !grants.are_known() || has_local_account(uid) {
        return None;
    }
    match caller.names().next() {
        Some(_) if Path::new(VARIANT).exists() => None,
        Some(_) => Some(Repair::of(grants).cause(&DIRECTORY_ACCOUNT, &[("uid", &uid)])),
        None => Some(Repair::of(grants).cause(&NO_ACCOUNT, &[("uid", &uid)])),
    }
}

/// True if the caller has a line by uid, or a computed grant. The mapper needs no name for these.
fn by_number(grants: &Grants, kind: IdKind) -> bool {
    let caller = grants.policy().caller();
    let mut is_named = grants.policy().config().computed_grant(caller).is_some();
    each_line_of(kind.grant_file(), |_, line| {
        is_named |= matches!(SubidLine::parse(line), Ok(Some(SubidLine { owner: subroot_idmap::Owner::Uid(uid), .. })) if uid == caller.id(IdKind::Uid));
    });
    is_named
}

/// All problems with the caller's grants of a kind.
pub(crate) fn lines(grants: &Grants, kind: IdKind) -> Vec<Cause> {
    if let Some(cause) = grants.refused(kind) {
        return vec![cause.clone()];
    }
    let (own, repair) = (grants.own_lines(kind), Repair::of(grants));
    let void = own.iter().filter_map(|line| absent(&repair, line).or_else(|| bad_line(&repair, line)));
    let mut causes: Vec<Cause> = void.take(MAX_SHOWN).chain(overlaps(&repair, kind, &own)).collect();
    let has_line = !own.is_empty() || !grants.policy().plugin().is_empty();
    causes.extend((!has_line).then(|| no_line(&repair, kind)));
    let granted = grants.policy().granted(kind).ranges();
    if causes.is_empty() && grants.ranges(kind).is_empty() && !granted.is_empty() {
        causes.push(not_here(&repair, NSSWITCH_FILE.into(), granted, &[]));
    }
    causes.extend(size(&repair, kind));
    causes
}

/// Why the caller has no line in a file.
fn no_line(repair: &Repair<'_>, kind: IdKind) -> Cause {
    let grants = repair.grants;
    let (file, name) = (kind.grant_file(), caller(grants));
    let caller = grants.policy().caller();
    let values: [(_, &dyn Display); 3] = [("file", &file), ("user", &name), ("uid", &caller.id(IdKind::Uid))];
    if let Some(target) = grant_file::dangling(file) {
        return repair.cause(&DANGLING, &[("file", &file), ("target", &target.display())]);
    }
    let is_digits = caller.names().next().is_some_and(|name| name.iter().all(u8::is_ascii_digit));
    let near = repair.site().and_then(|site| {
        let (grant, likeness) = near::line(site, &user(grants), kind)?;
        Some((grant.line, &site.owner(grant).text, likeness.why()))
    });
    if let Some((line, owner, how)) = near {
        let of_line: [(_, &dyn Display); 3] = [("line", &line), ("owner", owner), ("how", &how)];
        return repair.cause(&NEAR_LINE, &[&values[..], &of_line].concat());
    }
    let kind = match std::fs::exists(file) {
        Ok(false) => &NO_GRANT_FILE,
        _ if is_digits => &DIGITS,
        _ => &NO_GRANT_LINE,
    };
    repair.cause(kind, &values)
}

/// Why the mapper grants nothing at all.
pub(crate) fn refused() -> Option<Cause> {
    Grants::read().examined().first_refusal().cloned()
}

/// Why setgroups is denied if no group IDs are mapped, and the fix.
pub(crate) fn no_setgroups() -> Cause {
    let grants = Grants::read().examined();
    let first = lines(&grants, IdKind::Gid).into_iter().next();
    let fix =
        first.map_or_else(|| "subroot doctor shows what keeps group IDs away".into(), |cause| cause.fix());
    Cause::new(&NO_SETGROUPS, &[("fix", &fix)])
}

/// The cause for a line with IDs that do not exist in this user namespace.
fn absent(repair: &Repair<'_>, line: &OwnLine) -> Option<Cause> {
    Some(not_here(repair, line.location(), &[line.range?], line.present.as_ref()?))
}

fn not_here(repair: &Repair<'_>, location: String, granted: &[IdRange], present: &[IdRange]) -> Cause {
    let present = if present.is_empty() { "none".to_owned() } else { ranges_text(present) };
    let values: [(_, &dyn Display); 3] =
        [("location", &location), ("range", &ranges_text(granted)), ("present", &present)];
    repair.cause(&NOT_HERE, &values)
}

/// Why `--userns full` is refused although the caller has IDs: there are too few.
pub(crate) fn too_few_for_all(grants: &Grants) -> Cause {
    let [uids, gids] = IdKind::BOTH.map(|kind| number_of(grants.count(kind), name(kind)));
    let command = Repair::of(grants).command(Some(65_535), &[]);
    Cause::new(&NOT_FULL, &[("uids", &uids), ("gids", &gids), ("command", &command)])
}

/// The name of a kind of ID, in full.
pub(crate) fn name(kind: IdKind) -> &'static str {
    kind.pick("user ID", "group ID")
}

fn bad_line(repair: &Repair<'_>, line: &OwnLine) -> Option<Cause> {
    let (why, number) = (line.refused.as_ref()?, line.number?);
    Some(repair.cause(&BAD_GRANT_LINE, &[("file", &line.file), ("line", &number), ("why", why)]))
}

fn overlaps(repair: &Repair<'_>, kind: IdKind, own: &[OwnLine]) -> Vec<Cause> {
    let (file, caller) = (kind.grant_file(), repair.grants.policy().caller());
    let mut found = Vec::new();
    each_line_of(file, |other, line| {
        let Ok(Some(SubidLine { owner, range })) = SubidLine::parse(line) else { return };
        if caller.owns(owner) {
            return;
        }
        let theirs = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let theirs = OsStr::from_bytes(theirs).to_string_lossy().into_owned();
        let mine = own.iter().filter_map(|line| Some((line.number?, line.range?)));
        found.extend(
            mine.filter(|(_, mine)| mine.overlaps(range))
                .map(|(mine, range)| (mine, range, other, theirs.clone())),
        );
    });
    let dropped: Vec<Grant> =
        found.iter().map(|(line, range, ..)| Grant { owner: 0, kind, line: *line, range: *range }).collect();
    let command = if found.is_empty() { String::new() } else { repair.command(None, &dropped) };
    let cause = |(number, _, other, theirs): &(u32, IdRange, u32, String)| {
        let values: [(_, &dyn Display); 5] =
            [("file", &file), ("line", number), ("other", other), ("owner", theirs), ("command", &command)];
        Cause::new(&GRANT_OVERLAPS, &values)
    };
    found.iter().map(cause).collect()
}

fn size(repair: &Repair<'_>, kind: IdKind) -> Option<Cause> {
    let count = repair.grants.count(kind);
    (1..ENOUGH)
        .contains(&count)
        .then(|| repair.cause(&GRANT_TOO_SMALL, &[("ids", &number_of(count, name(kind)))]))
}
