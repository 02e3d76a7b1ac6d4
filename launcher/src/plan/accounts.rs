//! The account of a command that does not run as root: found in the root's /etc/passwd and /etc/group, or
//! added to copies of them, which are mounted over the files.

use crate::error::Error;
use crate::failure::reason;
use crate::grants::accounts::line_of;
use crate::plan::id_layout::{inside_of, own_id};
use crate::plan::id_plan::Candidate;
use crate::plan::name_files::{add_line, lines};
use crate::plan::root_files::{Found, NO_FILE, RootFiles, is_of_content, unreadable};
use crate::request::ids::{Account, UserSpec};
use crate::request::mount::Mount;
use crate::request::process::SHELLS;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use subroot_idmap::{IdKind, parse_number};

pub(crate) const PASSWD: &str = "/etc/passwd";
pub(crate) const GROUP: &str = "/etc/group";

/// A line of passwd(5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct PasswdLine<'l> {
    pub(crate) name: &'l [u8],
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: &'l [u8],
}

impl<'l> PasswdLine<'l> {
    /// None for a line without valid IDs.
    pub(crate) fn parse(line: &'l [u8]) -> Option<PasswdLine<'l>> {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next()?;
        let uid = fields.nth(1).and_then(id)?;
        let gid = fields.next().and_then(id)?;
        Some(PasswdLine { name, uid, gid, home: fields.nth(1).unwrap_or_default() })
    }
}

/// The name, ID and members of a line of group(5).
pub(crate) fn parse_group(line: &[u8]) -> Option<(&[u8], u32, &[u8])> {
    let mut fields = line.split(|byte| *byte == b':');
    let name = fields.next()?;
    let gid = fields.nth(1).and_then(id)?;
    Some((name, gid, fields.next().unwrap_or_default()))
}

fn id(field: &[u8]) -> Option<u32> {
    parse_number(field).ok().filter(|id| *id != u32::MAX)
}

/// Where the account of a command is looked up, and what it is made of.
pub(crate) struct Accounts<'p> {
    pub(crate) files: &'p RootFiles<'p>,
    /// The maps that are tried first.
    pub(crate) candidate: &'p Candidate,
    pub(crate) user: Option<&'p UserSpec>,
    /// Where the caller's home is in the sandbox, if it is there.
    pub(crate) home: Option<OsString>,
    /// False if nothing is added.
    pub(crate) adds: bool,
}

/// The account of a command.
#[derive(Default)]
pub(crate) struct Known {
    /// The home directory; none for root, and for a named user.
    pub(crate) home: Option<OsString>,
    /// The files with the account.
    pub(crate) mounts: Vec<Mount>,
    /// True if the root has no account for a user that was given by number.
    pub(crate) is_unknown: bool,
}

