//! What the administrator's files grant to the caller, read with the mapper's own rules.

use crate::accounts::{by_uid, printed};
use idmap::{
    CONFIG_FILE, Files, IdKind, IdRange, PluginQuestion, Policy, PolicyError, SubidLine, each_line,
    parse_number,
};
use nix::unistd::{getgid, getuid};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

/// The caller, the administrator's settings, and the grants of both kinds.
pub(crate) struct Grants {
    policy: Box<Policy>,
    trouble: Option<String>,
}

impl Grants {
    /// Reads the files; what cannot be read grants nothing.
    pub(crate) fn read() -> Grants {
        let mut policy = Box::new(Policy::EMPTY);
        let Ok(()) = policy.read_caller(getuid().as_raw(), getgid().as_raw(), &mut Readable);
        if policy.needs_name_service() {
            let account = if policy.caller().is_local() { None } else { by_uid(getuid().as_raw()) };
            policy.note_name_service(account.as_ref().map(|user| user.name().as_bytes()));
        }
        let trouble = policy.read_grants(|_| true, &mut Readable).err().map(|error| match error {
            PolicyError::Config(number, why) => format!("{CONFIG_FILE}, line {number}: {}", why.reason()),
            PolicyError::TooManyGrants(kind) => {
                format!("{} has more lines for one owner than are taken", kind.grant_file())
            }
        });
        Grants { policy, trouble }
    }

    /// What was read.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What keeps the mapper from taking the files at all, where something does.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

/// Every file that this user can read.
struct Readable;

impl Files for Readable {
    type Error = std::convert::Infallible;

    fn each_line(
        &mut self,
        path: &'static str,
        visit: &mut dyn FnMut(u32, &[u8]),
    ) -> Result<(), Self::Error> {
        each_line_of(path, visit);
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
    let (count, first) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    IdRange::new(first, count).ok()
}

/// A line of a grant file that names the caller, or what a rule of mapper.conf computes for him.
pub(crate) struct OwnLine {
    /// Which kind of ID it grants.
    pub(crate) kind: IdKind,
    /// Which file it is in.
    pub(crate) file: &'static str,
    /// Its number, from 1 on; none for what is computed.
    pub(crate) number: Option<u32>,
    /// The range, where the line has one.
    pub(crate) range: Option<IdRange>,
    /// Why it grants nothing, where it does not.
    pub(crate) refused: Option<&'static str>,
}

impl Grants {
    /// The lines of a kind that name the caller, the bad ones too, and what is computed for him.
    pub(crate) fn own_lines(&self, kind: IdKind) -> Vec<OwnLine> {
        let (caller, granted) = (self.policy.caller(), self.policy.granted(kind));
        let judged = |file, number, range: IdRange| {
            let is_void = !granted.ranges().contains(&range);
            let refused = is_void.then_some("the range holds the ID of a local account");
            OwnLine { kind, file, number, range: Some(range), refused }
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
                found.push(OwnLine { kind, file, number: Some(number), range: None, refused });
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

/// As much of a file as the mapper holds at once.
const MAPPERS_BUFFER: usize = 64 * 1024;

/// Visits the lines of a file, with their numbers; a file that cannot be read has none.
pub(crate) fn each_line_of(path: &str, visit: impl FnMut(u32, &[u8])) {
    let Ok(mut file) = File::open(path) else { return };
    // Files of proc(5) have no size. What is longer than the mapper's buffer is read as the mapper reads it.
    let size = file.metadata().ok().and_then(|facts| usize::try_from(facts.len()).ok()).unwrap_or(0);
    let mut buffer =
        vec![0; if size == 0 { MAPPERS_BUFFER } else { MAPPERS_BUFFER.min(size.saturating_add(1)) }];
    let read = |free: &mut [u8]| loop {
        match file.read(free) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    };
    if let Err(error) = each_line(&mut buffer, read, visit) {
        log::warn!("reading {path}: {error}");
    }
}
