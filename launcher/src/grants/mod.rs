//! Reads what the administrator's files grant to the caller, by the mapper's own rules. The modules below
//! also examine the grants of all other users.

pub(crate) mod accounts;
pub(crate) mod files;
pub(crate) mod finding;
pub(crate) mod free;
pub(crate) mod lines;
pub(crate) mod lint;
pub(crate) mod overlaps;
pub(crate) mod owners;
pub(crate) mod plugin;
pub(crate) mod present;
pub(crate) mod remedy;
pub(crate) mod site;
pub(crate) mod site_accounts;
pub(crate) mod spelling;
pub(crate) mod suggest;
pub(crate) mod trust;

pub(crate) use crate::grants::present::Present;
pub(crate) use crate::grants::trust::{Fault, faults};

use crate::causes::{BAD_CONFIG, Cause, HIDDEN};
use crate::error::Error;
use crate::grants::accounts::{by_uid, printed};
use crate::grants::files::{each_line_of, read_lines};
use crate::grants::plugin::is_own_mapper_installed;
use crate::grants::present::{distinct, joined};
use crate::grants::spelling::{bare, line_of};
use crate::sys::standard_error::escaped;
use nix::unistd::{getgid, getuid};
use std::cell::OnceCell;
use std::ffi::OsStr;
use subroot_idmap::{
    ACCOUNTS_FILE, Account, BadSetting, CONFIG_FILE, Files, IdKind, IdRange, MAX_GRANTS, NSSWITCH_FILE,
    PerKind, PluginQuestion, Policy, SubidLine, Text, parse_number,
};

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Text for a message from the bytes of a file: escaped, and cut short.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    let text = String::from_utf8_lossy(bytes.get(..SHOWN).unwrap_or(bytes));
    let end = if bytes.len() > SHOWN { "..." } else { "" };
    escaped(&text) + end
}

/// The first few ranges, as the mapper writes them.
pub(crate) fn ranges_text(ranges: &[IdRange]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = ranges.iter().take(SHOWN).map(|range| finding::range_text(*range)).collect();
    shown.join(" ") + if ranges.len() > SHOWN { " and more" } else { "" }
}

/// The caller, the administrator's settings, and the grants of both kinds.
pub(crate) struct Grants {
    policy: Box<Policy>,
    refused: PerKind<Option<Cause>>,
    present: Present,
    ranges: PerKind<Vec<IdRange>>,
}

impl Grants {
    /// Reads the files for the caller. A file that cannot be read grants nothing.
    pub(crate) fn read() -> Grants {
        Grants::of(getuid().as_raw(), getgid().as_raw())
    }

    /// Reads the files for any user.
    pub(crate) fn of(uid: u32, gid: u32) -> Grants {
        let mut policy = Box::new(Policy::EMPTY);
        let mut files = Readable { unreadable: Vec::new() };
        let trouble = match read_policy(&mut policy, (uid, gid), &mut files) {
            Ok(()) => None,
            Err(BadSetting(number, why)) => {
                let why = format!("{CONFIG_FILE}, line {number}: {}", why.reason());
                Some(Cause::new(&BAD_CONFIG, &[("why", &why)]))
            }
        };
        let present = match Present::read() {
            Ok(present) => present,
            Err(error) => {
                files.add(error);
                Present::NONE
            }
        };
        let trouble = trouble.or_else(|| plugin::refused(policy.plugin()));
        let [uid, gid] = IdKind::BOTH.map(|kind| files.hidden(kind).or_else(|| trouble.clone()));
        let ranges = PerKind { uid: Vec::new(), gid: Vec::new() };
        Grants { policy, refused: PerKind { uid, gid }, present, ranges }.counted()
    }

    /// Also checks whether the mapper would trust the files and can read them. Only commands that report do
    /// this: in a launch, the mapper itself checks them.
    pub(crate) fn examined(self) -> Grants {
        // Error ignored: the mapper reports which file it is.
        let faults = faults().ok().unwrap_or_default();
        let is_asked = is_own_mapper_installed();
        let [uid, gid] = IdKind::BOTH.map(|kind| {
            let fault = faults.iter().find(|fault| is_asked && fault.concerns(kind));
            fault.map(|fault| fault.cause(&faults)).or_else(|| self.refused(kind).cloned())
        });
        Grants { refused: PerKind { uid, gid }, ..self }.counted()
    }

    fn counted(self) -> Grants {
        let [uid, gid] = IdKind::BOTH.map(|kind| self.counting(kind));
        Grants { ranges: PerKind { uid, gid }, ..self }
    }