impl Accounts<'_> {
    /// Finds the home of the command's user, and makes the mounts that give the user an account. A file whose
    /// content cannot be used stays unchanged, with a warning. Nothing is looked up for root, nor for a named
    /// user, who must have an account in the root.
    ///
    /// # Errors
    /// Any other error of reading the files.
    pub(crate) fn find(&self, warnings: &mut Vec<String>) -> Result<Known, Error> {
        let Some(uid) = self.uid() else { return Ok(Known::default()) };
        let mut known = Known { home: self.home.clone(), ..Known::default() };
        let mut read = |path| match self.read(path)? {
            Ok(text) => Ok(Some(text)),
            Err(why) => {
                warnings.push(format!("user ID {uid} gets no account: {path} of the root {why}"));
                Ok::<_, Error>(None)
            }
        };
        let Some(passwd) = read(PASSWD)? else { return Ok(known) };
        let line = lines(&passwd).filter_map(PasswdLine::parse).find(|line| line.uid == uid);
        let gid = self.gid(uid, line);
        known.is_unknown = line.is_none();
        match line {
            Some(line) => known.home = Some(OsString::from_vec(line.home.to_vec())),
            None if self.may_add(PASSWD) => {
                known.mounts.push(self.with_user(passwd, [uid, gid.unwrap_or(0)]));
            }
            None => {}
        }
        if let Some(gid) = gid.filter(|gid| *gid != 0 && self.may_add(GROUP)) {
            let group = read(GROUP)?;
            let is_own = self.is_own(IdKind::Gid, gid);
            known.mounts.extend(group.and_then(|group| with_group(group, gid, is_own)));
        }
        Ok(known)
    }

    /// The user ID, unless it is root's or is found by name.
    fn uid(&self) -> Option<u32> {
        let uid = match self.user.map(|user| &user.user) {
            None => self.candidate.first[0],
            Some(Account::Id(uid)) => *uid,
            Some(Account::Name(_)) => return None,
        };
        (uid != 0).then_some(uid)
    }

    /// The group of the command; none if it is found by name, or is that of the user's account. A user without
    /// an account who is not the caller has group 0, as in docker and podman.
    fn gid(&self, uid: u32, line: Option<PasswdLine<'_>>) -> Option<u32> {
        let of_line = line.map(|line| line.gid);
        let gid = match self.user.map(|user| &user.group) {
            None => self.candidate.first[1],
            Some(Some(Account::Id(gid))) => *gid,
            Some(Some(Account::Name(_))) => return None,
            Some(None) => of_line.or_else(|| self.own_gid(uid)).unwrap_or(0),
        };
        (of_line != Some(gid)).then_some(gid)
    }

    fn may_add(&self, path: &str) -> bool {
        self.adds && !self.files.is_requested(path)
    }

    fn own_gid(&self, uid: u32) -> Option<u32> {
        let maps = &self.candidate.maps;
        inside_of(maps.of(IdKind::Gid), own_id(IdKind::Gid)).filter(|_| self.is_own(IdKind::Uid, uid))
    }

    /// True if this ID inside is the caller's own.
    fn is_own(&self, kind: IdKind, id: u32) -> bool {
        inside_of(self.candidate.maps.of(kind), own_id(kind)) == Some(id)
    }

    /// The content of a file, or why it cannot be used.
    fn read(&self, path: &str) -> Result<Result<Vec<u8>, String>, Error> {
        Ok(match self.files.read(path) {
            Ok(Found::File(text)) => Ok(text),
            Ok(Found::Missing) => Ok(Vec::new()),
            Ok(Found::Other) => Err(NO_FILE.to_owned()),
            Err(errno) if is_of_content(errno) => Err(format!("cannot be read: {}", reason(errno))),
            Err(errno) => return Err(unreadable(path, errno)),
        })
    }

    fn with_user(&self, mut passwd: Vec<u8>, [uid, gid]: [u32; 2]) -> Mount {
        let own =
            if self.is_own(IdKind::Uid, uid) { line_of(PASSWD, own_id(IdKind::Uid)) } else { Vec::new() };
        let name = name(&own, uid, &passwd);
        // git takes an author's name from this field.
        let full_name = field(&own, 4).filter(|full_name| !full_name.is_empty()).unwrap_or(&name);
        let home = self.home.as_ref().map(|home| home.as_bytes()).filter(|home| is_field(home));
        let ids = format!("x:{uid}:{gid}");
        let line = [&name, ids.as_bytes(), full_name, home.unwrap_or(b"/"), self.shell().as_bytes()];
        add_line(&mut passwd, &line.join(&b':'));
        Mount::file(passwd, PASSWD).read_only()
    }

    /// The first shell that the root has.
    fn shell(&self) -> &'static str {
        let [.., last] = SHELLS;
        SHELLS.into_iter().find(|shell| self.files.has_file(shell)).unwrap_or(last)
    }
}

/// None if the file has the group.
fn with_group(mut group: Vec<u8>, gid: u32, is_own: bool) -> Option<Mount> {
    if lines(&group).filter_map(parse_group).any(|(_, known, _)| known == gid) {
        return None;
    }
    let own = if is_own { line_of(GROUP, own_id(IdKind::Gid)) } else { Vec::new() };
    let line = [name(&own, gid, &group).as_slice(), format!("x:{gid}:").as_bytes()].join(&b':');
    add_line(&mut group, &line);
    Some(Mount::file(group, GROUP).read_only())
}

/// The name in the host's line. It is the ID itself, as in docker and podman, if there is no such line, if
/// the root gives the name to another ID, or if programs would not read it as a name.
fn name(own: &[u8], id: u32, taken: &[u8]) -> Vec<u8> {
    let own = field(own, 0).unwrap_or_default();
    let is_taken = lines(taken).any(|line| field(line, 0) == Some(own));
    // A line with one of these first letters is a comment, or stands for accounts of NIS.
    let is_special = matches!(own.first(), None | Some(b'#' | b'+' | b'-'));
    let is_number = own.iter().all(u8::is_ascii_digit);
    if is_taken || is_special || is_number || !is_field(own) {
        return id.to_string().into_bytes();
    }
    own.to_vec()
}

fn field(line: &[u8], at: usize) -> Option<&[u8]> {
    line.split(|byte| *byte == b':').nth(at)
}

/// True if these bytes can be a field of a line.
fn is_field(bytes: &[u8]) -> bool {
    !bytes.iter().any(|byte| byte.is_ascii_control() || *byte == b':')
}
