//! The sources of a launch's IDs: all candidates that this caller can use, best first.

use crate::error::{Error, OsError, Shortfall};
use crate::failure::reason_of;
use crate::grants::Grants;
pub(crate) use crate::grants::plugin::BUILT_IN_HELPER;
use crate::grants::plugin::is_own_mapper_installed;
use crate::plan::id_layout::{FULL, Layout, NO_ROOM, Pool, has_room, inside_of, own_id, reason_of_map};
use crate::plan::root_owner::{Ownership, RootOwner};
use crate::request::ids::{IdWishes, Userns};
use crate::sys;
use crate::sys::namespaces::is_nested;
use nix::unistd::{getgid, getgroups};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use subroot_idmap::{CONFIG_FILE, IdKind, IdRange, MapLine, PerKind, PlannedMap};

/// CAP_SETGID, CAP_SETUID and CAP_SETFCAP: needed to write a map that includes the parent's ID 0,
/// user_namespaces(7).
const MAPPING_CAPABILITIES: u64 = 1 << 6 | 1 << 7 | 1 << 31;

/// Both maps. They are boxed because each has the size of the kernel's limit, and every copy on the stack
/// would touch more pages.
pub(crate) struct Maps {
    lines: PerKind<Box<PlannedMap>>,
    /// True if group IDs other than the caller's own are mapped, so that setgroups may stay allowed.
    pub(crate) may_set_groups: bool,
    /// The number of IDs of each kind, if the kernel accepts only some of their ranges.
    cut_from: PerKind<Option<u32>>,
    /// True if 0 is the first granted ID, as with `--userns subids`. A process for which no user is requested
    /// then runs as 0 instead of the caller.
    pub(crate) are_subids: bool,
}

impl Maps {
    fn none(may_set_groups: bool) -> Maps {
        let [uid, gid] = IdKind::BOTH.map(|_| Box::new(PlannedMap::EMPTY));
        Maps { lines: PerKind { uid, gid }, may_set_groups, cut_from: PerKind::default(), are_subids: false }
    }

    /// The map of a kind.
    pub(crate) fn of(&self, kind: IdKind) -> &PlannedMap {
        self.lines.get(kind)
    }

    /// The ID of a process for which no user is requested: the caller's own ID if it is mapped, else the
    /// lowest mapped ID.
    fn first(&self, kind: IdKind) -> u32 {
        if self.are_subids {
            return 0;
        }
        let map = self.of(kind);
        inside_of(map, own_id(kind)).or_else(|| map.lines().first().map(|line| line.inside)).unwrap_or(0)
    }

    /// The number of mapped IDs of a kind.
    fn count(&self, kind: IdKind) -> u32 {
        self.of(kind).lines().iter().map(|line| line.count).fold(0, u32::saturating_add)
    }

    /// The number of IDs of a kind that are mapped consecutively from 0.
    fn count_from_0(&self, kind: IdKind) -> u32 {
        let lines = self.of(kind).lines().iter();
        lines.fold(0, |end, line| if line.inside == end { end.saturating_add(line.count) } else { end })
    }

    /// True if any process may write these maps: they map only the caller's own IDs, which are in these pools.
    fn are_only_of(&self, own: &[Pool; 2]) -> bool {
        IdKind::BOTH.into_iter().zip(own).all(|(kind, pool)| {
            self.of(kind).lines().iter().all(|line| line.count == 1 && pool.contains(line.outside))
        })
    }
}

/// What writes the maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// subroot's own mapper.
    Helper(PathBuf),
    /// shadow's newuidmap and newgidmap.
    Shadow(PathBuf, PathBuf),
    /// This process, which has the capabilities.
    Privileged,
    /// This process. Every user may map their own ID: user_namespaces(7).
    OwnId,
}

/// A writer, and the maps that it would write.
pub(crate) struct Candidate {
    /// The writer.
    pub(crate) writer: Writer,
    /// The maps.
    pub(crate) maps: Rc<Maps>,
    /// The uid and gid of a process for which no user is requested. They are computed before the maps are
    /// written, because afterwards the process cannot be asked for its IDs.
    pub(crate) first: [u32; 2],
    /// True if the caller named it, so that no other candidate is tried.
    pub(crate) only: bool,
}

/// All candidates, to be tried in order, and why there are no better ones.
pub(crate) struct IdPlan {
    /// Never empty in a finished plan.
    pub(crate) candidates: Vec<Candidate>,
    /// Why there is no better candidate than the first, or none with group IDs.
    pub(crate) lack: Option<Shortfall>,
    /// The kinds for which the kernel accepts only some of the granted ranges.
    pub(crate) cut: Vec<Shortfall>,
    /// The grants, if they were read.
    pub(crate) grants: Option<Grants>,
    /// What the owner of the root means, with its uid and gid.
    pub(crate) root_owner: Option<(Ownership, [u32; 2])>,
}

