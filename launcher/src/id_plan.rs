//! Where the IDs of a launch come from: every way that is open to this caller, the best one first.

use crate::error::Error;
use crate::grants::{Grants, each_line_of};
use crate::kernel;
use idmap::{IdKind, IdRange, MAX_EXTENTS, MapLine, RequestedMap};
use nix::unistd::{getgid, getuid};
use std::os::linux::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Where packages install the mapper.
pub const BUILT_IN_HELPER: &str = "/usr/libexec/subroot/newidmap-helper";

/// USER_NS_INIT_INO in linux/nsfs.h: the initial user namespace.
const INITIAL_NAMESPACE: u64 = 0xEFFF_FFFD;

/// CAP_SETGID, CAP_SETUID and CAP_SETFCAP: what writing a map that holds the parent's ID 0 takes, user_namespaces(7).
const MAPPING_CAPABILITIES: u64 = 1 << 6 | 1 << 7 | 1 << 31;

/// Both maps.
pub struct Maps {
    /// The user IDs.
    pub uid: RequestedMap,
    /// The group IDs.
    pub gid: RequestedMap,
    /// True when group IDs other than the caller's own are mapped, so that setgroups may stay allowed.
    pub may_set_groups: bool,
}

impl Maps {
    /// The map of a kind.
    pub fn of(&self, kind: IdKind) -> &RequestedMap {
        match kind {
            IdKind::Uid => &self.uid,
            IdKind::Gid => &self.gid,
        }
    }
}

/// Who writes the maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// subroot's own mapper.
    Helper(PathBuf),
    /// shadow's newuidmap and newgidmap.
    Shadow(PathBuf, PathBuf),
    /// This process, which has the capabilities itself.
    Privileged,
    /// This process, which every user may do for his own ID alone: user_namespaces(7).
    OwnId,
}

/// One way to IDs.
pub struct Way {
    /// Who writes.
    pub writer: Writer,
    /// What is written.
    pub maps: Rc<Maps>,
    /// True when the way was asked for by name, so that no other is to be tried in its place.
    pub only: bool,
}

/// All ways, to be tried in order, and why there are no better ones.
pub struct IdPlan {
    /// The ways, never empty.
    pub ways: Vec<Way>,
    /// Why there is no better way than the first.
    pub lack: Option<String>,
}

impl IdPlan {
    /// Reads the grants and looks for mappers. `helper` is what was given on the command line.
    ///
    /// # Errors
    /// A helper that was asked for and is not there.
    pub fn new(helper: Option<PathBuf>) -> Result<IdPlan, Error> {
        let helper = helper.or_else(|| {
            std::env::var_os("SUBROOT_HELPER").filter(|path| !path.is_empty()).map(PathBuf::from)
        });
        // A word without a slash would be looked for in PATH, which the mapper is not started with.
        let helper = helper.map(|path| std::path::absolute(&path).unwrap_or(path));
        if let Some(path) = helper.as_ref().filter(|path| !path.exists()) {
            return Err(Error::Mapper(path.clone(), "No such file or directory".into()));
        }
        let mut plan = IdPlan { ways: Vec::new(), lack: None };
        let may_map = kernel::effective_capabilities()
            .is_ok_and(|held| held & MAPPING_CAPABILITIES == MAPPING_CAPABILITIES);
        if may_map && is_nested() {
            plan.push(Writer::Privileged, &Rc::new(every_own_id()), false);
            return Ok(plan);
        }
        let grants = Grants::read();
        match granted_maps(&grants) {
            Some(maps) => plan.add_mappers(&Rc::new(maps), helper, may_map),
            None => plan.lack = Some(lack(&grants)),
        }
        if !plan.ways.iter().any(|way| way.only) {
            plan.push(Writer::OwnId, &Rc::new(own_id_maps()), false);
        }
        Ok(plan)
    }

    fn add_mappers(&mut self, maps: &Rc<Maps>, helper: Option<PathBuf>, may_map: bool) {
        if let Some(helper) = helper {
            return self.push(Writer::Helper(helper), maps, true);
        }
        if Path::new(BUILT_IN_HELPER).exists() {
            self.push(Writer::Helper(BUILT_IN_HELPER.into()), maps, false);
        } else {
            self.lack = Some(format!("{BUILT_IN_HELPER} is not installed"));
        }
        if let (Some(newuidmap), Some(newgidmap)) = (program("newuidmap"), program("newgidmap")) {
            self.push(Writer::Shadow(newuidmap, newgidmap), maps, false);
        }
        if may_map {
            self.push(Writer::Privileged, maps, false);
        }
        if self.ways.is_empty() {
            self.lack =
                Some("no mapper is installed: neither newidmap-helper nor newuidmap and newgidmap".into());
        }
    }

    fn push(&mut self, writer: Writer, maps: &Rc<Maps>, only: bool) {
        self.ways.push(Way { writer, maps: Rc::clone(maps), only });
    }
}

