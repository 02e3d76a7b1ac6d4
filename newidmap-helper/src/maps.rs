//! Both maps, authorised and then written: complete or untouched (property P3).

use crate::error::Error;
use crate::files::each_line_of_proc;
use crate::privileges::{InForce, Privileges};
use crate::target::Target;
use core::mem::ManuallyDrop;
use idmap::{IdKind, IdMap, IdRange, NotGranted, Policy, Request, Text, authorize, parse_number};
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
        if target.is_nested() {
            self.check_own_namespace()?;
        }
        let setgroups =
            self.deny_setgroups.then(|| target.open_file("setgroups").map(ManuallyDrop::new)).transpose()?;
        privileges.in_force(|in_force| {
            let open = |kind, map: &Option<IdMap<'_>>| {
                map.as_ref().map(|map| MapFile::open(kind, map, target, &in_force)).transpose()
            };
            let (gid, uid) = (open(IdKind::Gid, &self.gid)?, open(IdKind::Uid, &self.uid)?);
            if let Some(file) = &setgroups {
                write_whole(file, b"deny", "denying setgroups")?;
            }
            gid.map(|file| file.write("writing gid_map")).transpose()?;
            uid.map(|file| file.write("writing uid_map")).transpose()?;
            Ok(())
        })
    }

    /// Refuses what the mapper's own user namespace does not have, which the kernel would do after the first write.
    fn check_own_namespace(&self) -> Result<(), Error<'m>> {
        for (kind, map) in [(IdKind::Uid, &self.uid), (IdKind::Gid, &self.gid)] {
            for line in map.iter().flat_map(|map| map.lines()) {
                let Ok(range) = line.outside_range() else { continue };
                let has = own_namespace_has(kind, range);
                if !has.map_err(|errno| Error::Kernel("reading the mapper's own maps", errno))? {
                    return Err(Error::NotOfNamespace(kind, NotGranted { range, inside: line.inside }));
                }
            }
        }
        Ok(())
    }
}

/// A map file that is still empty, and what goes into it.
struct MapFile {
    file: ManuallyDrop<OwnedFd>,
    text: Text<{ idmap::MAX_TEXT }>,
}

impl MapFile {
    /// Opened with privilege in force, because the kernel asks for the opener's capability too: user_namespaces(7).
    fn open<'m>(kind: IdKind, map: &IdMap<'_>, target: &Target, _: &InForce) -> Result<MapFile, Error<'m>> {
        let file = target.open_file(kind.map_file())?;
        let mut text = Text::default();
        let whole =
            if target.is_nested() { map.kernel_text_unjoined(&mut text) } else { map.kernel_text(&mut text) };
        match (pread(&file, &mut [0_u8; 1], 0), whole) {
            (Ok(0), Some(_)) => Ok(MapFile { file: ManuallyDrop::new(file), text }),
            (Ok(0), None) => Err(Error::Kernel("writing a map", Errno::TOOBIG)),
            (Ok(_), _) => Err(target.unfit(match kind {
                IdKind::Uid => "its uid_map is already written",
                IdKind::Gid => "its gid_map is already written",
            })),
            (Err(errno), _) => Err(Error::Kernel("reading the target's map", errno)),
        }
    }

    fn write<'m>(self, what: &'static str) -> Result<(), Error<'m>> {
        write_whole(&self.file, self.text.as_bytes(), what)
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
