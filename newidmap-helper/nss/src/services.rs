//! The questions to name services and the plugin, and the checks of their answers.

use crate::answer::{NO_ANSWER, Trouble, decode};
use crate::child::{PATIENCE, bytes_from_child};
use crate::foreign::Plugin;
use newidmap_helper::{NameService, Unanswered};
use nix::errno::Errno;
use nix::unistd::{Uid, User};
use std::ffi::CString;
use std::time::Instant;
use subroot_idmap::{Caller, IdKind, IdRange, MAX_NAMES, MAX_PLUGIN, PluginQuestion, RequestedMap, Text};

/// subid_status in shadow's libsubid.h.
const SUCCESS: i32 = 0;
const UNKNOWN_USER: i32 = 1;
const ERROR_CONN: i32 = 2;
const ERROR: i32 = 3;

/// One of these bytes answers for each range.
const GRANTED: u8 = b'y';
const NOT_GRANTED: u8 = b'n';

/// The host's name services, queried from child processes.
pub struct NameServices {
    deadline: Instant,
}

impl Default for NameServices {
    fn default() -> NameServices {
        NameServices::new()
    }
}

impl NameServices {
    /// Starts the 10 seconds that all answers together may take.
    pub fn new() -> NameServices {
        NameServices { deadline: Instant::now() + PATIENCE }
    }

    fn answer(&self, find: impl FnOnce() -> Result<Vec<u8>, Trouble>) -> Result<Vec<u8>, Unanswered> {
        let bytes = bytes_from_child(self.deadline, find)?;
        decode(&bytes).map(<[u8]>::to_vec)
    }
}

impl NameService for NameServices {
    fn find_name(&mut self, caller: &Caller, name: &mut Text<MAX_NAMES>) -> Result<bool, Unanswered> {
        if !caller.is_local() {
            name.push(self.answer(|| name_of(Uid::from_raw(caller.id(IdKind::Uid))))?);
        }
        Ok(true)
    }

    fn each_grant(
        &mut self,
        question: &PluginQuestion<'_>,
        map: &RequestedMap,
        visit: &mut dyn FnMut(IdRange),
    ) -> Result<(), Unanswered> {
        let needs_grant = |range: &IdRange| !question.caller.is_own_id(question.kind, *range);
        let ranges: Vec<IdRange> =
            map.lines().iter().filter_map(|line| line.outside_range().ok()).filter(needs_grant).collect();
        let owners = owners(question);
        if ranges.is_empty() || owners.is_empty() {
            return Ok(());
        }
        let library = library_name(question.plugin)?;
        let verdicts = self.answer(|| verdicts(&library, &owners, question.kind, &ranges))?;
        if verdicts.len() != ranges.len()
            || verdicts.iter().any(|byte| !matches!(*byte, GRANTED | NOT_GRANTED))
        {
            return Err(NO_ANSWER);
        }
        ranges
            .iter()
            .zip(verdicts)
            .filter(|(_, verdict)| *verdict == GRANTED)
            .for_each(|(range, _)| visit(*range));
        Ok(())
    }
}

/// The caller's names, except those that a plugin could take for a uid.
fn owners(question: &PluginQuestion<'_>) -> Vec<CString> {
    let is_name = |name: &&[u8]| !name.iter().all(u8::is_ascii_digit);
    question.caller.names().filter(is_name).filter_map(|name| CString::new(name).ok()).collect()
}

/// The file name that the loader searches for.
fn library_name(name: &[u8]) -> Result<String, Unanswered> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    match std::str::from_utf8(name) {
        Ok(name) if name.len() <= MAX_PLUGIN && name.bytes().all(|byte| is_plain(&byte)) => {
            Ok(format!("libsubid_{name}.so"))
        }
        _ => {
            Err(Unanswered("its name is not one of at most 50 letters, digits, dots, dashes and underscores"))
        }
    }
}

/// Runs in the child. The name of the account with this uid; empty if there is none.
///
/// Two accounts in a directory may share a name, and the grants of one would then count for both. The name
/// must therefore resolve to the same uid. The parent checks for names of local accounts
/// ([`subroot_idmap::Policy::add_name_of_service`]).
fn name_of(uid: Uid) -> Result<Vec<u8>, Trouble> {
    let account = found(User::from_uid(uid))?.map(|account| account.name);
    let Some(name) = account else { return Ok(Vec::new()) };
    let leads_back = found(User::from_name(&name))?.is_some_and(|account| account.uid == uid);
    Ok(if leads_back { name.into_bytes() } else { Vec::new() })
}

/// Maps the errors that mean "no such account" to `None`: getpwnam(3).
fn found(answer: nix::Result<Option<User>>) -> Result<Option<User>, Trouble> {
    match answer {
        Ok(account) => Ok(account),
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
        Err(_) => Err(Trouble::NameServices),
    }
}

/// Runs in the child. One byte for each range.
fn verdicts(library: &str, owners: &[CString], kind: IdKind, ranges: &[IdRange]) -> Result<Vec<u8>, Trouble> {
    let plugin = Plugin::load(library)?;
    let verdict = |range: &IdRange| {
        let granted = granted(&plugin, owners, kind, *range)?;
        Ok(if granted { GRANTED } else { NOT_GRANTED })
    };
    ranges.iter().map(verdict).collect()
}

fn granted(plugin: &Plugin, owners: &[CString], kind: IdKind, range: IdRange) -> Result<bool, Trouble> {
    let kind = kind.pick(1, 2);
    for owner in owners {
        match plugin.has_range(owner, range.first(), range.count(), kind)? {
            (SUCCESS, true) => return Ok(true),
            (SUCCESS, false) | (UNKNOWN_USER, _) => {}
            (ERROR_CONN, _) => return Err(Trouble::Connection),
            (ERROR, _) => return Err(Trouble::Failed),
            _ => return Err(Trouble::Status),
        }
    }
    Ok(false)
}
