//! `subroot grants suggest`: prints the command that gives a user a free range. It changes nothing itself.

use crate::error::Error;
use crate::grants::finding::range_text;
use crate::grants::free::Limits;
use crate::grants::overlaps;
use crate::grants::remedy::{Remedy, Repair};
use crate::grants::site::Site;
use crate::grants::site_accounts::Known;
use crate::grants::{ENOUGH, Grants, shown};
use crate::sys::standard_error::number_of;
use serde_json::json;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use subroot_idmap::{CONFIG_FILE, IdKind, IdRange, NSSWITCH_FILE, RESERVED_ID, parse_number};

/// The answer for one user.
struct Suggestion {
    /// The line of text before the command.
    said: String,
    /// The command, and the range that it grants.
    repair: Option<Repair>,
}

/// The command, or a line that none is needed, as text or JSON.
///
/// # Errors
/// The user does not exist, no range is free, a plugin provides the grants, the mapper refuses the files, or
/// a file cannot be read.
pub(crate) fn report(user: &OsStr, count: Option<u32>, as_json: bool) -> Result<String, Error> {
    let mut site = Site::read()?;
    let account = account(&mut site, user.as_bytes()).ok_or_else(|| Error::Usage {
        what: "USER",
        why: format!("no account has the name {}", shown(user.as_bytes())),
    })?;
    let suggestion = suggest(&site, &account, count)?;
    Ok(if as_json { json(&account, &suggestion) } else { text(&suggestion) })
}

/// The user's account. As in the grant files, digits are a uid, even if no account has it.
fn account(site: &mut Site, user: &[u8]) -> Option<Known> {
    if !user.is_empty() && user.iter().all(u8::is_ascii_digit) {
        let uid = parse_number(user).ok().filter(|uid| *uid != RESERVED_ID)?;
        let alone = Known { name: user.to_vec(), uid, gid: uid, is_local: false };
        return Some(site.accounts.with_uid(uid).unwrap_or(alone));
    }
    site.accounts.named(user)
}

fn suggest(site: &Site, account: &Known, count: Option<u32>) -> Result<Suggestion, Error> {
    let (name, grants) = (shown(&account.name), Grants::of(account.uid, account.gid).examined());
    if let Some(cause) = grants.first_refusal() {
        return Err(Error::Grants { why: cause.to_string(), fix: Some(cause.fix()) });
    }
    if let Some(plugin) = site.shown_plugin() {
        let why = format!(
            "{NSSWITCH_FILE} leaves grants to the plugin {plugin}: a line for {name} would grant nothing"
        );
        return Err(Error::Grants { why, fix: None });
    }
    let remedy = Remedy::new(site)?;
    let (had, wanted) = (IdKind::BOTH.map(|kind| grants.count(kind)), count.unwrap_or(ENOUGH));
    let has = |wanted| had.iter().all(|had| *had >= wanted);
    let shared = site.index_of_user(account).map(|owner| overlaps::of_owner(site, owner)).unwrap_or_default();
    let Some(repair) = remedy.repair(account, count, &shared) else {
        if !has(wanted) {
            return Err(no_room(&remedy, count.unwrap_or(ENOUGH)));
        }
        return Ok(Suggestion { said: enough(site, account, &name, had), repair: None });
    };
    let said = match repair.range {
        Some(range) => {
            let location = location(&remedy, site)?;
            format!("{} is free{location}; {}as root:", range_text(range), rules(site, account, &name))
        }
        None if has(wanted) => format!("{name} has enough, and lines that grant nothing; as root:"),
        None => format!("lines for {name} only have to be written correctly; as root:"),
    };
    let said = match shared.first() {
        Some(grant) => format!("{} shares IDs with another user's line; {said}", grant.location()),
        None => said,
    };
    Ok(Suggestion { said, repair: Some(repair) })
}

fn enough(site: &Site, account: &Known, name: &str, [uids, gids]: [u32; 2]) -> String {
    let (uids, gids) = (number_of(uids, "user ID"), number_of(gids, "group ID"));
    let by = site.computed(account.uid).map_or_else(String::new, |(line, range)| {
        format!(", {} of them by the computed grant of {CONFIG_FILE}:{line}", range_text(range))
    });
    format!("{name} has {uids} and {gids} already{by}: nothing to add")
}

/// A note if this user namespace has no IDs within the limits of login.defs, so that the range is outside of
/// them.
fn location(remedy: &Remedy<'_>, site: &Site) -> Result<String, Error> {
    let set = Limits::read()?;
    Ok(if set.of_present(&site.present) == set || remedy.limits() == set {
        String::new()
    } else {
        format!(" in this user namespace, which has none of the IDs from {} to {}", set.first, set.last)
    })
}

fn no_room(remedy: &Remedy<'_>, count: u32) -> Error {
    let longest = remedy.free().iter().map(|range| range.count()).max().unwrap_or(0);
    let Limits { first, last } = remedy.limits();
    let why = match count {
        1 => format!("no ID is free from {first} to {last}"),
        _ => format!("no {count} IDs in a row are free from {first} to {last}, and {longest} are the most"),
    };
    Error::Grants { why, fix: None }
}

/// What the rules of mapper.conf grant to the user, if there are rules.
fn rules(site: &Site, account: &Known, name: &str) -> String {
    match (site.computed(account.uid), site.rules().next()) {
        (Some((line, range)), _) => {
            format!("{CONFIG_FILE}:{line} computes only {} for {name}; ", range_text(range))
        }
        (None, Some(_)) => {
            format!("no computed-grants rule of {CONFIG_FILE} serves {name} (uid {}); ", account.uid)
        }
        (None, None) => String::new(),
    }
}

fn text(suggestion: &Suggestion) -> String {
    match &suggestion.repair {
        Some(repair) => format!("{}\n{}\n", suggestion.said, repair.command),
        None => format!("{}\n", suggestion.said),
    }
}

fn json(account: &Known, suggestion: &Suggestion) -> String {
    let range = suggestion.repair.as_ref().and_then(|repair| repair.range);
    let whole = json!({
        "user": shown(&account.name),
        "uid": account.uid,
        "said": suggestion.said,
        "start": range.map(IdRange::first),
        "count": range.map(IdRange::count),
        "command": suggestion.repair.as_ref().map(|repair| &repair.command),
    });
    // Error ignored: text and numbers can always be written as JSON.
    serde_json::to_string(&whole).ok().unwrap_or_default() + "\n"
}
