//! `subroot grants suggest`: the command that gives a user a range nobody has. It changes nothing itself.

use crate::error::Error;
use crate::grants::finding::{plain_name, range_text};
use crate::grants::free::{Limits, first_fit, free};
use crate::grants::site::Site;
use crate::grants::site_accounts::Known;
use crate::grants::{Grants, shown};
use serde_json::json;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use subroot_idmap::{CONFIG_FILE, IdKind, IdRange, NSSWITCH_FILE, parse_number};

/// What is said about a user.
struct Suggestion {
    /// The line for a person, before the command.
    said: String,
    /// The range to be granted, and the command that does it.
    command: Option<(IdRange, String)>,
}

/// The command, or that none is needed, as text or JSON.
///
/// # Errors
/// No such user, no room, grants that are kept elsewhere, and a file that cannot be read.
pub(crate) fn report(user: &OsStr, count: u32, as_json: bool) -> Result<String, Error> {
    let mut site = Site::read()?;
    let account = account(&mut site, user.as_bytes()).ok_or_else(|| Error::Usage {
        what: "USER",
        why: format!("no account has the name or uid {}", shown(user.as_bytes())),
    })?;
    let suggestion = suggest(&site, &account, count)?;
    Ok(if as_json { json(&account, &suggestion) } else { text(&suggestion) })
}

/// As in the grant files, digits are a uid.
fn account(site: &mut Site, word: &[u8]) -> Option<Known> {
    if word.iter().all(u8::is_ascii_digit) {
        return site.accounts.with_uid(parse_number(word).ok()?);
    }
    site.accounts.named(word)
}

fn suggest(site: &Site, account: &Known, count: u32) -> Result<Suggestion, Error> {
    let (name, grants) = (shown(&account.name), Grants::of(account.uid, account.gid));
    if let Some(trouble) = grants.trouble() {
        return Err(Error::Usage { what: "the grants", why: format!("{trouble}: see subroot grants lint") });
    }
    let had = IdKind::BOTH.map(|kind| grants.count(kind));
    if had.iter().all(|had| *had >= count) {
        return Ok(Suggestion { said: enough(site, account, &name, had), command: None });
    }
    let (range, location) = free_range(site, &name, count)?;
    let lacking: Vec<IdKind> =
        IdKind::BOTH.into_iter().zip(had).filter(|(_, had)| *had < count).map(|(kind, _)| kind).collect();
    let said = format!("{} is free{location}; {}as root:", range_text(range), rules(site, account, &name));
    Ok(Suggestion { said, command: Some((range, command(account, range, &lacking))) })
}

fn enough(site: &Site, account: &Known, name: &str, [uids, gids]: [u32; 2]) -> String {
    let by = site.computed(account.uid).map_or_else(String::new, |(line, range)| {
        format!(", {} of them by the computed grant of {CONFIG_FILE}:{line}", range_text(range))
    });
    format!("{name} has {uids} user IDs and {gids} group IDs already{by}: nothing to add")
}

/// A range that a line would grant, and where it is, if not between the limits of login.defs.
fn free_range(site: &Site, name: &str, count: u32) -> Result<(IdRange, String), Error> {
    if let Some(plugin) = &site.plugin {
        let why = format!(
            "{NSSWITCH_FILE} leaves grants to the plugin {plugin}: a line for {name} would grant nothing"
        );
        return Err(Error::Usage { what: "the grants", why });
    }
    let set = Limits::read()?;
    let limits = set.of_present(&site.present);
    let location = if limits == set {
        String::new()
    } else {
        format!(" in this user namespace, which has none of the IDs from {} to {}", set.first, set.last)
    };
    let free = free(site, limits);
    let found = first_fit(&free, count).map(|range| (range, location));
    found.ok_or_else(|| {
        let longest = free.iter().map(|range| range.count()).max().unwrap_or(0);
        let why = format!(
            "no {count} IDs in a row are free from {} to {}, and {longest} are the most",
            limits.first, limits.last
        );
        Error::Usage { what: "the grants", why }
    })
}

/// What mapper.conf has to do with it, where it has rules.
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

/// usermod(8) knows accounts of /etc/passwd alone; a line that names the uid is good for every other.
fn command(account: &Known, range: IdRange, kinds: &[IdKind]) -> String {
    let name = plain_name(&account.name).filter(|_| account.is_local);
    let last = range.end().saturating_sub(1);
    match name {
        Some(name) => {
            let option = |kind: &IdKind| format!("--add-sub{}s {}-{last}", kind.name(), range.first());
            let options: Vec<String> = kinds.iter().map(option).collect();
            format!("usermod {} {name}", options.join(" "))
        }
        None => {
            let files: Vec<&str> = kinds.iter().map(|kind| kind.grant_file()).collect();
            format!("echo {}:{}:{} | tee -a {}", account.uid, range.first(), range.count(), files.join(" "))
        }
    }
}

fn text(suggestion: &Suggestion) -> String {
    match &suggestion.command {
        Some((_, command)) => format!("{}\n{command}\n", suggestion.said),
        None => format!("{}\n", suggestion.said),
    }
}

fn json(account: &Known, suggestion: &Suggestion) -> String {
    let (range, command) = suggestion.command.as_ref().map(|(range, command)| (*range, command)).unzip();
    let whole = json!({
        "user": shown(&account.name),
        "uid": account.uid,
        "said": suggestion.said,
        "start": range.map(IdRange::first),
        "count": range.map(IdRange::count),
        "command": command,
    });
    // Error ignored: text and numbers can always be written as JSON.
    serde_json::to_string(&whole).ok().unwrap_or_default() + "\n"
}
