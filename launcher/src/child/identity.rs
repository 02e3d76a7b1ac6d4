//! Looks up the user of the command in the account files of the new root, which this process is already in.

use crate::failure::{Failure, Step};
use crate::plan::accounts::{GROUP, PASSWD, PasswdLine, parse_group};
use crate::request::ids::{Account, UserSpec};
use crate::request::process::Process;
use crate::sys::files::file_kind;
use crate::sys::lookup::open_inside;
use crate::sys::outcome_of;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Gid, Uid, getgid, getuid, setgroups, setresgid, setresuid};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use subroot_idmap::each_line;

/// Longer than any line of an account file, in bytes.
const LINE: usize = 64 * 1024;
/// Larger than any account file, in bytes. A sparse file can be of any size.
const FILE: i64 = 4 * 1024 * 1024;

/// The IDs, groups and home directory of a user.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    uid: u32,
    gid: u32,
    /// None if the caller's groups stay.
    groups: Option<Vec<u32>>,
    home: OsString,
    name: Vec<u8>,
}

impl Identity {
    /// The child's identity before any user is looked up. Its home is /root if it is root, else that of its
    /// account.
    pub(crate) fn first([uid, gid]: [u32; 2], home: Option<&OsStr>) -> Identity {
        let home = match home.filter(|home| !home.is_empty()) {
            _ if uid == 0 => "/root".into(),
            home => home.unwrap_or(OsStr::new("/")).to_owned(),
        };
        Identity { uid, gid, groups: None, home, name: uid.to_string().into_bytes() }
    }

    /// True for ID 0.
    pub(crate) fn is_root(&self) -> bool {
        self.uid == 0
    }

    /// The home directory.
    pub(crate) fn home(&self) -> &OsStr {
        &self.home
    }

    /// The name under which it was requested, or its user ID.
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    fn has_more_groups(&self) -> bool {
        self.groups.iter().flatten().any(|group| *group != self.gid)
    }

    /// True if the user or group is not mapped in this user namespace. Call it only in a process that is
    /// about to end: it may change the process's IDs.
    pub(crate) fn is_unmapped(&self) -> bool {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        // Error ignored: only EINVAL says anything about the map.
        setresgid(gid, gid, gid) == Err(Errno::EINVAL) || setresuid(uid, uid, uid) == Err(Errno::EINVAL)
    }

    /// Changes to this identity: first the supplementary groups, then the group, then the user, because each
    /// change can remove the capabilities that the earlier ones need.
    ///
    /// # Errors
    /// EPERM if setgroups is denied and would have changed the groups, EINVAL if an ID is not mapped:
    /// user_namespaces(7).
    pub(crate) fn assume(&self) -> Result<(), Errno> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        if let Some(groups) = &self.groups {
            match setgroups(&groups.iter().map(|gid| Gid::from_raw(*gid)).collect::<Vec<_>>()) {
                // The caller's groups stay, as they do if no user is named.
                Err(Errno::EPERM) if (getuid(), getgid()) == (uid, gid) && !self.has_more_groups() => {}
                set => set?,
            }
        }
        setresgid(gid, gid, gid)?;
        setresuid(uid, uid, uid)
    }
}

/// The identity of the process; `first` if no user is named.
///
/// # Errors
/// A user or group that does not exist in the new root.
pub(crate) fn find(process: &Process, first: Identity) -> Result<Identity, Failure> {
    let mut identity = match &process.user {
        None => first,
        Some(spec) => look_up(spec)?,
    };
    if !process.groups.is_empty() {
        let mut groups = identity.groups.take().unwrap_or_default();
        for group in &process.groups {
            groups.push(group_id(group)?);
        }
        identity.groups = Some(groups);
    }
    if process.keeps_groups {
        identity.groups = None;
    }
    Ok(identity)
}

/// An account of the root.
struct RootAccount {
    name: Vec<u8>,
    uid: u32,
    gid: u32,
    home: OsString,
}

