//! What an entry has of a file: its owner, as processes of this user namespace see it, mode, time and attributes.

use crate::apply::attributes::ACCESS_LISTS;
use crate::apply::owners::ranges;
use crate::error::Error;
use crate::pack::task::{Form, PackTask};
use crate::sys;
use crate::tar::member::{Attribute, Kind, Member, Time};
use nix::errno::Errno;
use nix::sys::stat::FileStat;
use std::ffi::CString;
use std::ops::Range;
use std::os::fd::AsFd;

/// How the kernel shows an ID that is not mapped: user_namespaces(7).
const OVERFLOW: u64 = 65_534;
const OF_OVERLAYFS: &[u8] = b"user.overlay.";
const CAPABILITY: &[u8] = b"security.capability";
/// What a layer cannot say: that a directory has another name in the layers below, or a file its content there.
const OF_LOWER: [&[u8]; 2] = [b"user.overlay.redirect", b"user.overlay.metacopy"];

/// The IDs that are mapped.
pub(crate) struct Mapped {
    uids: Vec<Range<u64>>,
    gids: Vec<Range<u64>>,
}

impl Mapped {
    pub(crate) fn of([uid_map, gid_map]: &[String; 2]) -> Mapped {
        Mapped { uids: ranges(uid_map), gids: ranges(gid_map) }
    }

    /// An entry of this kind, without content and attributes.
    ///
    /// # Errors
    /// Its owner is certainly not mapped.
    pub(crate) fn member(&self, name: &[u8], kind: Kind, found: &FileStat) -> Result<Member, Error> {
        let (uid, gid) = (u64::from(found.st_uid), u64::from(found.st_gid));
        for (what, id, ids) in [("user", uid, &self.uids), ("group", gid, &self.gids)] {
            if id == OVERFLOW && !ids.iter().any(|range| range.contains(&id)) {
                return Err(not_mapped(name, what));
            }
        }
        Ok(Member {
            name: name.to_vec(),
            kind,
            mode: found.st_mode & 0o7777,
            uid,
            gid,
            mtime: Time {
                seconds: found.st_mtime,
                nanoseconds: u32::try_from(found.st_mtime_nsec).unwrap_or_default(),
            },
            attributes: Vec::new(),
            lost_attributes: 0,
            stored: 0,
        })
    }
}

/// For `map_err` of opening a file.
pub(crate) fn opening(name: &[u8]) -> impl FnOnce(Errno) -> Error {
    move |errno| match errno {
        Errno::EPERM => not_mapped(name, "user"),
        Errno::EXDEV => {
            Error::packing(name, "a filesystem is mounted there, which is not a part of the tree")
        }
        errno => Error::packing(name, errno.desc()),
    }
}

fn not_mapped(name: &[u8], what: &str) -> Error {
    Error::packing(name, format!("its {what} ID is not one of yours, so that the archive could not have it"))
}

/// Reads the attributes. Those of security modules are the host's, except for capabilities.
///
/// # Errors
/// Errors of fgetxattr(2), or the file is only a reference to a lower layer.
pub(crate) fn read_attributes(file: impl AsFd, member: &mut Member, task: &PackTask) -> Result<(), Error> {
    let failed =
        |errno: Errno| Error::packing(&member.name, format!("reading its attributes: {}", errno.desc()));
    let mut names = sys::attribute_names(&file).map_err(failed)?;
    names.sort();
    for name in names {
        let bytes = name.to_bytes();
        if task.form == Form::Upper && OF_LOWER.contains(&bytes) {
            return Err(Error::packing(
                &member.name,
                format!("it has {}, which a layer cannot have", name.to_string_lossy()),
            ));
        }
        // Without the list, the mode gives the group what only the list's mask allows.
        if bytes.starts_with(ACCESS_LISTS) && !task.keeps_lists {
            return Err(Error::packing(
                &member.name,
                "it has an access control list, which the format cannot have",
            ));
        }
        if bytes.starts_with(OF_OVERLAYFS) && task.form.is_of_overlay() || is_of_host(&name) {
            continue;
        }
        // A record's key ends at the first `=`.
        if bytes.starts_with(OF_OVERLAYFS) || bytes.contains(&b'=') {
            member.lost_attributes += 1;
        } else if let Some(value) = sys::attribute(&file, &name).map_err(failed)? {
            member.attributes.push(Attribute { name: bytes.to_vec(), value });
        }
    }
    Ok(())
}

fn is_of_host(name: &CString) -> bool {
    let name = name.to_bytes();
    name != CAPABILITY && (name.starts_with(b"security.") || name.starts_with(b"trusted."))
}
