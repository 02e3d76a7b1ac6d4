//! One thing that is wrong with the grants: where, what, and what to do about it.

use crate::grants::location;
use crate::grants::site::{Grant, LineOwner, Site};
use serde::Serialize;
use std::fmt::Write as _;
use subroot_idmap::IdRange;

/// What is found, for a person and for a program.
#[derive(Serialize)]
pub(crate) struct Finding {
    /// One word for the kind: those of `subroot grants lint --help`.
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
        let owner = Some(site.owner(grant).word.clone());
        Finding { kind, file: grant.kind.grant_file(), line: Some(grant.line), owner, why, fix }
    }

    /// Two lines for a person.
    pub(crate) fn write(&self, text: &mut String) {
        let owner = self.owner.as_ref().map(|owner| format!(" {owner}:")).unwrap_or_default();
        let _ = writeln!(text, "{}: {}:{owner} {}", location(self.file, self.line), self.kind, self.why);
        let _ = writeln!(text, "    fix: as root: {}", self.fix);
    }
}

/// A range without its end, as the mapper writes it.
pub(crate) fn range_text(range: IdRange) -> String {
    format!("[{}-{})", range.first(), range.end())
}

/// The command that tells which range an owner can be given.
pub(crate) fn suggest(owner: &LineOwner) -> String {
    let name = owner.account.as_ref().and_then(|account| plain_name(&account.name));
    let name = name.or_else(|| plain_name(owner.word.as_bytes()));
    let uid = || owner.uid.map(|uid| uid.to_string());
    format!("subroot grants suggest {}", name.or_else(uid).unwrap_or_else(|| "USER".into()))
}

/// What follows on the advice to take a line away.
pub(crate) fn another_range(owner: &LineOwner) -> String {
    if owner.is_gone { String::new() } else { format!("; another range: {}", suggest(owner)) }
}

/// A name that a shell takes as it is; `None` for one that could be more than a name there, or an option.
pub(crate) fn plain_name(name: &[u8]) -> Option<String> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@');
    let starts_plain = name.first().is_some_and(|first| first.is_ascii_alphanumeric() || *first == b'_');
    let is_number = name.iter().all(u8::is_ascii_digit);
    (starts_plain && !is_number && name.iter().all(is_plain))
        .then(|| String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn only_names_that_no_shell_takes_apart_get_into_a_command() {
        assert_eq!(plain_name(b"alice.b-c@d").as_deref(), Some("alice.b-c@d"));
        for name in [&b"a;reboot"[..], b"-R", b"$(id)", b"a b", b"1000", b"", b"a\nb", b"\xff"] {
            assert_eq!(plain_name(name), None);
        }
    }
}