fn look_up(spec: &UserSpec) -> Result<Identity, Failure> {
    let name = spec.user.shown();
    let line = passwd_line(&spec.user).map_err(Failure::on(Step::FindUser, &name))?;
    let (uid, own_gid, home) = match (&spec.user, &line) {
        (_, Some(line)) => (line.uid, line.gid, line.home.clone()),
        (Account::Id(uid), None) => (*uid, 0, "/".into()),
        (Account::Name(name), None) => {
            return Err(Failure::new(Step::FindUser, name.as_bytes(), Errno::ENOENT));
        }
    };
    let gid = spec.group.as_ref().map(group_id).transpose()?.unwrap_or(own_gid);
    // As in docker and podman, an explicit group replaces the user's other groups.
    let groups = match (&line, &spec.group) {
        (Some(line), None) => groups_of(&line.name, gid).map_err(Failure::on(Step::FindGroup, &name))?,
        _ => Vec::new(),
    };
    let name = line.map_or_else(|| uid.to_string().into_bytes(), |line| line.name);
    let home = if home.is_empty() { "/".into() } else { home };
    Ok(Identity { uid, gid, groups: Some(groups), home, name })
}

fn passwd_line(account: &Account) -> Result<Option<RootAccount>, Errno> {
    let mut found = None;
    each_line_of(PASSWD, |line| {
        let Some(line) = PasswdLine::parse(line).filter(|_| found.is_none()) else { return };
        let is_meant = match account {
            Account::Id(wanted) => *wanted == line.uid,
            Account::Name(wanted) => wanted.as_bytes() == line.name,
        };
        found = is_meant.then(|| RootAccount {
            name: line.name.to_vec(),
            uid: line.uid,
            gid: line.gid,
            home: OsString::from_vec(line.home.to_vec()),
        });
    })?;
    Ok(found)
}

fn group_id(group: &Account) -> Result<u32, Failure> {
    let name = match group {
        Account::Id(gid) => return Ok(*gid),
        Account::Name(name) => name.as_bytes(),
    };
    let mut found = None;
    each_line_of(GROUP, |line| {
        let meant = parse_group(line).filter(|(known, ..)| *known == name && found.is_none());
        found = found.or(meant.map(|(_, gid, _)| gid));
    })
    .map_err(Failure::on(Step::FindGroup, name))?;
    found.ok_or_else(|| Failure::new(Step::FindGroup, name, Errno::ENOENT))
}

/// The groups that have this user as a member: group(5).
fn groups_of(name: &[u8], own: u32) -> Result<Vec<u32>, Errno> {
    let mut groups = vec![own];
    each_line_of(GROUP, |line| {
        let Some((_, gid, members)) = parse_group(line) else { return };
        if members.split(|byte| *byte == b',').any(|member| member == name) && !groups.contains(&gid) {
            groups.push(gid);
        }
    })?;
    Ok(groups)
}

/// Visits each line of an account file. The files belong to the rootfs and can be anything. A missing file
/// has no lines, and opening a pipe does not block.
///
/// # Errors
/// ELOOP for a magic link (CVE-2024-21626), EINVAL for anything but a regular file, EFBIG for one that is too
/// large, and errors of open(2) and read(2).
fn each_line_of(path: &str, mut visit: impl FnMut(&[u8])) -> Result<(), Errno> {
    let file = match open_inside(Path::new(path), OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
        opened => opened?,
    };
    let found = fstat(&file)?;
    if file_kind(&found) != SFlag::S_IFREG {
        return Err(Errno::EINVAL);
    }
    // CVE-2024-9676.
    if found.st_size > FILE {
        return Err(Errno::EFBIG);
    }
    let (mut file, mut buffer) = (File::from(file).take(FILE.unsigned_abs()), vec![0; LINE]);
    outcome_of(each_line(&mut buffer, |free, _| file.read(free), |_, line| visit(line)))
}