impl IdPlan {
    /// Reads the grants and looks for mappers.
    ///
    /// # Errors
    /// A requested helper does not exist, or requested IDs are not the caller's.
    pub(crate) fn new(wishes: &IdWishes, root: Option<RootOwner<'_>>) -> Result<IdPlan, Error> {
        IdPlan::with(wishes, root, Grants::read)
    }

    /// Also checks the files as the mapper does, which a launch leaves to the mapper. For commands that only
    /// report.
    ///
    /// # Errors
    /// As for [`IdPlan::new`].
    pub(crate) fn examined(wishes: &IdWishes, root: Option<RootOwner<'_>>) -> Result<IdPlan, Error> {
        IdPlan::with(wishes, root, || Grants::read().examined())
    }

    fn with(
        wishes: &IdWishes,
        root: Option<RootOwner<'_>>,
        read: impl FnOnce() -> Grants,
    ) -> Result<IdPlan, Error> {
        let layout = Layout::of(&wishes.userns);
        let own = IdKind::BOTH.map(Pool::own);
        let mut plan =
            IdPlan { candidates: Vec::new(), lack: None, cut: Vec::new(), grants: None, root_owner: None };
        let groups = if wishes.keeps_groups { own_groups()? } else { Vec::new() };
        if wishes.userns == Userns::HostId && groups.is_empty() {
            plan.push(Writer::OwnId, &Rc::new(maps(&layout, &own, &[])?), true);
            return Ok(plan);
        }
        let helper = helper(wishes)?;
        // Error ignored: a mapper is then used.
        let may_map = sys::credentials::effective_capabilities()
            .is_ok_and(|held| held & MAPPING_CAPABILITIES == MAPPING_CAPABILITIES);
        if may_map && is_nested() {
            let every = maps_of_every_own_id(&layout, &wishes.userns, &groups)?;
            plan.record_cut(&every, true);
            plan.push(Writer::Privileged, &Rc::new(every), false);
            return plan.checked(wishes);
        }
        let grants = read();
        let pools = IdKind::BOTH.map(|kind| Pool::granted(&grants, kind));
        plan.root_owner = root.and_then(|root| Some((root.judge(&pools, &wishes.userns)?, root.ids)));
        let is_granted = |kind| !grants.ranges(kind).is_empty();
        if let Some(kind) = grants
            .refused_kind()
            .filter(|_| groups.is_empty() && helper.is_none() && is_own_mapper_installed())
        {
            // The mapper would also refuse the caller's own ID.
            plan.lack = Some(Shortfall::NotGranted(kind));
        } else if !is_granted(IdKind::Uid) && groups.is_empty() {
            plan.lack = Some(Shortfall::NotGranted(IdKind::Uid));
        } else {
            let is_chosen = plan.root_owner_if(Ownership::Chosen).is_some();
            let chosen = is_chosen.then(|| Layout::of(&Userns::Subids));
            let mut granted = maps(chosen.as_ref().unwrap_or(&layout), &pools, &groups)?;
            let has_groups = is_granted(IdKind::Gid) && groups.is_empty();
            granted.may_set_groups = has_groups && !grants.policy().config().denies_setgroups;
            plan.record_cut(&granted, false);
            plan.add_mappers(&Rc::new(granted), helper, may_map);
            if !is_granted(IdKind::Gid) && groups.is_empty() && !plan.candidates.is_empty() {
                plan.lack = Some(Shortfall::NotGranted(IdKind::Gid));
            }
        }
        if !groups.is_empty() {
            refuse_groups(&plan, &grants, &groups)?;
        } else if plan.may_end_with_own_id(wishes) {
            match maps(&layout, &own, &[]) {
                // If the maps were requested explicitly, all but these maps are left to a mapper, which
                // reports why it refuses them.
                Ok(maps) if may_map && plan.candidates.is_empty() || maps.are_only_of(&own) => {
                    plan.push(Writer::OwnId, &Rc::new(maps), false);
                }
                Ok(_) if plan.candidates.is_empty() => return Err(not_granted(&plan)),
                Err(error) if plan.candidates.is_empty() => return Err(error),
                _ => {}
            }
        }
        plan.grants = Some(grants);
        plan.checked(wishes)
    }