    fn counting(&self, kind: IdKind) -> Vec<IdRange> {
        if self.refused(kind).is_some() {
            return Vec::new();
        }
        let ranges = joined(self.policy.granted(kind).ranges());
        ranges.into_iter().flat_map(|range| self.present.parts(kind, range)).collect()
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The IDs of a kind that are granted and exist in this user namespace, in the order of the file, in as
    /// few ranges as the kernel accepts.
    pub(crate) fn ranges(&self, kind: IdKind) -> &[IdRange] {
        self.ranges.get(kind)
    }

    /// The IDs that exist in this user namespace.
    pub(crate) fn present(&self) -> &Present {
        &self.present
    }

    /// How many IDs of a kind are granted and exist.
    pub(crate) fn count(&self, kind: IdKind) -> u32 {
        distinct(self.ranges(kind).to_vec())
    }

    /// Why the mapper grants nothing of a kind, regardless of the lines.
    pub(crate) fn refused(&self, kind: IdKind) -> Option<&Cause> {
        self.refused.get(kind).as_ref()
    }

    /// The first kind of which the mapper grants nothing.
    pub(crate) fn refused_kind(&self) -> Option<IdKind> {
        IdKind::BOTH.into_iter().find(|kind| self.refused(*kind).is_some())
    }

    /// Why the mapper grants nothing of that kind.
    pub(crate) fn first_refusal(&self) -> Option<&Cause> {
        self.refused_kind().and_then(|kind| self.refused(kind))
    }

    /// True if every file that the mapper reads could be read here, and no setting makes it refuse
    /// everything.
    pub(crate) fn are_known(&self) -> bool {
        self.refused_kind().is_none()
    }
}

/// Reads the caller's accounts, the settings and the grants. Files that cannot be read are recorded in
/// `files`.
fn read_policy(policy: &mut Policy, (uid, gid): (u32, u32), files: &mut Readable) -> Result<(), BadSetting> {
    policy.read_caller(uid, gid, files)?;
    if policy.needs_name_service() {
        let mut name = Text::EMPTY;
        let account = if policy.caller().is_local() { None } else { by_uid(uid) };
        if let Some(account) = account {
            name.push(account.name().as_bytes());
        }
        policy.add_name_of_service(&name, files)?;
    }
    policy.read_grants(|_| true, files)
}

/// Reads files, and records those that this user cannot read.
struct Readable {
    unreadable: Vec<(PathBuf, String)>,
}

impl Readable {
    fn add(&mut self, error: Error) {
        if let Error::Unreadable { file, why } = error {
            self.unreadable.push((file, why));
        }
    }

    /// The first file needed for this kind that cannot be read, and why.
    fn hidden(&self, kind: IdKind) -> Option<Cause> {
        let mut unreadable = self.unreadable.iter();
        let (file, why) =
            unreadable.find(|(file, _)| file.to_str().is_none_or(|file| trust::concerns(file, kind)))?;
        // Error ignored: the kernel's error is then the reason.
        let faults = faults().ok().unwrap_or_default();
        let fault = faults.iter().find(|fault| fault.hides() && Path::new(fault.file) == file);
        let unknown = || Cause::new(&HIDDEN, &[("file", &file.display()), ("why", why)]);
        Some(fault.map_or_else(unknown, |fault| fault.cause(&faults)))
    }
}

impl Files for Readable {
    type Error = BadSetting;

    fn each_line(
        &mut self,
        path: &'static str,
        visit: &mut dyn FnMut(u32, &[u8]),
    ) -> Result<(), Self::Error> {
        if let Err(error) = read_lines(path, visit) {
            self.add(error);
        }
        Ok(())
    }

