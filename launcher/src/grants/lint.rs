//! `subroot grants lint`: everything that is wrong with the grants, and how much room is left.

use crate::error::Error;
use crate::grants::finding::Finding;
use crate::grants::free::{Limits, capacity, free};
use crate::grants::lines;
use crate::grants::overlaps;
use crate::grants::owners;
use crate::grants::site::Site;
use crate::grants::{Distrusted, ENOUGH};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;
use subroot_idmap::{IdKind, NSSWITCH_FILE};

/// A range as useradd(8) gives it, beside one that is enough.
const SIZES: [u32; 2] = [65536, ENOUGH];

/// All that is printed.
#[derive(Serialize)]
pub(crate) struct Report {
    findings: Vec<Finding>,
    notes: Vec<String>,
    /// How many well-formed lines both files have.
    lines: usize,
    /// How many users they name.
    users: usize,
    capacity: Capacity,
}

/// How much room is left between the limits.
#[derive(Serialize)]
struct Capacity {
    first: u32,
    last: u32,
    grants: [Room; 2],
}

/// How many further grants of one size fit.
#[derive(Serialize)]
struct Room {
    count: u32,
    fit: u32,
}

/// Looks for what is wrong.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn report() -> Result<Report, Error> {
    let site = Site::read()?;
    let limits = Limits::read()?.of_present(&site.present);
    let mut found = Vec::new();
    check_files(&site, &mut found);
    lines::check(&site, &mut found);
    overlaps::check(&site, &mut found);
    let notes = owners::note(owners::check(&site, &mut found)).into_iter().chain(unasked(&site)).collect();
    found.sort_by_key(|finding| (location(finding.file), finding.line));
    let free = free(&site, limits);
    let grants = SIZES.map(|count| Room { count, fit: capacity(&free, count) });
    let capacity = Capacity { first: limits.first, last: limits.last, grants };
    Ok(Report { findings: found, notes, lines: site.grants.len(), users: site.owners.len(), capacity })
}

/// Where a file stands in the report: settings first.
fn location(file: &str) -> usize {
    IdKind::BOTH.iter().position(|kind| kind.grant_file() == file).map_or(0, |at| at.saturating_add(1))
}

/// Files that the mapper does not take, and those that do not count.
fn check_files(site: &Site, found: &mut Vec<Finding>) {
    found.extend(site.distrusted.iter().map(|distrusted| {
        let Distrusted { file, path, why, .. } = distrusted;
        let what = if path == Path::new(file) { "the file".into() } else { path.display().to_string() };
        let why = format!("{what} is {why}: the mapper refuses everybody");
        Finding { kind: "not-trusted", file, line: None, owner: None, why, fix: distrusted.fix() }
    }));
    if let (Some(plugin), false) = (&site.plugin, site.grants.is_empty()) {
        let why = format!("the plugin {plugin} keeps the grants: the lines of the files grant nothing");
        let fix = "give the grants in the directory and empty the files, or write subid: files".into();
        found.push(Finding { kind: "plugin", file: NSSWITCH_FILE, line: None, owner: None, why, fix });
    }
}

fn unasked(site: &Site) -> Option<String> {
    let unasked = site.accounts.unasked;
    (unasked > 0).then(|| format!("whether {unasked} owners have an account in the directory was not asked"))
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
        let _ = writeln!(text, "findings: {}, in {lines} well-formed lines of {users} users", findings.len());
        let _ = writeln!(
            text,
            "room for {} further grants of {} IDs or {} of {}, the same in both files, from {first} to {last}",
            large.fit, large.count, small.fit, small.count
        );
        text
    }
}
