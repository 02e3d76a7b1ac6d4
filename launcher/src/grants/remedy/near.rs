//! Owners in a grant file that are almost a user's name.

/// How a name is like another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Only the case of letters differs.
    Case,
    /// One of them has a domain, as `DOMAIN\\name` or `name@domain`.
    Domain,
    /// It is the name of the user's primary group, which usermod(8) keeps when it renames an account.
    Group,
    /// One of them goes on where the other one ends.
    Beginning,
}

impl Likeness {
    /// Why the line is not the user's.
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

    /// True if it is likely to be the same account.
    pub(crate) const fn is_certain(self) -> bool {
        !matches!(self, Likeness::Beginning)
    }
}

/// How an owner is like the name of a user, if it is not the same; `group` is the name of the user's primary group.
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

/// A name without its domain and without capital letters.
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
