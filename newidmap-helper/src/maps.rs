//! Authorises both maps, then writes them: complete or not at all (property P3).

use crate::error::Error;
use crate::files::each_line_of_proc;
use crate::privileges::{InForce, Privileges};
use crate::target::Target;
use core::mem::ManuallyDrop;
use rustix::fd::OwnedFd;
use rustix::io::{Errno, pread, write};
use subroot_idmap::{
    IdKind, IdMap, IdRange, MAX_EXTENTS, MAX_TEXT, MapLine, PerKind, Policy, RESERVED_ID, Request, Text,
    authorize,
};

/// The authorised maps, and whether setgroups must be denied first.
pub(crate) struct AuthorizedMaps<'m> {
    maps: PerKind<Option<IdMap<'m>>>,
    deny_setgroups: bool,
}

impl<'m> AuthorizedMaps<'m> {
    /// Authorises every requested map. One refused line refuses the whole request.
    pub(crate) fn new(request: &'m Request, policy: &'m Policy) -> Result<Self, Error<'m>> {
        let mut maps = PerKind { uid: None, gid: None };
        for kind in request.kinds() {
            let map = authorize(kind, request.maps.get(kind), policy.caller(), policy.granted(kind));
            *maps.get_mut(kind) = Some(map.map_err(|line| Error::NotGranted(kind, line, policy))?);
        }
        let may_drop_groups = |map: &IdMap<'_>| map.backed_by_grants() && !policy.config().denies_setgroups;
        let deny_setgroups =
            request.deny_setgroups || maps.gid.as_ref().is_some_and(|map| !may_drop_groups(map));
        Ok(AuthorizedMaps { maps, deny_setgroups })
    }

    /// Writes the maps.
    ///
    /// setgroups is denied first, because it cannot be denied once the gid map is written
    /// (user_namespaces(7)). The gid map is written before the uid map: after the uid map is written, the
    /// target can become root in its namespace and race the mapper.
    pub(crate) fn write(&self, privileges: &Privileges, target: &Target) -> Result<(), Error<'m>> {
        let (mut gid, mut uid) = (Text::EMPTY, Text::EMPTY);
        let texts = [self.text(IdKind::Gid, target, &mut gid)?, self.text(IdKind::Uid, target, &mut uid)?];
        let setgroups = if self.deny_setgroups { Some(target.open_file("setgroups")?) } else { None };
        privileges.in_force(|in_force| {
            let open = |kind, text: Option<_>| text.map(|_| open_empty(kind, target, &in_force)).transpose();
            let files = [open(IdKind::Gid, texts[0])?, open(IdKind::Uid, texts[1])?];
            if let Some(file) = &setgroups {
                write_whole(file, b"deny", "denying setgroups")?;
            }
            for ((file, text), what) in files.iter().zip(texts).zip(["writing gid_map", "writing uid_map"]) {
                if let Some((file, text)) = file.as_ref().zip(text) {
                    write_whole(file, text, what)?;
                }
            }
            Ok(())
        })
    }

    /// The text to write for a kind, if a map is requested: lines are joined wherever the kernel accepts the
    /// result. A line that the kernel would refuse is refused here, before the other map is written.
    fn text<'t>(
        &self,
        kind: IdKind,
        target: &Target,
        text: &'t mut Text<MAX_TEXT>,
    ) -> Result<Option<&'t [u8]>, Error<'m>> {
        let Some(map) = self.maps.get(kind) else { return Ok(None) };
        let extents = own_extents(kind, target.is_nested());
        let extents = extents.map_err(|errno| Error::Kernel("reading the mapper's own maps", errno))?;
        let exists = |line: MapLine| {
            let holds = |own: &IdRange, range| own.shared_with(range) == line.count;
            line.outside_range().is_ok_and(|range| extents.iter().flatten().any(|own| holds(own, range)))
        };
        match map.lines().iter().find(|line| !exists(**line)) {
            Some(line) => Err(Error::NotOfNamespace(kind, *line)),
            None => map.kernel_text(exists, text).map(Some).map_err(|_| Error::TooManyLines(kind)),
        }
    }
}

/// The ID ranges of the mapper's own user namespace. In the initial namespace this is one range of all IDs.
fn own_extents(kind: IdKind, is_nested: bool) -> Result<[Option<IdRange>; MAX_EXTENTS], Errno> {
    if !is_nested {
        return Ok([IdRange::new(0, RESERVED_ID).ok(); MAX_EXTENTS]);
    }
    let mut extents = [None; MAX_EXTENTS];
    let mut free = extents.iter_mut();
    each_line_of_proc(kind.own_map_file(), &mut [0_u8; 256], |_, line| {
        let own = MapLine::of_kernel(line).and_then(|line| line.inside_range().ok());
        free.next().into_iter().for_each(|extent| *extent = own);
    })?;
    Ok(extents)
}

/// Opens a map file and checks that it is empty. Privilege must be in force, because the kernel also checks
/// the capabilities of the opener: user_namespaces(7).
fn open_empty<'m>(kind: IdKind, target: &Target, _: &InForce) -> Result<ManuallyDrop<OwnedFd>, Error<'m>> {
    let file = target.open_file(kind.map_file())?;
    match pread(&*file, &mut [0_u8; 1], 0) {
        Ok(0) => Ok(file),
        Ok(_) => {
            Err(target.unfit(kind.pick("its uid_map is already written", "its gid_map is already written")))
        }
        Err(errno) => Err(Error::Kernel("reading the target's map", errno)),
    }
}

/// The kernel accepts a map only in one write.
fn write_whole<'m>(file: &OwnedFd, text: &[u8], what: &'static str) -> Result<(), Error<'m>> {
    match write(file, text) {
        Ok(written) if written == text.len() => Ok(()),
        Ok(_) => Err(Error::Kernel(what, Errno::IO)),
        Err(errno) => Err(Error::Kernel(what, errno)),
    }
}
