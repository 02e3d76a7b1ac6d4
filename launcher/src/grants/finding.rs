//! One thing that is wrong with the grants: where, what, and what to do about it.

use crate::grants::location;
use crate::grants::site::{Grant, Site};
use serde::Serialize;
use std::fmt::Write as _;
use subroot_idmap::IdRange;

/// What is found, for a person and for a program.
#[derive(Serialize)]
pub(crate) struct Finding {
    /// A name for the kind: those of `subroot grants lint --help`.
    pub(crate) kind: &'static str,
    pub(crate) file: &'static str,
    /// The line, where it is about one.
    pub(crate) line: Option<u32>,
    /// Whom the line grants something, escaped.
    pub(crate) owner: Option<String>,
    /// What is wrong.
    pub(crate) why: String,
    /// What to do, all of it as root.
    pub(crate) fix: String,
}

impl Finding {
    /// Something about a well-formed line.
    pub(crate) fn of(site: &Site, grant: &Grant, kind: &'static str, why: String, fix: String) -> Finding {
        let owner = Some(site.owner(grant).text.clone());
        Finding { kind, file: grant.kind.grant_file(), line: Some(grant.line), owner, why, fix }
    }

    /// Two lines for a person.
    pub(crate) fn write(&self, text: &mut String) {
        let owner = self.owner.as_ref().map(|owner| format!(" {owner}:")).unwrap_or_default();
        let _ = writeln!(text, "{}: {}:{owner} {}", location(self.file, self.line), self.kind, self.why);
        let _ = writeln!(text, "    fix: as root: {}", self.fix);
    }
}

/// `1 ID`, or `N IDs`: a number with its noun.
pub(crate) fn number_of(count: u32, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A range without its end, as the mapper writes it.
pub(crate) fn range_text(range: IdRange) -> String {
    format!("[{}-{})", range.first(), range.end())
}
