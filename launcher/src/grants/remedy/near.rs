//! Finds owners in a grant file whose names are similar to a user's.

use crate::grants::site::{Grant, Site};
use crate::grants::site_accounts::Known;
use subroot_idmap::IdKind;

/// How two names are similar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Only the case of letters differs.
    Case,
    /// One of them has a domain, as `DOMAIN\\name` or `name@domain`.
    Domain,
    /// It is the name of the user's primary group. usermod(8) does not rename the group when it renames an
    /// account.
    Group,
    /// One name begins with the other.
    Beginning,
}

impl Likeness {
    /// Why the line does not belong to the user.
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Likeness::Case => "and upper and lower case are not the same",
            Likeness::Domain => "and a domain is a part of the name",
            Likeness::Group => {
                "which is the name of the primary group: an account that was renamed keeps no grant"
            }
            Likeness::Beginning => "which only begins in the same way",
        }
    }

    /// True if the names very likely mean the same account.
    pub(crate) const fn is_certain(self) -> bool {
        !matches!(self, Likeness::Beginning)
    }
}

/// How an owner's name is similar to a user's; `None` if it is equal or not similar. `group` is the name of
/// the user's primary group.
pub(crate) fn likeness(owner: &[u8], name: &[u8], group: Option<&[u8]>) -> Option<Likeness> {
    const SHORTEST: usize = 3;
    let begins = |long: &[u8], short: &[u8]| short.len() >= SHORTEST && long.starts_with(short);
    match () {
        () if owner == name || owner.is_empty() || name.is_empty() => None,
        () if owner.eq_ignore_ascii_case(name) => Some(Likeness::Case),
        () if folded(owner) == folded(name) => Some(Likeness::Domain),
        () if group == Some(owner) => Some(Likeness::Group),
        () if begins(owner, name) || begins(name, owner) => Some(Likeness::Beginning),
        () => None,
    }
}

/// A line whose owner has no account and a name similar to the user's. Certain matches are preferred.
pub(crate) fn line<'s>(site: &'s Site, user: &Known, kind: IdKind) -> Option<(&'s Grant, Likeness)> {
    let group = site.accounts.group_name(user.gid);
    let gone = site.grants.iter().filter(|grant| grant.kind == kind && site.is_without_account(grant));
    gone.filter_map(|grant| Some((grant, likeness(site.owner(grant).text.as_bytes(), &user.name, group)?)))
        .max_by_key(|(_, likeness)| likeness.is_certain())
}

/// The folded names by which a user's lines are found: the user's own, and that of the primary group if it
/// differs.
pub(crate) fn folded_names(name: &[u8], group: Option<&[u8]>) -> impl Iterator<Item = Vec<u8>> {
    let name = folded(name);
    let group = group.map(folded).filter(|group| *group != name);
    std::iter::once(name).chain(group)
}

/// A name in lower case, without its domain.
pub(crate) fn folded(name: &[u8]) -> Vec<u8> {
    let name = name.rsplit(|byte| *byte == b'\\').next().unwrap_or(name);
    name.split(|byte| *byte == b'@').next().unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{Likeness, likeness};

    #[test]
    fn names_that_were_meant_for_a_user_are_told_from_others() {
        for (owner, expected) in [
            ("Alice", Some(Likeness::Case)),
            ("CORP\\alice", Some(Likeness::Domain)),
            ("alice@corp.example", Some(Likeness::Domain)),
            ("staff", Some(Likeness::Group)),
            ("alice2", Some(Likeness::Beginning)),
            ("ali", Some(Likeness::Beginning)),
            ("al", None),
            ("alice", None),
            ("bob", None),
            ("", None),
        ] {
            assert_eq!(likeness(owner.as_bytes(), b"alice", Some(b"staff")), expected, "{owner}");
        }
    }
}