/// The caller's own ID as 0 and all granted ones from 1 up; for root, whose own IDs are the host's, the granted ones alone.
fn granted_maps(grants: &Grants) -> Option<Maps> {
    let policy = grants.policy();
    if policy.granted(IdKind::Uid).ranges().is_empty() {
        return None;
    }
    let mut maps = Maps { uid: RequestedMap::EMPTY, gid: RequestedMap::EMPTY, may_set_groups: false };
    let is_root = policy.caller().id(IdKind::Uid) == 0;
    for (kind, map) in [(IdKind::Uid, &mut maps.uid), (IdKind::Gid, &mut maps.gid)] {
        let own = policy.caller().id(kind);
        let granted = disjoint(policy.granted(kind).ranges(), own);
        let own = if is_root && !granted.is_empty() { None } else { IdRange::new(own, 1).ok() };
        lay_out(map, own.into_iter().chain(granted));
    }
    maps.may_set_groups =
        !policy.granted(IdKind::Gid).ranges().is_empty() && !policy.config().denies_setgroups;
    Some(maps)
}

/// Gives every range the next free IDs inside.
fn lay_out(map: &mut RequestedMap, ranges: impl Iterator<Item = IdRange>) {
    let mut inside = 0_u32;
    for range in ranges.take(MAX_EXTENTS) {
        let line = MapLine { inside, outside: range.first(), count: range.count() };
        match inside.checked_add(range.count()) {
            Some(next) if map.push(line).is_ok() => inside = next,
            _ => return,
        }
    }
}

/// The ranges in their order, without what an earlier one has already, and without the caller's own ID.
fn disjoint(ranges: &[IdRange], own: u32) -> Vec<IdRange> {
    let mut taken: Vec<IdRange> = IdRange::new(own, 1).into_iter().collect();
    let mut kept = Vec::new();
    for range in ranges {
        let mut parts = vec![*range];
        for known in &taken {
            parts = parts.into_iter().flat_map(|part| without(part, *known)).collect();
        }
        taken.push(*range);
        kept.extend(parts);
    }
    kept
}

fn without(range: IdRange, taken: IdRange) -> impl Iterator<Item = IdRange> {
    let part = |first: u32, end: u32| IdRange::new(first, end.saturating_sub(first)).ok();
    let before = part(range.first(), range.end().min(taken.first()));
    let after = part(range.first().max(taken.end()), range.end());
    before.into_iter().chain(after)
}

fn own_id_maps() -> Maps {
    let mut maps = Maps { uid: RequestedMap::EMPTY, gid: RequestedMap::EMPTY, may_set_groups: false };
    for (map, own) in [(&mut maps.uid, getuid().as_raw()), (&mut maps.gid, getgid().as_raw())] {
        let _ = map.push(MapLine { inside: 0, outside: own, count: 1 });
    }
    maps
}

/// Every ID of the namespace that this process is in, each as itself.
fn every_own_id() -> Maps {
    let mut maps = Maps { uid: RequestedMap::EMPTY, gid: RequestedMap::EMPTY, may_set_groups: true };
    for (path, map) in [("/proc/self/uid_map", &mut maps.uid), ("/proc/self/gid_map", &mut maps.gid)] {
        each_line_of(path, |_, line| {
            let own = map_line(line).map(|line| MapLine { outside: line.inside, ..line });
            let _ = own.map(|line| map.push(line));
        });
    }
    maps
}

/// Reads one line of a uid_map or gid_map.
pub fn map_line(line: &[u8]) -> Option<MapLine> {
    let mut numbers = std::str::from_utf8(line).ok()?.split_ascii_whitespace().map(str::parse);
    let mut number = || numbers.next()?.ok();
    Some(MapLine { inside: number()?, outside: number()?, count: number()? })
}

fn is_nested() -> bool {
    std::fs::metadata("/proc/self/ns/user").is_ok_and(|namespace| namespace.st_ino() != INITIAL_NAMESPACE)
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Why nothing is granted: the caller's first bad line, or that he has none.
fn lack(grants: &Grants) -> String {
    if let Some(trouble) = grants.trouble() {
        return trouble.to_owned();
    }
    let file = IdKind::Uid.grant_file();
    if let Some((number, why)) =
        grants.own_lines(IdKind::Uid).iter().find_map(|line| Some((line.number?, line.refused?)))
    {
        return format!("{file}, line {number}, grants nothing: {why}");
    }
    if !Path::new(file).exists() {
        return format!("{file} is not there");
    }
    let uid = grants.policy().caller().id(IdKind::Uid);
    let name = users::get_user_by_uid(uid).map(|user| user.name().to_string_lossy().into_owned());
    format!("{file} has no line for {}", name.unwrap_or_else(|| format!("uid {uid}")))
}
