//! One datagram to the system log about what was written or refused, where mapper.conf asks for it (property P8).

use crate::Start;
use crate::error::{Error, Line, describe_target};
use rustix::io::Result as Outcome;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with};
use rustix::process::getpid;
use subroot_idmap::{Log, Request, TargetArg, push_typed};

/// How many ranges of a map are named.
const SHOWN: usize = 16;

/// What the outcome is one of.
pub(crate) struct Asked<'a> {
    pub(crate) start: &'a Start,
    pub(crate) arg: TargetArg,
    pub(crate) request: &'a Request,
}

/// Logs how it ended. No failure of it matters: a log that is full or not there never delays or fails a launch.
pub(crate) fn record(log: Log, asked: &Asked<'_>, outcome: &Result<(), Error<'_>>) {
    if log == Log::All || log == Log::Refusals && outcome.is_err() {
        let mut line = Line::EMPTY;
        describe(&mut line, asked, outcome);
        let _no_log = send(line.as_bytes());
    }
}

fn describe(line: &mut Line, asked: &Asked<'_>, outcome: &Result<(), Error<'_>>) {
    // LOG_AUTHPRIV with LOG_INFO, and with LOG_WARNING: sys/syslog.h.
    line.push(if outcome.is_ok() { "<86>" } else { "<84>" }).push(asked.start.program.name);
    line.push("[").push_number(getpid().as_raw_nonzero().get().unsigned_abs()).push("]: uid=");
    describe_target(line.push_number(asked.start.uid).push(" target="), asked.arg);
    for kind in asked.request.kinds() {
        let map = asked.request.maps.get(kind);
        push_typed(line.push(" ").push(kind.map_file()).push("="), map.joined().take(SHOWN));
        line.push(if map.joined().count() > SHOWN { ",..." } else { "" });
    }
    match outcome {
        Ok(()) => drop(line.push(" written")),
        Err(error) => error.describe(line.push(" refused: ")),
    }
}

/// Sends to where a system logger listens (syslog(3)), without a connection and without waiting for a reader.
fn send(line: &[u8]) -> Outcome<usize> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    sendto(socket, line, SendFlags::NOSIGNAL, &SocketAddrUnix::new("/dev/log")?)
}
