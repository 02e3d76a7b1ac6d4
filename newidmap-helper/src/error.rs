//! What can go wrong, as one line for a person and one exit status for a program; the only place that prints.

use crate::Start;
use idmap::{
    CONFIG_FILE, ConfigError, IdKind, NSSWITCH_FILE, NotGranted, Policy, PolicyError, RequestError,
    TargetWord, Text,
};
use rustix::fd::BorrowedFd;
use rustix::io::{Errno, write};

/// Every way in which the mapper ends without writing.
pub(crate) enum Error<'m> {
    /// The command line.
    Usage(RequestError<'static>),
    /// A line of the request that nothing grants.
    NotGranted(IdKind, NotGranted, &'m Policy),
    /// Granted, but not an ID of the user namespace that the mapper runs in.
    NotOfNamespace(IdKind, NotGranted),
    /// A map that the kernel takes joined only, for a user namespace in which it can't be.
    TooManyLines(IdKind),
    /// The target, and what it is not: the text is the same for what does not exist and for what is somebody else's.
    Target(TargetWord, &'static str),
    /// A file that grants depend on, and why it is not trusted.
    Untrusted(&'static str, &'static str),
    /// A file that grants depend on and that could not be read.
    Unreadable(&'static str, Errno),
    /// A line of mapper.conf.
    Config(u32, ConfigError),
    /// Name services that were asked who the caller is, and why there is no answer.
    NameService(&'static str),
    /// A plugin that was asked for a grant, and why there is no answer.
    Plugin(&'static str),
    /// The capability that this kind of map needs is missing, and why.
    NoPrivilege(IdKind, &'static str),
    /// What was being done when the kernel refused.
    Kernel(&'static str, Errno),
}

/// How many granted ranges a message names.
const SHOWN: usize = 8;

/// Longer than any line that is printed or logged.
pub(crate) type Line = Text<2048>;

/// Descriptors 1 and 2.
pub struct Streams {
    /// Standard output.
    pub out: BorrowedFd<'static>,
    /// Standard error.
    pub err: BorrowedFd<'static>,
}

impl Streams {
    pub(crate) fn print<'m>(&self, text: &[u8]) -> Result<(), Error<'m>> {
        write(self.out, text).map(|_| ()).map_err(|errno| Error::Kernel("printing", errno))
    }
}

impl From<PolicyError<Error<'static>>> for Error<'_> {
    fn from(error: PolicyError<Error<'static>>) -> Self {
        match error {
            PolicyError::File(error) => error,
            PolicyError::Config(number, why) => Error::Config(number, why),
        }
    }
}

impl Error<'_> {
    /// Prints the line and returns the status. Where standard error cannot be written, the status has to do.
    pub(crate) fn report(&self, start: &Start) -> u8 {
        let program = start.program;
        let mut line = Line::default();
        line.push(program.name()).push(b": ");
        self.describe(&mut line);
        if matches!(self, Error::Usage(_)) {
            line.push(program.usage());
        }
        line.push(b"\n");
        let _ = write(start.streams.err, line.as_bytes());
        program.status(self)
    }

    /// The exit status: the table in newidmap-helper(8).
    pub(crate) const fn status(&self) -> u8 {
        match self {
            Error::NotGranted(..) | Error::NotOfNamespace(..) | Error::TooManyLines(_) => 1,
            Error::Usage(_) => 2,
            Error::Target(..) => 3,
            Error::Untrusted(..) | Error::Unreadable(..) | Error::Config(..) => 4,
            Error::NameService(_) | Error::Plugin(_) => 4,
            Error::NoPrivilege(..) => 5,
            Error::Kernel(..) => 6,
        }
    }

    /// The line without the program's name.
    pub(crate) fn describe(&self, line: &mut Line) {
        match self {
            Error::Usage(error) => describe_usage(line, error),
            Error::NotGranted(kind, refused, policy) => {
                describe_refusal(line, *kind, refused);
                describe_granted(line, *kind, policy);
            }
            Error::NotOfNamespace(kind, refused) => {
                describe_refusal(line, *kind, refused);
                line.push(b"granted, but no one line of this user namespace's own map holds it");
            }
            Error::TooManyLines(kind) => {
                line.push(b"writing ").push(kind.map_file().as_bytes());
                line.push(
                    b": more than 340 ranges or 4095 bytes that this user namespace's own map keeps apart",
                );
            }
            Error::Target(word, unfit) => {
                line.push(b"opening target ");
                describe_target(line, *word);
                line.push(b": ").push(unfit.as_bytes());
            }
            Error::Untrusted(file, why) => {
                line.push(b"reading ").push(file.as_bytes()).push(b": not trusted: ").push(why.as_bytes());
            }
            Error::Unreadable(file, errno) => {
                line.push(b"reading ").push(file.as_bytes());
                describe_errno(line, *errno);
            }
            Error::Config(number, why) => {
                line.push(b"reading ").push(CONFIG_FILE.as_bytes()).push(b": line ").push_number(*number);
                line.push(b": ").push(why.reason().as_bytes());
            }
            Error::NameService(why) => {
                line.push(b"asking the name services for your account: ").push(why.as_bytes());
            }
            Error::Plugin(why) => {
                line.push(b"asking the plugin that ").push(NSSWITCH_FILE.as_bytes());
                line.push(b" names for subid: ").push(why.as_bytes());
            }
            Error::NoPrivilege(kind, why) => {
                line.push(b"writing ").push(kind.map_file().as_bytes()).push(b": ");
                line.push(capability(*kind)).push(b" is missing: ").push(why.as_bytes());
            }
            Error::Kernel(what, errno) => {
                line.push(what.as_bytes());
                describe_errno(line, *errno);
            }
        }
    }
}

const fn capability(kind: IdKind) -> &'static [u8] {
    match kind {
        IdKind::Uid => b"CAP_SETUID",
        IdKind::Gid => b"CAP_SETGID",
    }
}

fn describe_usage(line: &mut Line, error: &RequestError<'_>) {
    let (what, word): (&[u8], &[u8]) = match *error {
        RequestError::NoTarget => (b"no TARGET given", b""),
        RequestError::NoMap => (b"no map given", b""),
        RequestError::Target(word) => (b"TARGET is neither a PID nor fd:N: ", word),
        RequestError::Unknown(word) => (b"unexpected word: ", word),
        RequestError::NoValue(word) => (b"value missing after ", word),
        RequestError::Twice(word) => (b"given twice: ", word),
        RequestError::Setgroups(word) => (b"--setgroups takes only deny, not ", word),
        RequestError::Incomplete(word) => (b"a range needs UID LOWERUID COUNT, or their GIDs: ", word),
        RequestError::Map(kind, word, why) => {
            line.push(b"reading the ")
                .push(kind.name().as_bytes())
                .push(b" map: ")
                .push(why.reason().as_bytes());
            (if word.is_empty() { b"" } else { b": " }, word)
        }
    };
    line.push(what).push_escaped(word);
}

/// The target as it was named on the command line.
pub(crate) fn describe_target(line: &mut Line, word: TargetWord) {
    match word {
        TargetWord::Pid(pid) => line.push_number(pid),
        TargetWord::Descriptor(number) => line.push(b"fd:").push_number(number),
    };
}

/// The sentence is shadow's, so that a search for it finds what is known: ranges without their end.
fn describe_refusal(line: &mut Line, kind: IdKind, refused: &NotGranted) {
    let inside_end = refused.inside.saturating_add(refused.range.count());
    line.push(kind.name().as_bytes()).push(b" range ");
    describe_range(line, refused.inside, inside_end);
    line.push(b" -> ");
    describe_range(line, refused.range.first(), refused.range.end());
    line.push(b" not allowed: ");
}

fn describe_granted(line: &mut Line, kind: IdKind, policy: &Policy) {
    if !policy.plugin().is_empty() {
        line.push(NSSWITCH_FILE.as_bytes())
            .push(b" leaves grants to the plugin ")
            .push_escaped(policy.plugin());
        line.push(if policy.asked_name_service() {
            b", which does not grant it"
        } else {
            b", which takes newidmap-helper-nss"
        });
        return;
    }
    let ranges = policy.granted(kind).ranges();
    line.push(kind.grant_file().as_bytes());
    if policy.config().computed_grant(policy.caller()).is_some() {
        line.push(b" and ").push(CONFIG_FILE.as_bytes());
        line.push(b" grant you ");
    } else {
        line.push(b" grants you ");
    }
    if ranges.is_empty() {
        line.push(b"nothing");
    }
    for (at, range) in ranges.iter().take(SHOWN).enumerate() {
        line.push(if at == 0 { b"" } else { b" " });
        describe_range(line, range.first(), range.end());
    }
    if ranges.len() > SHOWN {
        line.push(b" and more");
    }
    if policy.granted(kind).has_more() {
        line.push(b"; your lines after the first 4096 count for nothing");
    }
    if policy.needs_name_service() && !policy.asked_name_service() {
        line.push(b"; your account is not a local one, which takes newidmap-helper-nss");
    }
}

fn describe_range(line: &mut Line, first: u32, end: u32) {
    line.push(b"[").push_number(first).push(b"-").push_number(end).push(b")");
}

fn describe_errno(line: &mut Line, errno: Errno) {
    let name: &[u8] = match errno {
        Errno::PERM => b"Operation not permitted",
        Errno::ACCESS => b"Permission denied",
        Errno::NOENT => b"No such file or directory",
        Errno::INVAL => b"Invalid argument",
        Errno::LOOP => b"Too many levels of symbolic links",
        Errno::MFILE => b"Too many open files",
        _ => {
            line.push(b": errno ").push_number(errno.raw_os_error().unsigned_abs());
            return;
        }
    };
    line.push(b": ").push(name);
}