    /// Asks getsubids(1) of shadow instead of loading the plugin. If the plugin is not installed, getsubids
    /// reads the files instead.
    fn each_plugin_grant(
        &mut self,
        question: &PluginQuestion<'_>,
        visit: &mut dyn FnMut(IdRange),
    ) -> Result<(), Self::Error> {
        for name in question.caller.names() {
            let mut command = Command::new("getsubids");
            command.args((question.kind == IdKind::Gid).then_some("-g")).arg(OsStr::from_bytes(name));
            printed(&mut command).split(|byte| *byte == b'\n').filter_map(listed_range).for_each(&mut *visit);
        }
        Ok(())
    }
}

/// Reads a line such as `0: alice 100000 65536`.
fn listed_range(line: &[u8]) -> Option<IdRange> {
    let mut numbers = line.rsplit(|byte| *byte == b' ').map(parse_number);
    // Error ignored: it is not such a line.
    let (count, first) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    IdRange::new(first, count).ok()
}

/// The number of IDs that a Debian root needs in addition to the caller's own ID: 2,000 for its accounts, and
/// one for nobody.
pub(crate) const ENOUGH: u32 = 2001;

/// The IDs of local accounts, read only if they are needed.
type LiveIds = OnceCell<Vec<(u32, String)>>;

const ABSENT: &str = "none of its IDs exists in this user namespace";

/// A line of a grant file that names the caller, or what a rule of mapper.conf computes for them.
pub(crate) struct OwnLine {
    pub(crate) kind: IdKind,
    pub(crate) file: &'static str,
    /// Its number, starting at 1; `None` for a computed grant.
    pub(crate) number: Option<u32>,
    /// The range; `None` if the line is invalid.
    pub(crate) range: Option<IdRange>,
    /// The parts of the range that exist in this user namespace; `None` if all of it exists.
    pub(crate) present: Option<Vec<IdRange>>,
    /// Why it grants nothing; `None` if it grants something.
    pub(crate) refused: Option<String>,
}

/// `FILE:LINE`, or only the file if there is no line.
fn location(file: &str, line: Option<u32>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
}

impl OwnLine {
    /// `FILE:LINE`, or only the file if there is no line.
    pub(crate) fn location(&self) -> String {
        location(self.file, self.number)
    }
}

impl Grants {
    /// The lines of a kind that name the caller, including invalid ones, and the computed grant.
    pub(crate) fn own_lines(&self, kind: IdKind) -> Vec<OwnLine> {
        let caller = self.policy.caller();
        let (mut counted, live) = (0_usize, LiveIds::new());
        let mut judged = |file, number, range: IdRange| {
            counted = counted.saturating_add(1);
            let present = self.present.parts_if_cut(kind, range);
            let is_absent = present.as_ref().is_some_and(Vec::is_empty);
            let refused =
                self.void((kind, file), range, counted, &live).or_else(|| is_absent.then(|| ABSENT.into()));
            OwnLine { kind, file, number, range: Some(range), present, refused }
        };
        let computed = self.policy.config().computed_grant(caller);
        let mut found: Vec<OwnLine> =
            computed.into_iter().map(|range| judged(CONFIG_FILE, None, range)).collect();
        let file = kind.grant_file();
        each_line_of(file, |number, line| match line_of(line) {
            Ok(Some(SubidLine { owner, range })) if caller.owns(owner) => {
                found.push(judged(file, Some(number), range));
            }
            Err(why) if self.names_caller(line) => {
                let refused = Some(self.refused(kind).map_or(why, Cause::to_string));
                found.push(OwnLine { kind, file, number: Some(number), range: None, present: None, refused });
            }
            _ => {}
        });
        found
    }

    /// Why the mapper does not count one of the caller's lines; `None` if it does. `counted` is the number of
    /// the caller's lines up to and including this one, and `live` caches the accounts.
    fn void(
        &self,
        (kind, file): (IdKind, &str),
        range: IdRange,
        counted: usize,
        live: &LiveIds,
    ) -> Option<String> {
        if let Some(refused) = self.refused(kind) {
            return Some(refused.to_string());
        }
        let plugin = self.policy.plugin();
        if !plugin.is_empty() && file != CONFIG_FILE {
            return Some(format!("{NSSWITCH_FILE} leaves grants to the plugin {}", shown(plugin)));
        }
        if counted > MAX_GRANTS {
            return Some("4096 lines of this user come before it".into());
        }
        if self.policy.granted(kind).ranges().contains(&range) {
            return None;
        }
        let live = live.get_or_init(|| live_ids(kind));
        let first = live
            .get(live.partition_point(|(id, _)| *id < range.first()))
            .filter(|(id, _)| range.contains(*id));
        Some(first.map_or_else(|| "the mapper does not take it".into(), |(id, name)| over_account(name, *id)))
    }

    fn names_caller(&self, line: &[u8]) -> bool {
        let name = bare(line.split(|byte| *byte == b':').next().unwrap_or_default());
        let caller = self.policy.caller();
        caller.names().any(|known| known == name) || parse_number(&name) == Ok(caller.id(IdKind::Uid))
    }
}

/// Why a range that holds an account's ID grants nothing, and which setting would allow it.
pub(crate) fn over_account(name: &str, id: u32) -> String {
    format!("the range holds the ID of {name} ({id}), and {CONFIG_FILE} does not say allow-live-ids = yes")
}

/// The IDs that make a range of this kind void, sorted, with the names of their accounts. As in the mapper,
/// an account's uid also counts as a group ID.
fn live_ids(kind: IdKind) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    each_line_of(ACCOUNTS_FILE, |_, line| {
        let Some(account) = Account::parse(line) else { return };
        let gid = account.gid.filter(|_| kind == IdKind::Gid);
        found.extend(account.uid.into_iter().chain(gid).map(|id| (id, shown(account.name))));
    });
    found.sort();
    found
}
