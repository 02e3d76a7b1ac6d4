//! `subroot grants owner`: reports who has an ID, by which line, and which ID it is inside that user's
//! sandboxes.

use crate::cli::output;
use crate::error::Error;
use crate::failure::reason_of;
use crate::grants::finding::range_text;
use crate::grants::site::{Grant, Site};
use crate::grants::site_accounts::Known;
use crate::grants::{Grants, over_account, shown};
use crate::plan::id_layout::Pool;
use crate::sys::standard_error::number_of;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use subroot_idmap::{CONFIG_FILE, IdKind, IdRange, RESERVED_ID, parse_number};

/// The maximum number of lines holding an ID that are examined. For each, the files are read as the mapper
/// reads them for its owner.
const MAX_HOLDERS: usize = 4;

/// A user to whom a line or a rule grants an ID.
struct Holder {
    /// The user's name or uid, escaped.
    user: String,
    /// The uid, if it is known.
    uid: Option<u32>,
    file: &'static str,
    line: u32,
    /// The range that holds the ID.
    range: IdRange,
    /// The ID inside a default launch, or why there is none.
    inside: Result<u32, String>,
}

/// Who has an ID.
struct Answer {
    kind: IdKind,
    id: u32,
    /// The accounts or groups that have it, escaped.
    live: Vec<String>,
    holders: Vec<Holder>,
    /// The number of other lines that hold it.
    more: usize,
}

/// Reports who has an ID, or the owner and group of a file, as text or JSON.
///
/// # Errors
/// A file cannot be examined or read.
pub(crate) fn report(what: &OsStr, as_json: bool) -> anyhow::Result<String> {
    let ids = ids(what)?;
    let mut site = Site::read()?;
    let answers: Vec<Answer> =
        IdKind::BOTH.into_iter().zip(ids).map(|(kind, id)| Answer::find(&mut site, kind, id)).collect();
    Ok(if as_json {
        output::json(&Value::from(answers.iter().map(Answer::json).collect::<Vec<_>>()))?
    } else {
        answers.iter().map(Answer::text).collect()
    })
}

/// The requested ID, as uid and gid, or the owner and group of a file.
fn ids(what: &OsStr) -> Result<[u32; 2], Error> {
    if !what.is_empty() && what.as_bytes().iter().all(u8::is_ascii_digit) {
        let id = parse_number(what.as_bytes()).map_err(|why| why.reason());
        return match id {
            Ok(RESERVED_ID) => Err("the kernel has no such ID"),
            id => id,
        }
        .map(|id| [id, id])
        .map_err(|why| Error::Usage {
            what: "ID",
            why: format!("{}: {why}; a file of this name is ./{0}", shown(what.as_bytes())),
        });
    }
    let stat = std::fs::symlink_metadata(what);
    let stat = stat.map_err(|error| Error::Unreadable { file: what.into(), why: reason_of(&error) })?;
    Ok([stat.uid(), stat.gid()])
}

impl Answer {
    fn find(site: &mut Site, kind: IdKind, id: u32) -> Answer {
        let live = live(site, kind, id);
        let computed = site.computed_holder(id);
        let holds = |grant: &&Grant| grant.kind == kind && grant.range.contains(id);
        let lines: Vec<Holder> = site
            .grants
            .iter()
            .filter(holds)
            .take(MAX_HOLDERS)
            .map(|grant| of_line(site, grant, id))
            .collect();
        let more = site.grants.iter().filter(holds).count().saturating_sub(lines.len());
        let computed = computed.map(|holder| of_rule(site, kind, id, holder));
        Answer { kind, id, live, holders: computed.into_iter().chain(lines).collect(), more }
    }

