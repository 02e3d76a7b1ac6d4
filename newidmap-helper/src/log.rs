//! Sends one datagram to the system log about a written or refused map, if mapper.conf asks for it (property
//! P8).

use crate::Start;
use crate::error::{Error, Line, describe_target};
use rustix::io::Result as Outcome;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with};
use rustix::process::getpid;
use subroot_idmap::{Log, Request, TargetArg, push_typed};

/// The maximum number of ranges of a map in a log line.
const SHOWN: usize = 16;

/// The request that is logged.
pub(crate) struct Asked<'a> {
    pub(crate) start: &'a Start,
    pub(crate) arg: TargetArg,
    pub(crate) request: &'a Request,
}

/// Logs the outcome. Failures are ignored: a full or missing log must not delay or fail a launch.
pub(crate) fn record(log: Log, asked: &Asked<'_>, outcome: &Result<(), Error<'_>>) {
    if log == Log::All || log == Log::Refusals && outcome.is_err() {
        let mut line = Line::EMPTY;
        describe(&mut line, asked, outcome);
        let _no_log = send(line.as_bytes());
    }
}

fn describe(line: &mut Line, asked: &Asked<'_>, outcome: &Result<(), Error<'_>>) {
    // LOG_AUTHPRIV with LOG_INFO, or with LOG_WARNING: sys/syslog.h.
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

/// Sends to the socket of the system logger (syslog(3)), without connecting or waiting for a reader.
fn send(line: &[u8]) -> Outcome<usize> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    sendto(socket, line, SendFlags::NOSIGNAL, &SocketAddrUnix::new("/dev/log")?)
}
