//! What can go wrong, as one line for a person and one exit status for a program; the only place that prints.

use idmap::{Granted, IdKind, NotGranted, RequestError, TargetWord, Text};
use rustix::fd::BorrowedFd;
use rustix::io::{Errno, write};

/// Every way in which the mapper ends without writing.
pub(crate) enum Error<'m> {
    /// The command line.
    Usage(RequestError<'static>),
    /// A line of the request that nothing grants.
    NotGranted(IdKind, NotGranted, &'m Granted),
    /// Granted, but not an ID of the user namespace that the mapper runs in.
    NotOfNamespace(IdKind, NotGranted),
    /// The target, and what it is not: the text is the same for what does not exist and for what is somebody else's.
    Target(TargetWord, &'static str),
    /// A file that grants depend on, and why it is not trusted.
    Untrusted(&'static str, &'static str),
    /// A file that grants depend on and that could not be read.
    Unreadable(&'static str, Errno),
    /// The caller has more lines in this file than the mapper takes.
    TooManyGrants(&'static str),
    /// The capability that this kind of map needs is missing, and why.
    NoPrivilege(IdKind, &'static str),
    /// What was being done when the kernel refused.
    Kernel(&'static str, Errno),
}

/// How many granted ranges a message names.
const SHOWN: usize = 8;

type Line = Text<1024>;

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

impl Error<'_> {
    /// Prints the line and returns the status. Where standard error cannot be written, the status has to do.
    pub(crate) fn report(&self, streams: &Streams) -> u8 {
        let mut line = Line::default();
        line.push(b"newidmap-helper: ");
        self.describe(&mut line);
        line.push(b"\n");
        let _ = write(streams.err, line.as_bytes());
        self.status()
    }

    /// The exit status: the table in newidmap-helper(8).
    const fn status(&self) -> u8 {
        match self {
            Error::NotGranted(..) | Error::NotOfNamespace(..) => 1,
            Error::Usage(_) => 2,
            Error::Target(..) => 3,
            Error::Untrusted(..) | Error::Unreadable(..) | Error::TooManyGrants(_) => 4,
            Error::NoPrivilege(..) => 5,
            Error::Kernel(..) => 6,
        }
    }

    fn describe(&self, line: &mut Line) {
        match self {
            Error::Usage(error) => describe_usage(line, error),
            Error::NotGranted(kind, refused, granted) => {
                describe_refusal(line, *kind, refused);
                describe_granted(line, *kind, granted);
            }
            Error::NotOfNamespace(kind, refused) => {
                describe_refusal(line, *kind, refused);
                line.push(b"granted, but not mapped in this user namespace");
            }
            Error::Target(word, unfit) => {
                line.push(b"opening target ");
                match word {
                    TargetWord::Pid(pid) => line.push_number(*pid),
                    TargetWord::Descriptor(number) => line.push(b"fd:").push_number(*number),
                };
                line.push(b": ").push(unfit.as_bytes());
            }
            Error::Untrusted(file, why) => {
                line.push(b"reading ").push(file.as_bytes()).push(b": not trusted: ").push(why.as_bytes());
            }
            Error::Unreadable(file, errno) => {
                line.push(b"reading ").push(file.as_bytes());
                describe_errno(line, *errno);
            }
            Error::TooManyGrants(file) => {
                line.push(b"reading ").push(file.as_bytes()).push(b": more than 4096 lines for one owner");
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
        RequestError::NoMap => (b"neither --uid-map nor --gid-map given", b""),
        RequestError::Target(word) => (b"TARGET is neither a PID nor fd:N: ", word),
        RequestError::Unknown(word) => (b"unexpected word: ", word),
        RequestError::NoValue(word) => (b"value missing after ", word),
        RequestError::Twice(word) => (b"given twice: ", word),
        RequestError::Setgroups(word) => (b"--setgroups takes only deny, not ", word),
        RequestError::Map(kind, word, why) => {
            line.push(b"reading ").push(kind.option().as_bytes()).push(b": ").push(why.reason().as_bytes());
            (b": ", word)
        }
    };
    line.push(what).push_escaped(word).push(b" (see --help)");
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

fn describe_granted(line: &mut Line, kind: IdKind, granted: &Granted) {
    line.push(kind.grant_file().as_bytes()).push(b" grants you ");
    if granted.ranges().is_empty() {
        line.push(b"nothing");
    }
    for (at, range) in granted.ranges().iter().take(SHOWN).enumerate() {
        line.push(if at == 0 { b"" } else { b" " });
        describe_range(line, range.first(), range.end());
    }
    if granted.ranges().len() > SHOWN {
        line.push(b" and more");
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
