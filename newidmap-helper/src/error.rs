//! The mapper's errors: one line for the user and one exit status for the calling program. Only this file
//! prints them.

use crate::Start;
use rustix::io::{Errno, write};
use subroot_idmap::{
    BadSetting, CONFIG_FILE, IdKind, MapLine, Policy, RequestError, TargetArg, Text, push_granted,
    push_refused,
};

/// Every reason for which the mapper ends without writing.
pub(crate) enum Error<'m> {
    /// An invalid command line.
    Usage(RequestError<'static>),
    /// A requested line that no grant covers.
    NotGranted(IdKind, MapLine, &'m Policy),
    /// The line is granted, but the mapper's user namespace does not contain all of it in one line.
    NotOfNamespace(IdKind, MapLine),
    /// The map fits the kernel's limits only if joined, and the mapper's own user namespace does not allow
    /// the join.
    TooManyLines(IdKind),
    /// The target, and why it is rejected. The text is the same for a missing process and another user's, so
    /// that it does not reveal which.
    Target(TargetArg, &'static str),
    /// A file that grants depend on, and why it was not read.
    File(&'static str, Why),
    /// A rejected line of mapper.conf.
    Config(BadSetting),
    /// What name services or a plugin were asked, and why there is no answer.
    Unanswered(&'static str, &'static str),
    /// The capability for this kind of map is missing, and why.
    NoPrivilege(IdKind, &'static str),
    /// The operation that the kernel refused.
    Kernel(&'static str, Errno),
}

/// Why a file was not read.
pub(crate) enum Why {
    /// It is not a regular file.
    NotRegular,
    /// The file, or a directory or symlink on the way to it, is not trusted.
    Distrusted(&'static str),
    /// The kernel refused.
    Kernel(Errno),
}

impl From<Errno> for Why {
    fn from(errno: Errno) -> Why {
        Why::Kernel(errno)
    }
}

impl From<BadSetting> for Error<'_> {
    fn from(error: BadSetting) -> Self {
        Error::Config(error)
    }
}

/// Longer than any line that is printed or logged.
pub(crate) type Line = Text<2048>;

/// The text of strerror(3) for the most frequent errors.
const ERRORS: [(Errno, &str); 6] = [
    (Errno::PERM, ": Operation not permitted"),
    (Errno::ACCESS, ": Permission denied"),
    (Errno::NOENT, ": No such file or directory"),
    (Errno::INVAL, ": Invalid argument"),
    (Errno::LOOP, ": Too many levels of symbolic links"),
    (Errno::MFILE, ": Too many open files"),
];

impl Error<'_> {
    /// Prints the message and returns the exit status. A failure to print is ignored: the status still
    /// reports the error.
    pub(crate) fn report(&self, start: &Start) -> u8 {
        let mut line = Line::EMPTY;
        self.describe(line.push(start.program.name).push(": "));
        line.push(if matches!(self, Error::Usage(_)) { start.program.usage } else { "" }).push("\n");
        let _ = write(start.err, line.as_bytes());
        if start.program.only.is_some() { 1 } else { self.status() }
    }

    /// The exit status: the table in newidmap-helper(8).
    const fn status(&self) -> u8 {
        match self {
            Error::NotGranted(..) | Error::NotOfNamespace(..) | Error::TooManyLines(_) => 1,
            Error::Usage(_) => 2,
            Error::Target(..) => 3,
            Error::File(..) | Error::Config(_) | Error::Unanswered(..) => 4,
            Error::NoPrivilege(..) => 5,
            Error::Kernel(..) => 6,
        }
    }

    /// The message without the program's name.
    pub(crate) fn describe(&self, line: &mut Line) {
        match self {
            Error::Usage(error) => describe_usage(line, error),
            Error::NotGranted(kind, refused, policy) => {
                push_refused(line, *kind, *refused);
                push_granted(line, *kind, policy);
            }
            Error::NotOfNamespace(kind, refused) => {
                push_refused(line, *kind, *refused);
                line.push("granted, but no one line of this user namespace's own map holds it");
            }
            Error::TooManyLines(kind) => {
                line.push("writing ").push(kind.map_file());
                line.push(
                    ": more than 340 ranges or 4095 bytes that this user namespace's own map keeps apart",
                );
            }
            Error::Target(arg, unfit) => {
                describe_target(line.push("opening target "), *arg);
                line.push(": ").push(unfit);
            }
            Error::File(file, why) => {
                line.push("reading ").push(file);
                match why {
                    Why::NotRegular => line.push(": not trusted: not a regular file"),
                    Why::Distrusted(why) => {
                        line.push(": not trusted: ").push(why).push(" (it, or a directory on the way)")
                    }
                    Why::Kernel(errno) => describe_errno(line, *errno),
                };
            }
            Error::Config(BadSetting(number, why)) => {
                line.push("reading ").push(CONFIG_FILE).push(": line ").push_number(*number);
                line.push(": ").push(why.reason());
            }
            Error::Unanswered(what, why) => drop(line.push("asking ").push(what).push(": ").push(why)),
            Error::NoPrivilege(kind, why) => {
                line.push("writing ").push(kind.map_file()).push(": ");
                line.push(kind.pick("CAP_SETUID", "CAP_SETGID")).push(" is missing: ").push(why);
            }
            Error::Kernel(what, errno) => drop(describe_errno(line.push(what), *errno)),
        }
    }
}

fn describe_usage(line: &mut Line, error: &RequestError<'_>) {
    if let Some(kind) = error.map {
        line.push("reading the ").push(kind.name()).push(" map: ");
    }
    line.push(error.why.reason());
    if let Some([known, range]) = error.overlap {
        line.push(": ").push_range(known.first(), known.count());
        line.push(" and ").push_range(range.first(), range.count());
    } else if !error.arg.is_empty() {
        line.push(": ").push_escaped(error.arg);
    }
}

/// The target as named on the command line.
pub(crate) fn describe_target(line: &mut Line, arg: TargetArg) {
    match arg {
        TargetArg::Pid(pid) => line.push_number(pid),
        TargetArg::Descriptor(number) => line.push("fd:").push_number(number),
    };
}

fn describe_errno(line: &mut Line, errno: Errno) -> &mut Line {
    match ERRORS.iter().find(|(known, _)| *known == errno) {
        Some((_, name)) => line.push(name),
        None => line.push(": errno ").push_number(errno.raw_os_error().unsigned_abs()),
    }
}
