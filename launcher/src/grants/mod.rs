//! What the administrator's files grant to the caller, read with the mapper's own rules; below, what they grant to everybody.

pub(crate) mod accounts;
pub(crate) mod files;
pub(crate) mod finding;
pub(crate) mod free;
pub(crate) mod lines;
pub(crate) mod lint;
pub(crate) mod overlaps;
pub(crate) mod owners;
pub(crate) mod present;
pub(crate) mod site;
pub(crate) mod site_accounts;
pub(crate) mod suggest;
pub(crate) mod trust;

pub(crate) use crate::grants::present::Present;
pub(crate) use crate::grants::trust::{Distrusted, distrust};

use crate::error::Error;
use crate::grants::accounts::{by_uid, printed};
use crate::grants::files::{each_line_of, read_lines};
use crate::grants::present::joined;
use crate::sys::standard_error::escaped;
use nix::unistd::{getgid, getuid};
use std::ffi::OsStr;
use subroot_idmap::{
    BadSetting, CONFIG_FILE, Files, IdKind, IdRange, MAX_GRANTS, PerKind, PluginQuestion, Policy, SubidLine,
    Text, parse_number,
};

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::Command;

/// Bytes of a file as a person may be shown them: escaped, and cut short.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    let text = String::from_utf8_lossy(bytes.get(..SHOWN).unwrap_or(bytes));
    let end = if bytes.len() > SHOWN { "..." } else { "" };
    escaped(&text) + end
}

/// Ranges as the mapper writes them: the first few.
pub(crate) fn ranges_text(ranges: &[IdRange]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = ranges.iter().take(SHOWN).map(|range| finding::range_text(*range)).collect();
    shown.join(" ") + if ranges.len() > SHOWN { " and more" } else { "" }
}

/// The caller, the administrator's settings, and the grants of both kinds.
pub(crate) struct Grants {
    policy: Box<Policy>,
    trouble: Option<String>,
    unreadable: Option<Unreadable>,
    present: Present,
    ranges: PerKind<Vec<IdRange>>,
}

impl Grants {
    /// Reads the files for the caller; what cannot be read grants nothing.
    pub(crate) fn read() -> Grants {
        Grants::of(getuid().as_raw(), getgid().as_raw())
    }

    /// Reads the files as they are for any user.
    pub(crate) fn of(uid: u32, gid: u32) -> Grants {
        let mut policy = Box::new(Policy::EMPTY);
        let mut files = Readable { first: None };
        let trouble = match read_policy(&mut policy, (uid, gid), &mut files) {
            Ok(()) => None,
            Err(BadSetting(number, why)) => Some(format!("{CONFIG_FILE}, line {number}: {}", why.reason())),
        };
        let (present, unknown) = match Present::read() {
            Ok(present) => (present, None),
            Err(error) => (Present::NONE, Some(error.to_string())),
        };
        let [uid, gid] = IdKind::BOTH.map(|kind| {
            let ranges = joined(policy.granted(kind).ranges());
            ranges.into_iter().flat_map(|range| present.parts(kind, range)).collect()
        });
        let ranges = PerKind { uid, gid };
        Grants { policy, trouble: trouble.or(unknown), unreadable: files.first, present, ranges }
    }

    /// What was read.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The IDs of a kind that are granted and exist in this user namespace, in the order of the file: as few ranges as the kernel
    /// takes them in.
    pub(crate) fn ranges(&self, kind: IdKind) -> &[IdRange] {
        self.ranges.get(kind)
    }

    /// The IDs that exist in this user namespace.
    pub(crate) fn present(&self) -> &Present {
        &self.present
    }

    /// How many IDs of a kind are granted and exist.
    pub(crate) fn count(&self, kind: IdKind) -> u32 {
        self.ranges(kind).iter().map(|range| range.count()).fold(0, u32::saturating_add)
    }

    /// What keeps the mapper from taking the files at all, where something does.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// True if all that the mapper reads has been read here.
    pub(crate) fn are_known(&self) -> bool {
        self.trouble.is_none() && self.unreadable.is_none()
    }

