//! Both maps, authorised and then written: complete or untouched (property P3).

use crate::error::Error;
use crate::files::each_line_of_proc;
use crate::privileges::{InForce, Privileges};
use crate::target::Target;
use core::mem::ManuallyDrop;
use idmap::{IdKind, IdMap, IdRange, MapLine, NotGranted, Policy, Request, Text, authorize, parse_number};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, pread, write};

/// What may be written, and whether setgroups has to be denied first.
pub(crate) struct AuthorizedMaps<'m> {
    uid: Option<IdMap<'m>>,
    gid: Option<IdMap<'m>>,
    deny_setgroups: bool,
}

impl<'m> AuthorizedMaps<'m> {
    /// Authorises whatever was asked for; one refusal refuses all.
    pub(crate) fn new(request: &'m Request, policy: &'m Policy) -> Result<Self, Error<'m>> {
        let authorized = |kind| {
            let asked = Some(request.map(kind)).filter(|map| !map.is_empty());
            let map =
                asked.map(|map| authorize(kind, map, policy.caller(), policy.granted(kind))).transpose();
            map.map_err(|refused| Error::NotGranted(kind, refused, policy))
        };
        let (uid, gid) = (authorized(IdKind::Uid)?, authorized(IdKind::Gid)?);
        let may_drop_groups = |map: &IdMap<'_>| map.backed_by_grants() && !policy.config().denies_setgroups;
        let deny_setgroups = request.deny_setgroups || gid.as_ref().is_some_and(|map| !may_drop_groups(map));
        Ok(AuthorizedMaps { uid, gid, deny_setgroups })
    }

    /// Writes the maps.
    ///
    /// setgroups goes first, as it can't be denied once the gid map is in (user_namespaces(7)). The gid map goes before
    /// the uid map: once that is in, the target may become its own root and race us.
    pub(crate) fn write(&self, privileges: &Privileges, target: &Target) -> Result<(), Error<'m>> {
        let (mut gid_text, mut uid_text) = (MapText::EMPTY, MapText::EMPTY);
        let gid_text = self.text(IdKind::Gid, target, &mut gid_text)?;
        let uid_text = self.text(IdKind::Uid, target, &mut uid_text)?;
        let setgroups =
            self.deny_setgroups.then(|| target.open_file("setgroups").map(ManuallyDrop::new)).transpose()?;
        privileges.in_force(|in_force| {
            let open =
                |kind, text: Option<&[u8]>| text.map(|_| open_empty(kind, target, &in_force)).transpose();
            let (gid, uid) = (open(IdKind::Gid, gid_text)?, open(IdKind::Uid, uid_text)?);
            if let Some(file) = &setgroups {
                write_whole(file, b"deny", "denying setgroups")?;
            }
            for (file, text, what) in [(gid, gid_text, "writing gid_map"), (uid, uid_text, "writing uid_map")]
            {
                if let Some((file, text)) = file.zip(text) {
                    write_whole(&file, text, what)?;
                }
            }
            Ok(())
        })
    }

    /// What is to be written for a kind, if anything: neighbours joined wherever the kernel lets them be.
    fn text<'t, 'e>(
        &self,
        kind: IdKind,
        target: &Target,
        text: &'t mut MapText,
    ) -> Result<Option<&'t [u8]>, Error<'e>> {
        let map = match kind {
            IdKind::Uid => &self.uid,
            IdKind::Gid => &self.gid,
        };
        let Some(map) = map else { return Ok(None) };
        let whole = if target.is_nested() && first_missing(kind, map.joined())?.is_some() {
            if let Some(missing) = first_missing(kind, map.lines().iter().copied())? {
                return Err(Error::NotOfNamespace(kind, missing));
            }
            map.kernel_text_unjoined(text)
        } else {
            map.kernel_text(text)
        };
        whole.map(Some).ok_or(Error::TooManyLines(kind))
    }
}

/// The first line that does not lie within one line of the mapper's own map: the kernel would refuse it, and only when the
/// other map has been written. Everything lies within the initial user namespace.
fn first_missing<'e>(
    kind: IdKind,
    lines: impl Iterator<Item = MapLine>,
) -> Result<Option<NotGranted>, Error<'e>> {
    for line in lines {
        let Ok(range) = line.outside_range() else { continue };
        let has = own_namespace_has(kind, range);
        if !has.map_err(|errno| Error::Kernel("reading the mapper's own maps", errno))? {
            return Ok(Some(NotGranted { range, inside: line.inside }));
        }
    }
    Ok(None)
}

/// What goes into a map file.
type MapText = Text<{ idmap::MAX_TEXT }>;

/// Opens a map file that is still empty, with privilege in force, because the kernel asks for the opener's capability too:
/// user_namespaces(7).
fn open_empty<'m>(kind: IdKind, target: &Target, _: &InForce) -> Result<ManuallyDrop<OwnedFd>, Error<'m>> {
    let file = ManuallyDrop::new(target.open_file(kind.map_file())?);
    match pread(&*file, &mut [0_u8; 1], 0) {
        Ok(0) => Ok(file),
        Ok(_) => Err(target.unfit(match kind {
            IdKind::Uid => "its uid_map is already written",
            IdKind::Gid => "its gid_map is already written",
        })),
        Err(errno) => Err(Error::Kernel("reading the target's map", errno)),
    }
}

/// The kernel takes a map in one write or not at all.
fn write_whole<'m>(file: &OwnedFd, text: &[u8], what: &'static str) -> Result<(), Error<'m>> {
    match write(file, text) {
        Ok(written) if written == text.len() => Ok(()),
        Ok(_) => Err(Error::Kernel(what, Errno::IO)),
        Err(errno) => Err(Error::Kernel(what, errno)),
    }
}

/// True when one line of the mapper's own map holds the whole range.
fn own_namespace_has(kind: IdKind, range: IdRange) -> Result<bool, Errno> {
    let path = match kind {
        IdKind::Uid => "/proc/self/uid_map",
        IdKind::Gid => "/proc/self/gid_map",
    };
    let mut found = false;
    let holds = |line: &[u8]| inside_range(line).is_some_and(|own| own.shared_with(range) == range.count());
    each_line_of_proc(path, &mut [0_u8; 256], |_, line| found |= holds(line))?;
    Ok(found)
}

/// The inside range of a line of uid_map, which is `INSIDE OUTSIDE COUNT` with blanks between and before. The whole of the
/// initial namespace, 4294967295 IDs from 0 on, is a range too.
fn inside_range(line: &[u8]) -> Option<IdRange> {
    let mut numbers = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let first = parse_number(numbers.next()?).ok()?;
    let count = parse_number(numbers.nth(1)?).ok()?;
    IdRange::new(first, count).ok()
}
