//! Findings about single lines: invalid ones, owners that do not exist, and ranges with IDs that others have already.

use crate::grants::finding::{Finding, range_text};
use crate::grants::free::FIRST_USER;
use crate::grants::ranges_text;
use crate::grants::remedy::{Remedy, without_line};
use crate::grants::site::{BadLine, Grant, Site};
use crate::grants::site_accounts::Live;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use subroot_idmap::{CONFIG_FILE, IdKind, IdRange, OVERFLOW_ID};

/// What systemd takes for itself without a line in any file, outside the range of containers: its UIDS-GIDS.md.
const SYSTEMD: [(RangeInclusive<u32>, &str); 4] = [
    (60_001..=60_513, "users of systemd-homed"),
    (60_514..=60_577, "users mapped into containers"),
    (61_184..=65_519, "services with DynamicUser="),
    (2_147_352_576..=2_147_418_111, "foreign directory trees"),
];

/// Looks at each line of both files, and at each rule of mapper.conf.
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
        // One ID alone is a pass-through on purpose, such as that of a device's group.
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

/// Of a line whose owner is known, all that is wrong is repaired at once.
fn of_bad_line(remedy: &Remedy<'_>, bad: &BadLine, kind: IdKind) -> String {
    let repair = remedy.user(bad.uid).and_then(|user| remedy.repair(&user, None, &[]));
    repair.map_or_else(|| without_line(kind, bad.line, &bad.text), |repair| repair.command)
}

fn check_owner(site: &Site, remedy: &Remedy<'_>, grant: &Grant, found: &mut Vec<Finding>) {
    // A uid without an account is how accounts of a directory are written.
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

/// Takes the line out, but not while there are files with its IDs, which its next owner would get.
pub(crate) fn unless_files(grant: &Grant, otherwise: &str) -> String {
    let (option, below) = (grant.kind.name(), grant.range.first().saturating_sub(1));
    let (end, command) = (grant.range.end(), Remedy::only_without(grant));
    format!(
        "unless {otherwise}, or files have its IDs (find / -xdev -{option} +{below} -{option} -{end}): {command}"
    )
}

/// The caller's own ID is in every map already.
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

/// Lines that grant what an earlier one of the same user grants.
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

/// IDs that this user namespace does not have: those of a host, in a container that was given only some of them.
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

/// Which IDs of others a range holds: the kind of finding, and why.
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
        let first = range.first().max(*ids.start());
        if first <= *ids.end() && first < range.end() {
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

/// `alice (1000)`, and how many more.
fn names(live: &[Live]) -> Option<String> {
    let first = live.first()?;
    let more = live.len().saturating_sub(1);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("{} ({}){more}", first.name, first.id))
}

/// A line in the area that the rules of mapper.conf deal out, or over the uids that they serve.
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