    /// True if mapping only the caller's own ID may be the last resort. For root that is the host's root, and
    /// it is never used if IDs are granted.
    fn may_end_with_own_id(&self, wishes: &IdWishes) -> bool {
        let is_last = self.candidates.is_empty() || own_id(IdKind::Uid) != 0;
        let needs_grants = matches!(wishes.userns, Userns::Full | Userns::Subids);
        is_last && !needs_grants && !self.candidates.iter().any(|candidate| candidate.only)
    }

    /// The uid and gid of the root, if this is what its owner means.
    pub(crate) fn root_owner_if(&self, ownership: Ownership) -> Option<[u32; 2]> {
        self.root_owner.filter(|(found, _)| *found == ownership).map(|(_, ids)| ids)
    }

    /// Refuses `--userns full` and `--userns subids` if less can be mapped.
    fn checked(self, wishes: &IdWishes) -> Result<IdPlan, Error> {
        let maps = self.candidates.first().map(|candidate| &candidate.maps);
        let mapped = IdKind::BOTH.map(|kind| maps.map_or(1, |maps| maps.count_from_0(kind)));
        let needed = match wishes.userns {
            Userns::Full => FULL,
            // One ID is enough. If 0 is not mapped, no ID of that kind is granted.
            Userns::Subids if maps.is_some() => 1,
            Userns::Subids => u32::MAX,
            _ => 0,
        };
        if mapped.iter().all(|count| *count >= needed) {
            return Ok(self);
        }
        let lacks_a_mapper = self.candidates.is_empty();
        let not_granted = |grants: &Grants| {
            let kind = IdKind::BOTH.into_iter().find(|kind| grants.ranges(*kind).is_empty())?;
            Some(Shortfall::NotGranted(kind))
        };
        let shortfall = self.lack.filter(|_| lacks_a_mapper).or_else(|| self.cut.into_iter().next());
        let shortfall = shortfall.unwrap_or_else(|| match &self.grants {
            Some(grants) => not_granted(grants).unwrap_or(Shortfall::TooFew),
            None => Shortfall::TooFewHere,
        });
        Err(match wishes.userns {
            Userns::Subids => Error::NotMapped { option: "--userns subids", shortfall: Some(shortfall) },
            _ => Error::NotFull { mapped, shortfall },
        })
    }

    /// Records the kinds of which the kernel accepts only some ranges, either of the grants or of this user
    /// namespace.
    fn record_cut(&mut self, maps: &Maps, is_nested: bool) {
        for kind in IdKind::BOTH {
            let cut = maps.cut_from.get(kind).map(|total| Shortfall::Cut {
                kind,
                mapped: maps.count(kind),
                total,
                is_nested,
            });
            self.cut.extend(cut);
        }
    }

    fn add_mappers(&mut self, maps: &Rc<Maps>, helper: Option<PathBuf>, may_map: bool) {
        if let Some(helper) = helper {
            return self.push(Writer::Helper(helper), maps, true);
        }
        // A mapper that cannot be examined is tried, and the attempt reports why it cannot be executed.
        if !is_missing(Path::new(BUILT_IN_HELPER)) {
            self.push(Writer::Helper(BUILT_IN_HELPER.into()), maps, false);
        } else {
            self.lack = Some(Shortfall::MapperMissing(BUILT_IN_HELPER.into()));
        }
        if let (Some(newuidmap), Some(newgidmap)) = (program("newuidmap"), program("newgidmap")) {
            self.push(Writer::Shadow(newuidmap, newgidmap), maps, false);
        }
        if may_map {
            self.push(Writer::Privileged, maps, false);
        }
        if self.candidates.is_empty() {
            self.lack = Some(Shortfall::NoMapper);
        }
    }

    fn push(&mut self, writer: Writer, maps: &Rc<Maps>, only: bool) {
        let same = self.candidates.iter().find(|known| Rc::ptr_eq(&known.maps, maps));
        let first = same.map_or_else(|| IdKind::BOTH.map(|kind| maps.first(kind)), |known| known.first);
        self.candidates.push(Candidate { writer, maps: Rc::clone(maps), first, only });
    }
}

fn helper(wishes: &IdWishes) -> Result<Option<PathBuf>, Error> {
    let from_environment =
        || std::env::var_os("SUBROOT_HELPER").filter(|path| !path.is_empty()).map(PathBuf::from);
    let helper = wishes.helper.clone().or_else(from_environment);
    // A name without a slash would be searched for in PATH, but the mapper is executed by its path.
    // Error ignored: without a working directory, a relative path does not work anyway.
    let helper = helper.map(|path| std::path::absolute(&path).ok().unwrap_or(path));
    match helper {
        Some(path) if is_missing(&path) => {
            Err(Error::Mapper { program: path, output: "No such file or directory".into() })
        }
        helper => Ok(helper),
    }
}

