//! Problems with single lines: invalid lines, owners that do not exist, and ranges that hold IDs already in
//! use.

use crate::grants::finding::{Finding, range_text};
use crate::grants::free::FIRST_USER;
use crate::grants::present::holds_some;
use crate::grants::ranges_text;
use crate::grants::remedy::{Remedy, without_line};
use crate::grants::site::{BadLine, Grant, Site};
use crate::grants::site_accounts::Live;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use subroot_idmap::{CONFIG_FILE, IdKind, IdRange, OVERFLOW_ID};

/// IDs that systemd uses without a line in any file, except those of its containers: UIDS-GIDS.md in
/// systemd's documentation.
const SYSTEMD: [(RangeInclusive<u32>, &str); 4] = [
    (60_001..=60_513, "users of systemd-homed"),
    (60_514..=60_577, "users mapped into containers"),
    (61_184..=65_519, "services with DynamicUser="),
    (2_147_352_576..=2_147_418_111, "foreign directory trees"),
];

/// Checks each line of both files, and each rule of mapper.conf.
pub(crate) fn check(site: &Site, remedy: &Remedy<'_>, found: &mut Vec<Finding>) {
    found.extend(site.bad.iter().map(|bad| {
        let (kind, fix) = match bad.kind() {
            Some(kind) => ("bad-line", of_bad_line(remedy, bad, kind)),
            None => {
                ("bad-setting", "correct the line: until then nothing at all is mapped, for nobody".into())
            }
        };
        let owner = Some(bad.owner.clone()).filter(|owner| !owner.is_empty());
        let why = format!("grants nothing: {}", bad.reason);
        Finding { kind, file: bad.file, line: Some(bad.line), owner, why, fix }
    }));
    for grant in &site.grants {
        check_owner(site, remedy, grant, found);
        check_own_id(site, grant, found);
        check_presence(site, remedy, grant, found);
        // A single ID, such as that of a device's group, is passed through on purpose.
        if grant.range.count() > 1 {
            check_range(site, remedy, grant, found);
            check_rules(site, remedy, grant, found);
        }
    }
    check_duplicates(site, found);
    for kind in IdKind::BOTH {
        for (line, rule) in site.rules() {
            for (found_kind, why) in held(site, kind, rule.area) {
                let why = format!("the area of the computed {}s {why}", kind.name());
                let fix = "begin the rule's ranges above the IDs of all accounts".into();
                found.push(Finding {
                    kind: found_kind,
                    file: CONFIG_FILE,
                    line: Some(line),
                    owner: None,
                    why,
                    fix,
                });
            }
        }
    }
}

/// If the line's owner is known, the command that fixes all of their lines; otherwise one that removes this
/// line.
fn of_bad_line(remedy: &Remedy<'_>, bad: &BadLine, kind: IdKind) -> String {
    let repair = remedy.user(bad.uid).and_then(|user| remedy.repair(&user, None, &[]));
    repair.map_or_else(|| without_line(kind, bad.line, &bad.text), |repair| repair.command)
}

fn check_owner(site: &Site, remedy: &Remedy<'_>, grant: &Grant, found: &mut Vec<Finding>) {
    // A line by uid is left alone: it may be for an account of a directory, which is not in /etc/passwd.
    if !site.is_without_account(grant) {
        return;
    }
    let (why, fix) = match remedy.heir(grant) {
        Some((user, likeness, command)) => {
            (format!("no account has this name: {user} has one, {}", likeness.why()), command)
        }
        None => ("no account has this name".into(), unless_files(grant, "the account is still to come")),
    };
    found.push(Finding::of(site, grant, "no-account", why, fix));
}

/// A fix that removes the line only if no files have its IDs: the next owner of the IDs would own those
/// files.
pub(crate) fn unless_files(grant: &Grant, otherwise: &str) -> String {
    let (option, below) = (grant.kind.name(), grant.range.first().saturating_sub(1));
    let (end, command) = (grant.range.end(), Remedy::only_without(grant));
    format!(
        "unless {otherwise}, or files have its IDs (find / -xdev -{option} +{below} -{option} -{end}): {command}"
    )
}

/// Every map already has the user's own ID.
fn check_own_id(site: &Site, grant: &Grant, found: &mut Vec<Finding>) {
    let account = site.owner(grant).account.as_ref();
    let own = account.map(|account| grant.kind.pick(account.uid, account.gid));
    if grant.range.count() == 1 && own == Some(grant.range.first()) {
        let why = format!(
            "holds the user's own ID {}, which is mapped without a grant: podman and rootlesskit refuse to map it twice",
            grant.range.first()
        );
        found.push(Finding::of(site, grant, "own-id", why, Remedy::only_without(grant)));
    }
}

