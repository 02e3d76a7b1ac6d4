//! `subroot grants lint`: every problem with the grants, and how many more ranges fit.

use crate::causes::{Cause, DANGLING};
use crate::error::Error;
use crate::grants::ENOUGH;
use crate::grants::finding::Finding;
use crate::grants::free::{LOGIN_DEFS, Limits, capacity};
use crate::grants::lines;
use crate::grants::overlaps;
use crate::grants::owners;
use crate::grants::plugin;
use crate::grants::present::holds_some;
use crate::grants::remedy::grant_file;
use crate::grants::remedy::{PLENTY, Remedy};
use crate::grants::site::Site;
use crate::sys::standard_error::number_of;
use serde::Serialize;
use std::fmt::Write as _;
use std::fs;
use std::ops::RangeInclusive;
use subroot_idmap::{IdKind, NSSWITCH_FILE};

/// The sizes for which free ranges are counted: what useradd(8) grants, and the least that is enough.
const SIZES: [u32; 2] = [PLENTY, ENOUGH];

/// The whole report.
#[derive(Serialize)]
pub(crate) struct Report {
    findings: Vec<Finding>,
    notes: Vec<String>,
    /// The number of well-formed lines in both files.
    lines: usize,
    /// The number of users that they name.
    users: usize,
    capacity: Capacity,
}

/// How many more grants fit between the limits.
#[derive(Serialize)]
struct Capacity {
    first: u32,
    last: u32,
    grants: [Room; 2],
}

/// How many more grants of one size fit.
#[derive(Serialize)]
struct Room {
    count: u32,
    fit: u32,
}

/// Finds all problems.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn report() -> Result<Report, Error> {
    let site = Site::read()?;
    let remedy = Remedy::new(&site)?;
    let limits = remedy.limits();
    let mut found = Vec::new();
    check_files(&site, &mut found);
    lines::check(&site, &remedy, &mut found);
    overlaps::check(&site, &remedy, &mut found);
    owners::check(&site, &remedy, &mut found);
    check_room(&remedy, &mut found);
    let notes = unasked(&site).into_iter().chain(containers(&site)).collect();
    found.sort_by_key(|finding| (location(finding.file), finding.line));
    let grants = SIZES.map(|count| Room { count, fit: capacity(remedy.free(), count) });
    let capacity = Capacity { first: limits.first, last: limits.last, grants };
    Ok(Report { findings: found, notes, lines: site.grants.len(), users: site.owners.len(), capacity })
}

/// The position of a file in the report: settings come first.
fn location(file: &str) -> usize {
    IdKind::BOTH.iter().position(|kind| kind.grant_file() == file).map_or(0, |at| at.saturating_add(1))
}

/// Finds files that the mapper does not trust or cannot read, files that a plugin replaces, dangling
/// symlinks, and a last line without a newline.
fn check_files(site: &Site, found: &mut Vec<Finding>) {
    let mut push = |kind, file, why: String, fix: String| {
        found.push(Finding { kind, file, line: None, owner: None, why, fix });
    };
    for fault in &site.faults {
        let cause = fault.cause(&site.faults);
        push(fault.kind(), fault.file, cause.to_string(), as_root(&cause));
    }
    if let Some(cause) = plugin::refused(site.plugin()) {
        push("no-plugin", NSSWITCH_FILE, cause.to_string(), as_root(&cause));
    } else if let (Some(plugin), false) = (site.shown_plugin(), site.grants.is_empty()) {
        let why = format!("the plugin {plugin} keeps the grants: the lines of the files grant nothing");
        let fix = "give the grants in the directory and empty the files, or write subid: files".into();
        push("plugin", NSSWITCH_FILE, why, fix);
    }
    for file in IdKind::BOTH.map(IdKind::grant_file) {
        if let Some(target) = grant_file::dangling(file) {
            let cause = Cause::new(&DANGLING, &[("file", &file), ("target", &target.display())]);
            push("dangling-link", file, cause.to_string(), grant_file::create(file));
        } else if grant_file::lacks_newline(file) {
            let why =
                "the last line has no newline: a line that is appended would become a part of it".into();
            push("no-newline", file, why, format!("echo >>{file}"));
        }
    }
}

/// Reports if no free range is left for a new account.
fn check_room(remedy: &Remedy<'_>, found: &mut Vec<Finding>) {
    let Limits { first, last } = remedy.limits();
    if let Some(fix) = remedy.more_room() {
        let why = format!(
            "no {PLENTY} IDs in a row are left from {first} to {last} (SUB_UID_MAX) for another user"
        );
        found.push(Finding { kind: "no-room", file: LOGIN_DEFS[0], line: None, owner: None, why, fix });
    }
}

/// The fix without `as root: `, which a finding adds itself.
fn as_root(cause: &Cause) -> String {
    let fix = cause.fix();
    fix.strip_prefix("as root: ").unwrap_or(&fix).to_owned()
}

fn unasked(site: &Site) -> Option<String> {
    let unasked = site.accounts.unasked;
    let owners = number_of(unasked, "owner");
    let have = if unasked == 1 { "has" } else { "have" };
    (unasked > 0).then(|| format!("whether {owners} {have} an account in the directory was not asked"))
}

/// A note if grants hold IDs that systemd-nspawn may pick. It asks only name services which IDs are free, and
/// these do not know grants: UIDS-GIDS.md in systemd's documentation.
fn containers(site: &Site) -> Option<String> {
    const TAKEN: RangeInclusive<u32> = 524_288..=1_879_048_191;
    let lines = site.grants.iter().filter(|grant| holds_some(grant.range, &TAKEN)).count();
    // Error ignored: a program that cannot be examined cannot be started.
    let is_installed = matches!(fs::exists("/usr/bin/systemd-nspawn"), Ok(true));
    (is_installed && lines > 0).then(|| {
        format!(
            "{} IDs from {} to {}, from which systemd-nspawn --private-users=pick takes those of containers",
            if lines == 1 { "1 line holds".to_owned() } else { format!("{lines} lines hold") },
            TAKEN.start(),
            TAKEN.end()
        )
    })
}

impl Report {
    pub(crate) fn has_findings(&self) -> bool {
        !self.findings.is_empty()
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.findings.iter().for_each(|finding| finding.write(&mut text));
        self.notes.iter().for_each(|note| text.extend(["note: ", note, "\n"]));
        let Report {
            findings, lines, users, capacity: Capacity { first, last, grants: [large, small] }, ..
        } = self;
        let (lines, users) = (number_of(*lines, "well-formed line"), number_of(*users, "user"));
        let _ = writeln!(text, "findings: {}, in {lines} of {users}", findings.len());
        let _ = writeln!(
            text,
            "room for {} of {} IDs or {} of {}, the same in both files, from {first} to {last}",
            number_of(large.fit, "further grant"),
            large.count,
            small.fit,
            small.count
        );
        text
    }
}
