//! One datagram to the system log about what was written or refused, where mapper.conf asks for it (property P8).

use crate::Start;
use crate::error::{Error, Line, describe_target};
use idmap::{IdKind, Log, Request, RequestedMap, TargetWord};
use rustix::io::Result as Outcome;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with};
use rustix::process::getpid;

/// Where a system logger listens: syslog(3).
const LOGGER: &str = "/dev/log";
/// LOG_AUTHPRIV with LOG_INFO, and with LOG_WARNING: sys/syslog.h.
const WRITTEN: &[u8] = b"<86>";
const REFUSED: &[u8] = b"<84>";
/// How many ranges of a map are named.
const SHOWN: usize = 16;

/// What the outcome is one of.
pub(crate) struct Asked<'a> {
    pub(crate) start: &'a Start,
    pub(crate) word: TargetWord,
    pub(crate) request: &'a Request,
}

/// Logs how it ended. No failure of it matters: a log that is full or not there never delays or fails a launch.
pub(crate) fn note(log: Log, asked: &Asked<'_>, outcome: &Result<(), Error<'_>>) {
    let is_wanted = match outcome {
        Ok(()) => log == Log::All,
        Err(_) => log != Log::Nothing,
    };
    if is_wanted {
        let mut line = Line::default();
        describe(&mut line, asked, outcome);
        let _no_log = send(line.as_bytes());
    }
}

fn describe(line: &mut Line, asked: &Asked<'_>, outcome: &Result<(), Error<'_>>) {
    let pid = getpid().as_raw_nonzero().get().unsigned_abs();
    line.push(if outcome.is_ok() { WRITTEN } else { REFUSED }).push(asked.start.program.name());
    line.push(b"[").push_number(pid).push(b"]: uid=").push_number(asked.start.uid).push(b" target=");
    describe_target(line, asked.word);
    for kind in IdKind::BOTH {
        describe_map(line, kind, asked.request.map(kind));
    }
    match outcome {
        Ok(()) => drop(line.push(b" written")),
        Err(error) => error.describe(line.push(b" refused: ")),
    }
}

fn describe_map(line: &mut Line, kind: IdKind, map: &RequestedMap) {
    let ranges = map.joined().count();
    for (at, range) in map.joined().take(SHOWN).enumerate() {
        match at {
            0 => line.push(b" ").push(kind.map_file().as_bytes()).push(b"="),
            _ => line.push(b","),
        };
        line.push_number(range.inside).push(b":").push_number(range.outside);
        line.push(b":").push_number(range.count);
    }
    if ranges > SHOWN {
        line.push(b",...");
    }
}

/// Sends without a connection and without waiting for a reader.
fn send(line: &[u8]) -> Outcome<usize> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    sendto(socket, line, SendFlags::NOSIGNAL, &SocketAddrUnix::new(LOGGER)?)
}
