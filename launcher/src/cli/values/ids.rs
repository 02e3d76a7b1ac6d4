//! `--userns`, `--uidmap`, `--gidmap`, `--user`, `--group-add` and `--groups`.

use crate::cli::mistakes::nearest::not_one_of;
use crate::cli::values::{id, number, split_once, utf8};
use crate::request::ids::{Account, GivenLine, IdSource, UserSpec, Userns};
use std::ffi::OsStr;

/// The modes of `--userns`, for messages.
const MODES: [&str; 5] = ["auto[:size=N]", "full", "subids", "host-id", "keep-id[:uid=N,gid=N]"];

/// `--userns MODE`.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn userns(value: &str) -> Result<Userns, String> {
    let (mode, options) =
        value.split_once(':').map_or((value, None), |(mode, options)| (mode, Some(options)));
    match (mode, options) {
        // podman's `host`: if podman runs rootless, it maps what `auto` maps.
        ("auto" | "host", None) => Ok(Userns::Auto(None)),
        ("auto", Some(options)) => {
            let size = options.strip_prefix("size=").and_then(|size| number(size.as_ref()).ok());
            size.map(|size| Userns::Auto(Some(size))).ok_or_else(|| format!("{value} is not auto:size=N"))
        }
        ("full", None) => Ok(Userns::Full),
        ("subids", None) => Ok(Userns::Subids),
        ("host-id", None) => Ok(Userns::HostId),
        ("keep-id", None) => Ok(Userns::KeepId { uid: None, gid: None }),
        ("keep-id", Some(options)) => keep_id(options),
        _ => Err(not_one_of(value, &mut MODES.into_iter())),
    }
}

fn keep_id(options: &str) -> Result<Userns, String> {
    let (mut uid, mut gid) = (None, None);
    for option in options.split(',') {
        let (kept, value) = match option.split_once('=') {
            Some(("uid", value)) => (&mut uid, value),
            Some(("gid", value)) => (&mut gid, value),
            _ => return Err(format!("keep-id:{options}: {option:?} is neither uid=N nor gid=N")),
        };
        if kept.replace(id(value.as_ref())?).is_some() {
            return Err(format!("keep-id:{options} says one thing twice"));
        }
    }
    Ok(Userns::KeepId { uid, gid })
}

/// `--uidmap INSIDE:FROM[:COUNT]`. FROM is counted as in podman: 0 is the caller, 1 the first granted ID.
/// `@ID` is an ID of the host.
///
/// # Errors
/// Why the value is invalid.
pub(crate) fn given_line(value: &str) -> Result<GivenLine, String> {
    let id = |text: &str| id(text.as_ref()).map_err(|why| format!("{value}: {why}"));
    let mut parts = value.split(':');
    let (Some(inside), Some(from), count, None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(format!("{value} is not INSIDE:FROM[:COUNT]"));
    };
    let from = match from.strip_prefix('@') {
        Some(host) => IdSource::Host(id(host)?),
        None => IdSource::Own(id(from)?),
    };
    let (inside, count) = (id(inside)?, count.map_or(Ok(1), id)?);
    Ok(GivenLine { inside, from, count })
}

/// Reads `--user`.
///
/// # Errors
/// The name is empty, or a number is not a valid ID.
pub(crate) fn user(value: &OsStr) -> Result<UserSpec, String> {
    let (user, group) = split_once(value, b':');
    let group = group.map(account).transpose()?;
    Ok(UserSpec { user: account(user)?, group })
}

/// A name, or a number.
///
/// # Errors
/// The name is empty, or the number is not a valid ID.
pub(crate) fn account(value: &OsStr) -> Result<Account, String> {
    let is_number =
        !value.is_empty() && utf8(value).is_ok_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let account = if is_number { Account::Id(id(value)?) } else { Account::Name(value.to_owned()) };
    account.check().map(|()| account)
}

#[cfg(test)]
mod tests {
    use super::{given_line, userns};
    use crate::request::ids::{GivenLine, IdSource, Userns};

    #[test]
    fn the_modes_of_userns_are_read() {
        assert_eq!(userns("auto:size=2001"), Ok(Userns::Auto(Some(2001))));
        assert_eq!(userns("keep-id:uid=5,gid=6"), Ok(Userns::KeepId { uid: Some(5), gid: Some(6) }));
        assert_eq!(userns("host"), Ok(Userns::Auto(None)));
        assert_eq!(userns("full"), Ok(Userns::Full));
        assert_eq!(userns("subids"), Ok(Userns::Subids));
        assert_eq!(userns("keep-id"), Ok(Userns::KeepId { uid: None, gid: None }));
        for wrong in ["", "auto:5", "host:1", "auto:size=+5", "host-id:1", "full:1"] {
            assert!(userns(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "uid=x", "x=1", "uid=+5", "uid=4294967295", "uid=1,uid=1", "uid=1,"] {
            let wrong = format!("keep-id:{wrong}");
            assert!(userns(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_given_line_counts_from_the_caller_or_the_host() {
        assert_eq!(given_line("0:1:10"), Ok(GivenLine { inside: 0, from: IdSource::Own(1), count: 10 }));
        assert_eq!(
            given_line("5:@100000"),
            Ok(GivenLine { inside: 5, from: IdSource::Host(100_000), count: 1 })
        );
        for wrong in ["0", "0:1:2:3", "x:0", "0:-1", "0:@", "+0:0", "0:+1", "0:@+1", "4294967295:0"] {
            assert!(given_line(wrong).is_err(), "{wrong}");
        }
    }
}