    /// A file that the mapper may well read, but this user may not.
    pub(crate) fn unreadable(&self) -> Option<&Unreadable> {
        self.unreadable.as_ref()
    }
}

/// Reads everything that decides; what cannot be read is kept in `files`.
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

/// A file that this user cannot read.
pub(crate) struct Unreadable {
    pub(crate) file: PathBuf,
    /// Why not.
    pub(crate) why: String,
}

/// Every file that this user can read, and the first one that they cannot.
struct Readable {
    first: Option<Unreadable>,
}

impl Files for Readable {
    type Error = BadSetting;

    fn each_line(
        &mut self,
        path: &'static str,
        visit: &mut dyn FnMut(u32, &[u8]),
    ) -> Result<(), Self::Error> {
        if let Err(Error::Unreadable { file, why }) = read_lines(path, visit) {
            self.first.get_or_insert(Unreadable { file, why });
        }
        Ok(())
    }

    /// A plugin is not loaded here: getsubids(1) of shadow asks it.
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

/// A line such as `0: alice 100000 65536`.
fn listed_range(line: &[u8]) -> Option<IdRange> {
    let mut numbers = line.rsplit(|byte| *byte == b' ').map(parse_number);
    // Error ignored: this is none of those lines.
    let (count, first) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    IdRange::new(first, count).ok()
}

/// As many as a Debian root takes behind the caller's own ID: 2,000 of its accounts, and one for nobody.
pub(crate) const ENOUGH: u32 = 2001;

/// Why a line grants nothing in a user namespace without its IDs.
const ABSENT: &str = "none of its IDs exists in this user namespace";

/// A line of a grant file that names the caller, or what a rule of mapper.conf computes for them.
pub(crate) struct OwnLine {
    /// Which kind of ID it grants.
    pub(crate) kind: IdKind,
    pub(crate) file: &'static str,
    /// Its number, from 1 on; none for what is computed.
    pub(crate) number: Option<u32>,
    /// The range, where the line has one.
    pub(crate) range: Option<IdRange>,
    /// The parts of the range that exist in this user namespace, if not all of it does.
    pub(crate) present: Option<Vec<IdRange>>,
    /// Why it grants nothing, where it does not.
    pub(crate) refused: Option<&'static str>,
}

/// `FILE:LINE`, or the file alone.
fn location(file: &str, line: Option<u32>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
}

impl OwnLine {
    /// `FILE:LINE`, or the file alone.
    pub(crate) fn location(&self) -> String {
        location(self.file, self.number)
    }
}

impl Grants {
    /// The lines of a kind that name the caller, the bad ones too, and what is computed for him.
    pub(crate) fn own_lines(&self, kind: IdKind) -> Vec<OwnLine> {
        let (caller, granted) = (self.policy.caller(), self.policy.granted(kind));
        let mut counted = 0_usize;
        let mut judged = |file, number, range: IdRange| {
            counted = counted.saturating_add(1);
            let present = self.present.parts_if_cut(kind, range);
            let refused = if counted > MAX_GRANTS {
                Some("4096 lines of this user come before it")
            } else if !granted.ranges().contains(&range) {
                Some("the range holds the ID of a local account")
            } else {
                present.as_ref().filter(|parts| parts.is_empty()).map(|_| ABSENT)
            };
            OwnLine { kind, file, number, range: Some(range), present, refused }
        };
        let computed = self.policy.config().computed_grant(caller);
        let mut found: Vec<OwnLine> =
            computed.into_iter().map(|range| judged(CONFIG_FILE, None, range)).collect();
        let file = kind.grant_file();
        each_line_of(file, |number, line| match SubidLine::parse(line) {
            Ok(Some(SubidLine { owner, range })) if caller.owns(owner) => {
                found.push(judged(file, Some(number), range));
            }
            Err(why) if self.names_caller(line) => {
                let refused = Some(why.reason());
                found.push(OwnLine { kind, file, number: Some(number), range: None, present: None, refused });
            }
            _ => {}
        });
        found
    }

    fn names_caller(&self, line: &[u8]) -> bool {
        let word = line.split(|byte| *byte == b':').next().unwrap_or_default();
        self.policy.caller().names().any(|name| name == word)
    }
}
