//! The requested IDs: `--userns`, `--uidmap`, `--gidmap`, `--user` and `--groups`.

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// Which IDs exist inside, and to which of the caller's they map.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Userns {
    /// The caller's own ID as 0 and all granted ones from 1 up, or as many in all as are given. If none is given, two things differ: of
    /// fewer than 65,535 IDs, the last one is 65534, which is nobody and nogroup; and if the root filesystem belongs to the
    /// first granted ID, IDs are mapped as by [`Userns::Subids`].
    Auto(Option<u32>),
    /// The caller's own ID as 0 and all granted ones from 1 up; refused unless the IDs 0 to 65535 of both kinds are mapped.
    Full,
    /// The first granted ID as 0 and the other granted ones from 1 up, of which the last one is 65534 if there are fewer than 65,535;
    /// the caller's own ID above them, as 65536 or more. This is for root filesystems that belong to the granted IDs, as those of
    /// mmdebstrap.
    Subids,
    /// Only the caller's own ID, mapped to itself.
    HostId,
    /// The caller's own ID mapped to itself or to these IDs, with the granted IDs around it.
    KeepId {
        /// The uid inside.
        uid: Option<u32>,
        /// The gid inside.
        gid: Option<u32>,
    },
    /// As given. If one kind has no lines, it is mapped like the other.
    Given {
        /// `--uidmap`.
        uid: Vec<GivenLine>,
        /// `--gidmap`.
        gid: Vec<GivenLine>,
    },
}

impl Default for Userns {
    fn default() -> Userns {
        Userns::Auto(None)
    }
}

/// One line of `--uidmap` or `--gidmap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GivenLine {
    /// The first ID inside.
    pub inside: u32,
    /// The first ID outside.
    pub from: IdSource,
    /// The number of IDs.
    pub count: u32,
}

/// In the syntax of the options.
impl fmt::Display for GivenLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inside, count) = (self.inside, self.count);
        match self.from {
            IdSource::Own(at) => write!(f, "{inside}:{at}:{count}"),
            IdSource::Host(id) => write!(f, "{inside}:@{id}:{count}"),
        }
    }
}

impl GivenLine {
    /// # Errors
    /// An invalid line.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.count == 0 {
            Err(format!("{self}: the count is zero"))
        } else if self.inside.checked_add(self.count).is_none() {
            Err(format!("{self}: there are no IDs above {}", u32::MAX - 1))
        } else {
            Ok(())
        }
    }

    /// Maps `count` IDs from `inside` to the outside IDs from `from`.
    pub fn new(inside: u32, from: IdSource, count: u32) -> GivenLine {
        GivenLine { inside, from, count }
    }
}

/// What `--uidmap` maps from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdSource {
    /// A position among the caller's IDs: 0 is the caller's own, 1 the first subordinate ID.
    Own(u32),
    /// An ID of the host.
    Host(u32),
}

/// A user or group: an account of the rootfs, or a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Account {
    /// By number. The account need not exist.
    Id(u32),
    /// By name.
    Name(OsString),
}

/// Checks an ID: any number except the one that means "no ID", see chown(2).
///
/// # Errors
/// That number.
pub(crate) fn check_id(id: u32) -> Result<(), String> {
    if id == u32::MAX { Err(format!("invalid ID {id}")) } else { Ok(()) }
}

impl Account {
    /// # Errors
    /// An empty name, or a number that cannot be an ID.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Account::Id(id) => check_id(*id),
            Account::Name(name) if name.is_empty() => Err("a name is empty".into()),
            Account::Name(_) => Ok(()),
        }
    }

    /// The text for messages.
    pub(crate) fn shown(&self) -> Vec<u8> {
        match self {
            Account::Id(id) => id.to_string().into_bytes(),
            Account::Name(name) => name.as_bytes().to_vec(),
        }
    }
}

/// `--user NAME|UID[:GROUP|GID]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserSpec {
    /// The user.
    pub user: Account,
    /// The group, if it is not the user's own.
    pub group: Option<Account>,
}

impl UserSpec {
    /// This user, with the group of the user's account.
    pub fn new(user: Account) -> UserSpec {
        UserSpec { user, group: None }
    }

    /// The same user with this group.
    #[must_use]
    pub fn group(self, group: Account) -> UserSpec {
        UserSpec { group: Some(group), ..self }
    }
}

/// The parts of a request that decide about IDs.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdWishes {
    /// Which IDs are mapped, and to what.
    pub(crate) userns: Userns,
    /// True if the caller's supplementary groups are mapped to themselves.
    pub(crate) keeps_groups: bool,
    /// The mapper named on the command line.
    pub(crate) helper: Option<PathBuf>,
}
