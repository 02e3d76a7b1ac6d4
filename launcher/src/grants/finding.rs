//! One problem with the grants: its location, the reason, and the fix.

use crate::grants::location;
use crate::grants::site::{Grant, Site};
use serde::Serialize;
use std::fmt::Write as _;
use subroot_idmap::IdRange;

/// A problem, printed as text or JSON.
#[derive(Serialize)]
pub(crate) struct Finding {
    /// The name of the kind of problem, as listed in `subroot grants lint --help`.
    pub(crate) kind: &'static str,
    pub(crate) file: &'static str,
    /// The line's number, if the problem is in one line.
    pub(crate) line: Option<u32>,
    /// The owner of the line, escaped.
    pub(crate) owner: Option<String>,
    /// What is wrong.
    pub(crate) why: String,
    /// A command or an action for root.
    pub(crate) fix: String,
}

impl Finding {
    /// A problem with a well-formed line.
    pub(crate) fn of(site: &Site, grant: &Grant, kind: &'static str, why: String, fix: String) -> Finding {
        let owner = Some(site.owner(grant).text.clone());
        Finding { kind, file: grant.kind.grant_file(), line: Some(grant.line), owner, why, fix }
    }

    /// Appends two lines of text: the problem and its fix.
    pub(crate) fn write(&self, text: &mut String) {
        let owner = self.owner.as_ref().map(|owner| format!(" {owner}:")).unwrap_or_default();
        let _ = writeln!(text, "{}: {}:{owner} {}", location(self.file, self.line), self.kind, self.why);
        let _ = writeln!(text, "    fix: as root: {}", self.fix);
    }
}

/// A half-open range, as the mapper writes it.
pub(crate) fn range_text(range: IdRange) -> String {
    format!("[{}-{})", range.first(), range.end())
}
