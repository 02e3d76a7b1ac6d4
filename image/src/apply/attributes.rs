//! The owner, extended attributes, mode and times of a file, in the order in which none undoes another: chown(2)
//! clears setuid bits and file capabilities, and chmod(2) changes the mask of an access control list.

use crate::error::Error;
use crate::sys;
use crate::tar::member::{Attribute, Time};
use nix::errno::Errno;
use nix::sys::stat::{Mode, fchmod, futimens};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown};
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};

/// Attributes that our own mounts of the tree would obey.
const OF_OVERLAYFS: [&[u8]; 2] = [b"user.overlay.", b"trusted.overlay."];
const CAPABILITY: &[u8] = b"security.capability";
/// The attributes that affect what is made in a directory, or who can.
pub(crate) const ACCESS_LISTS: &[u8] = b"system.posix_acl_";

/// What an open file gets.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// The entry's name, for errors.
    pub(crate) name: &'a [u8],
    /// The owner, if it is not the one that the file has.
    pub(crate) owner: Option<(u32, u32)>,
    pub(crate) attributes: &'a [Attribute],
    /// The mode, if it is not the one that the file has.
    pub(crate) mode: Option<u32>,
    pub(crate) mtime: Time,
}

/// Sets them all. Returns the number of attributes that were not set.
///
/// # Errors
/// Errors of fchown(2), fsetxattr(2), fchmod(2) and futimens(3).
pub(crate) fn set(file: BorrowedFd<'_>, wanted: &Wanted<'_>) -> Result<u64, Error> {
    set_owner(file, wanted.name, wanted.owner)?;
    let is_list = |attribute: &&Attribute| attribute.name.starts_with(ACCESS_LISTS);
    let (lists, others): (Vec<_>, Vec<_>) = wanted.attributes.iter().partition(is_list);
    let mut lost = set_attributes(file, wanted.name, others.into_iter())?;
    if let Some(mode) = wanted.mode {
        fchmod(file, Mode::from_bits_truncate(mode))
            .map_err(Error::applying("setting the mode", wanted.name))?;
    }
    lost += set_attributes(file, wanted.name, lists.into_iter())?;
    let time = time_spec(wanted.mtime);
    futimens(file, &time, &time).map_err(Error::applying("setting the time", wanted.name))?;
    Ok(lost)
}

/// Sets the owner of an open file.
///
/// # Errors
/// Errors of fchown(2).
pub(crate) fn set_owner(file: BorrowedFd<'_>, name: &[u8], owner: Option<(u32, u32)>) -> Result<(), Error> {
    match owner {
        Some((uid, gid)) => fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
            .map_err(Error::applying("setting the owner", name)),
        None => Ok(()),
    }
}

/// Sets attributes, and returns the number of those that cannot be set here. An access control list that names an
/// ID which is not mapped is an error: without the list, the mode gives the group what only the list's mask allows.
///
/// # Errors
/// Errors of fsetxattr(2).
pub(crate) fn set_attributes<'a>(
    file: BorrowedFd<'_>,
    name: &[u8],
    attributes: impl Iterator<Item = &'a Attribute>,
) -> Result<u64, Error> {
    let mut lost = 0;
    for attribute in attributes {
        let is_kept =
            set_attribute(file, attribute).map_err(Error::applying("setting an attribute", name))?;
        lost += u64::from(!is_kept);
    }
    Ok(lost)
}

/// Removes the attributes that an earlier entry or a lower layer has given a directory, except for those that only our
/// own code sets.
///
/// # Errors
/// Errors of flistxattr(2) and fremovexattr(2).
pub(crate) fn clear(dir: impl AsFd) -> Result<(), Errno> {
    let of_entries = |name: &&CString| {
        let name = name.to_bytes();
        (name.starts_with(b"user.") || name.starts_with(ACCESS_LISTS))
            && !OF_OVERLAYFS.iter().any(|prefix| name.starts_with(prefix))
    };
    let names = sys::attribute_names(&dir)?;
    names.iter().filter(of_entries).try_for_each(|name| sys::remove_attribute(&dir, name))
}

/// Returns false if the attribute is not for an unpacked tree, or if the filesystem or this user namespace cannot
/// have it: `trusted.*`, and labels of security modules. A file capability that cannot be set is an error,
/// because its program would not work.
fn set_attribute(file: impl AsFd, attribute: &Attribute) -> Result<bool, Errno> {
    if OF_OVERLAYFS.iter().any(|prefix| attribute.name.starts_with(prefix)) {
        return Ok(false);
    }
    let name = CString::new(attribute.name.as_slice()).map_err(|_| Errno::EINVAL)?;
    let is_privileged = attribute.name != CAPABILITY
        && [&b"trusted."[..], b"security."].iter().any(|prefix| attribute.name.starts_with(prefix));
    match sys::set_attribute(file, &name, &attribute.value) {
        Ok(()) => Ok(true),
        Err(Errno::EOPNOTSUPP) if attribute.name.starts_with(b"user.") => Ok(false),
        Err(Errno::EPERM | Errno::EACCES | Errno::EINVAL) if is_privileged => Ok(false),
        Err(errno) => Err(errno),
    }
}

pub(crate) fn time_spec(time: Time) -> TimeSpec {
    TimeSpec::new(time.seconds, i64::from(time.nanoseconds))
}