/// False for a path that cannot be examined.
fn is_missing(path: &Path) -> bool {
    // Error ignored: it is tried, and the attempt reports the error.
    matches!(std::fs::exists(path), Ok(false))
}

/// Both maps of a layout. `groups` are also mapped, each to itself.
fn maps(layout: &Layout, [uids, gids]: &[Pool; 2], groups: &[u32]) -> Result<Maps, Error> {
    let mut maps = Maps::none(false);
    let uids_cut = layout.fill(IdKind::Uid, uids, &mut maps.lines.uid)?;
    for gid in groups {
        let kept = MapLine { inside: *gid, outside: *gid, count: 1 };
        let refused = |why: &str| Error::Usage { what: "--groups keep", why: format!("group {gid}: {why}") };
        if !has_room(&maps.lines.gid, kept, 0) {
            return Err(refused(NO_ROOM));
        }
        maps.lines.gid.push(kept).map_err(|why| refused(&reason_of_map(&why)))?;
    }
    let others = gids.without(groups);
    let gids_cut = layout.fill_around(IdKind::Gid, &others, &mut maps.lines.gid)?;
    let gid_count = groups.iter().fold(others.count(), |count, _| count.saturating_add(1));
    maps.are_subids = layout.is_of_subids();
    maps.cut_from = PerKind { uid: uids_cut.then(|| uids.count()), gid: gids_cut.then_some(gid_count) };
    Ok(maps)
}

/// The supplementary groups, without the caller's own group, which is always mapped.
fn own_groups() -> Result<Vec<u32>, Error> {
    let groups =
        getgroups().map_err(|errno| Error::Parent { doing: "reading own groups", errno: OsError(errno) })?;
    Ok(groups.into_iter().map(|gid| gid.as_raw()).filter(|gid| *gid != getgid().as_raw()).collect())
}

/// Refuses supplementary groups that the administrator has not allowed. Unlike the caller's own IDs, they
/// always need a mapper. If the grants are unknown here, the mapper decides.
fn refuse_groups(plan: &IdPlan, grants: &Grants, groups: &[u32]) -> Result<(), Error> {
    let ranges = grants.ranges(IdKind::Gid);
    let may_not = groups.iter().find(|gid| !ranges.iter().any(|range| range.contains(**gid)));
    match (&plan.lack, may_not) {
        (Some(_), _) if plan.candidates.is_empty() => {
            Err(Error::NotMapped { option: "--groups keep", shortfall: plan.lack.clone() })
        }
        (_, Some(gid)) if grants.are_known() && !grants.policy().config().allows_own_groups => {
            Err(Error::Usage {
                what: "--groups keep",
                why: format!(
                    "your group {gid} cannot be mapped: no line of {} grants it, and {CONFIG_FILE} does not set own-groups = yes",
                    IdKind::Gid.grant_file()
                ),
            })
        }
        _ => Ok(()),
    }
}

/// The maps in a user namespace in which every ID may be mapped: each ID to itself, unless something else was
/// requested.
fn maps_of_every_own_id(layout: &Layout, userns: &Userns, groups: &[u32]) -> Result<Maps, Error> {
    let mut every = Maps::none(true);
    for kind in IdKind::BOTH {
        let (file, map) = (kind.own_map_file(), every.lines.get_mut(kind));
        let unreadable = |why| Error::Unreadable { file: file.into(), why };
        let text = std::fs::read(file).map_err(|error| unreadable(reason_of(&error)))?;
        for line in text.split(|byte| *byte == b'\n').filter_map(MapLine::of_kernel) {
            let pushed = map.push(MapLine { outside: line.inside, ..line });
            pushed.map_err(|why| unreadable(reason_of_map(&why)))?;
        }
    }
    if matches!(userns, Userns::Auto(None) | Userns::Full) {
        return Ok(every);
    }
    let ranges = |kind| {
        every.of(kind).lines().iter().filter_map(|line| line.outside_range().ok()).collect::<Vec<IdRange>>()
    };
    let pool = |kind| Pool::new(Some(own_id(kind)), &ranges(kind));
    // A group without an ID here shows as the overflow ID, to which nothing can be mapped.
    let is_here = |gid: &u32| ranges(IdKind::Gid).iter().any(|range| range.contains(*gid));
    let groups: Vec<u32> = groups.iter().copied().filter(is_here).collect();
    maps(layout, &IdKind::BOTH.map(pool), &groups).map(|maps| Maps { may_set_groups: true, ..maps })
}

/// The path of a program in PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// The error if host IDs are requested by number and there is no mapper for them.
fn not_granted(plan: &IdPlan) -> Error {
    Error::NotMapped { option: "the ID maps", shortfall: plan.lack.clone() }
}