    fn text(&self) -> String {
        let subject = format!("{} {}", self.kind.name(), self.id);
        let mut text = String::new();
        if !self.live.is_empty() {
            let _ = writeln!(text, "{subject}: live: the ID of {}", self.live.join(" and "));
        }
        for holder in &self.holders {
            let _ = writeln!(text, "{subject}: {}", holder.text());
        }
        if self.more > 0 {
            let _ = writeln!(text, "{subject}: {} more", number_of(self.more, "line"));
        }
        if text.is_empty() {
            let _ = writeln!(text, "{subject}: nobody's: no account, group, line or computed grant has it");
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "kind": self.kind.name(),
            "id": self.id,
            "live": self.live,
            "holders": self.holders.iter().map(Holder::json).collect::<Vec<Value>>(),
            "more": self.more,
        })
    }
}

/// The accounts and groups that have the ID, as text.
fn live(site: &Site, kind: IdKind, id: u32) -> Vec<String> {
    let Ok(own) = IdRange::new(id, 1) else { return Vec::new() };
    let how = if kind == IdKind::Gid { " (as uid or primary group)" } else { "" };
    let accounts = site.accounts.live_in(kind, own).iter().map(|live| format!("account {}{how}", live.name));
    accounts
        .chain(site.accounts.groups_in(kind, own).iter().map(|live| format!("group {}", live.name)))
        .collect()
}

fn of_rule(site: &Site, kind: IdKind, id: u32, (user, line, range): (Known, u32, IdRange)) -> Holder {
    let inside = inside(site, &Grants::of(user.uid, user.gid).examined(), kind, (id, range));
    Holder { user: shown(&user.name), uid: Some(user.uid), file: CONFIG_FILE, line, range, inside }
}

fn of_line(site: &Site, grant: &Grant, id: u32) -> Holder {
    let owner = site.owner(grant);
    let inside = match (owner.uid, site.shown_plugin()) {
        (_, Some(_)) => Err("a plugin keeps the grants".into()),
        (None, _) => Err("no account has this name".into()),
        // Without an account, the primary gid is unknown. The uid is used instead: it matters only if the
        // user has a grant for it.
        (Some(uid), _) => {
            let gid = owner.account.as_ref().map_or(uid, |account| account.gid);
            inside(site, &Grants::of(uid, gid).examined(), grant.kind, (id, grant.range))
        }
    };
    let (user, file) = (owner.text.clone(), grant.kind.grant_file());
    Holder { user, uid: owner.uid, file, line: grant.line, range: grant.range, inside }
}

/// The ID that it becomes inside a default launch of this user, or why it is not mapped.
fn inside(site: &Site, grants: &Grants, kind: IdKind, (id, range): (u32, IdRange)) -> Result<u32, String> {
    if let Some(refused) = grants.refused(kind) {
        return Err(refused.to_string());
    }
    let exists = IdRange::new(id, 1).is_ok_and(|id| grants.present().has(kind, id));
    let is_granted = grants.ranges(kind).iter().any(|range| range.contains(id));
    let live = || site.accounts.live_in(kind, range).first();
    Pool::granted(grants, kind).position(kind, id).ok_or_else(|| match (exists, is_granted) {
        (false, _) => "the ID does not exist in this user namespace".into(),
        (true, true) => "the kernel takes no more ranges than those before it".into(),
        (true, false) => match live() {
            Some(live) => over_account(&live.name, live.id),
            None => "4096 lines of this user come before it".into(),
        },
    })
}

impl Holder {
    fn text(&self) -> String {
        let location = format!("{}:{} {}", self.file, self.line, range_text(self.range));
        let uid = self.uid.map(|uid| format!(" (uid {uid})")).unwrap_or_default();
        match &self.inside {
            Ok(inside) => format!("{}'s{uid}, by {location}: ID {inside} inside a default run", self.user),
            Err(why) => format!("nobody's: {location} of {}{uid} grants nothing: {why}", self.user),
        }
    }

    fn json(&self) -> Value {
        json!({
            // Error ignored: `reason` reports it.
            "user": self.user,
            "uid": self.uid,
            "file": self.file,
            "line": self.line,
            "start": self.range.first(),
            "count": self.range.count(),
            "inside": self.inside.as_ref().ok(),
            "reason": self.inside.as_ref().err(),
        })
    }
}