/// Finds lines that repeat an earlier line of the same user.
fn check_duplicates(site: &Site, found: &mut Vec<Finding>) {
    let mut first = HashMap::new();
    for grant in &site.grants {
        let key = (grant.owner, grant.kind.name(), grant.range.first(), grant.range.count());
        let known: &mut &Grant = first.entry(key).or_insert(grant);
        if known.line != grant.line {
            let why = format!(
                "grants the same as {}: podman and rootlesskit refuse to map it twice",
                known.location()
            );
            found.push(Finding::of(site, grant, "duplicate", why, Remedy::only_without(grant)));
        }
    }
}

/// Finds IDs that do not exist in this user namespace, as in a container that has only some of the host's
/// IDs.
fn check_presence(site: &Site, remedy: &Remedy<'_>, grant: &Grant, found: &mut Vec<Finding>) {
    let Some(parts) = site.present.parts_if_cut(grant.kind, grant.range) else { return };
    let range = range_text(grant.range);
    let why = match parts.as_slice() {
        [] => format!("none of {range} exists in this user namespace, and so grants nothing"),
        parts => format!("of {range}, only {} exists in this user namespace", ranges_text(parts)),
    };
    found.push(Finding::of(site, grant, "not-here", why, remedy.without(grant)));
}

fn check_range(site: &Site, remedy: &Remedy<'_>, grant: &Grant, found: &mut Vec<Finding>) {
    let range = range_text(grant.range);
    for (kind, why) in held(site, grant.kind, grant.range) {
        found.push(Finding::of(site, grant, kind, format!("{range} {why}"), remedy.without(grant)));
    }
}

/// The kinds of problem that a range has because it holds IDs of others, each with the reason.
fn held(site: &Site, kind: IdKind, range: IdRange) -> Vec<(&'static str, String)> {
    let (accounts, groups) = (site.accounts.live_in(kind, range), site.accounts.groups_in(kind, range));
    let mut held = Vec::new();
    if let Some(names) = names(accounts) {
        let so = if site.config.allows_live_ids {
            "whose files are its owner's then"
        } else {
            "and so grants nothing unless mapper.conf says allow-live-ids = yes"
        };
        held.push(("live-account", format!("holds the ID of {names}, {so}")));
    } else if let Some(names) = names(groups) {
        held.push(("live-group", format!("holds the ID of group {names}, whose files are its owner's then")));
    }
    if range.first() < FIRST_USER {
        held.push(("system-ids", format!("holds system IDs, below {FIRST_USER}")));
    }
    if range.contains(OVERFLOW_ID) {
        held.push((
            "overflow-id",
            format!("holds {OVERFLOW_ID}, which stands for every ID that has no mapping"),
        ));
    }
    for (ids, use_of_them) in SYSTEMD {
        if holds_some(range, &ids) {
            let why = format!(
                "holds IDs from {} to {}, which systemd gives to {use_of_them}",
                ids.start(),
                ids.end()
            );
            held.push(("systemd-ids", why));
        }
    }
    held
}

/// The first as `alice (1000)`, and the number of the others.
fn names(live: &[Live]) -> Option<String> {
    let first = live.first()?;
    let more = live.len().saturating_sub(1);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("{} ({}){more}", first.name, first.id))
}

/// Finds lines that hold IDs which rules of mapper.conf compute for others, or the uids of accounts that a
/// rule covers.
fn check_rules(site: &Site, remedy: &Remedy<'_>, grant: &Grant, found: &mut Vec<Finding>) {
    let own = site.owner(grant).uid.and_then(|uid| site.computed(uid)).map(|(_, range)| range);
    let is_own = own.is_some_and(|own| own.shared_with(grant.range) == grant.range.count());
    for (line, rule) in site.rules().filter(|_| !is_own) {
        let what = if rule.area.overlaps(grant.range) {
            "holds IDs that are computed for others"
        } else if rule.uids.overlaps(grant.range) {
            "holds uids of accounts with computed grants"
        } else {
            continue;
        };
        let why = format!("{} {what} by {CONFIG_FILE}:{line}", range_text(grant.range));
        found.push(Finding::of(site, grant, "overlaps-computed", why, remedy.without(grant)));
    }
}
