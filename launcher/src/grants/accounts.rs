//! Asks name services about users: through the C library in a plain build, and through getent(1) in a static
//! build, which has no name services of its own.

use crate::grants::files::each_line_of;
use nix::libc::gid_t;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use subroot_idmap::{ACCOUNTS_FILE, Account, parse_number};
use users::User;

const IS_STATIC: bool = cfg!(target_feature = "crt-static");

/// The account with this uid.
pub(crate) fn by_uid(uid: u32) -> Option<User> {
    if IS_STATIC { by_getent(OsStr::new(&uid.to_string())) } else { users::get_user_by_uid(uid) }
}

/// The account with this name.
pub(crate) fn by_name(name: &OsStr) -> Option<User> {
    let found =
        if IS_STATIC { local(name).or_else(|| by_getent(name)) } else { users::get_user_by_name(name) };
    found.filter(|user| user.name() == name)
}

/// The local account with this name. getent(1) could mistake a name for a number or an option, so /etc/passwd
/// is read first.
fn local(name: &OsStr) -> Option<User> {
    let mut found = None;
    each_line_of(ACCOUNTS_FILE, |_, line| {
        let account =
            Account::parse(line).filter(|account| account.is_whole && account.name == name.as_bytes());
        let ids = account.and_then(|account| Some((account.uid?, account.gid?)));
        found = found.take().or_else(|| ids.map(|(uid, gid)| User::new(uid, name, gid)));
    });
    found
}

/// The line of /etc/passwd or /etc/group with this ID, from the file or else from name services; empty if
/// there is none.
pub(crate) fn line_of(file: &'static str, id: u32) -> Vec<u8> {
    let mut found = None;
    each_line_of(file, |_, line| {
        let number = line.split(|byte| *byte == b':').nth(2).map(parse_number);
        if found.is_none() && number == Some(Ok(id)) {
            found = Some(line.to_vec());
        }
    });
    let database = Path::new(file).file_name().unwrap_or_default();
    let mut line = found.unwrap_or_else(|| printed(Command::new("getent").arg(database).arg(id.to_string())));
    line.truncate(line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len()));
    line
}

/// The groups of a user, including the primary group.
pub(crate) fn groups_of(user: &User) -> Vec<gid_t> {
    let own = user.primary_group_id();
    if !IS_STATIC {
        let groups = users::get_user_groups(user.name(), own).unwrap_or_default();
        return groups.iter().map(users::Group::gid).collect();
    }
    let line = printed(Command::new("getent").arg("initgroups").arg(user.name()));
    let numbers = line
        .split(u8::is_ascii_whitespace)
        .skip(1)
        .filter_map(|key| std::str::from_utf8(key).ok()?.parse().ok());
    [own].into_iter().chain(numbers.filter(|gid| *gid != own)).collect()
}

/// The account that getent(1) finds by name or number.
fn by_getent(key: &OsStr) -> Option<User> {
    let line = printed(Command::new("getent").arg("passwd").arg(key));
    let mut fields = line.split(|byte| *byte == b':');
    let name = fields.next().filter(|name| !name.is_empty())?;
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse::<u32>().ok();
    let _password = number();
    Some(User::new(number()?, OsStr::from_bytes(name), number()?))
}

/// The output of a program; empty if it cannot be started.
pub(crate) fn printed(command: &mut Command) -> Vec<u8> {
    let ran = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    // Error ignored: without getent(1) there are no name services to ask.
    ran.ok().map(|ran| ran.stdout).unwrap_or_default()
}
