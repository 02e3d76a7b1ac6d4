//! Runs another command in a running sandbox: `subroot exec`.

mod member;

use crate::child::ends::ChildEnds;
use crate::child::identity::Identity;
use crate::child::prepared::Prepared;
use crate::child::shim::Shim;
use crate::child::start;
use crate::error::{Error, OsError};
use crate::failure::{Failure, Step, report_to};
use crate::parent::channel::{packet_pipe, pipe, socket};
use crate::parent::join::member::Member;
use crate::parent::launch;
use crate::parent::live::{Live, Released};
use crate::parent::registry::{self, Known};
use crate::parent::relay::{self, Signals};
use crate::parent::status_stream;
use crate::parent::terminal::Terminal;
use crate::plan::{outline, progress};
use crate::request::passed::Passed;
use crate::request::process::Process;
use crate::rootfs::created_mount_points::MountPoints;
use crate::sys::process::{Ended, Side};
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl::set_dumpable;
use std::convert::Infallible;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the supervisor of a detached sandbox may take to end it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A command, and a process whose namespaces it joins.
pub(crate) struct Joined {
    name: String,
    member: Member,
    /// Who it is inside if nobody is named: its uid and gid.
    first: [u32; 2],
    process: Prepared,
}

impl Joined {
    /// Finds a process of the sandbox to join. The sandbox's init cannot be joined, because it is not
    /// dumpable.
    ///
    /// # Errors
    /// A sandbox that has just ended, or an invalid command.
    pub(crate) fn new(known: &Known, process: Process) -> Result<Joined, Error> {
        let name = known.shown_name();
        let process = Prepared::new(process)?;
        match member::find(known) {
            Ok(member) => Ok(Joined { name, member, first: known.first, process }),
            Err(why) => Err(Error::Running { sandbox: name, why }),
        }
    }

    /// The process whose namespaces are joined.
    pub(crate) fn member(&self) -> &OwnedFd {
        &self.member.process
    }
}

/// Runs the command and returns how it ended.
///
/// # Errors
/// Why the command could not be started.
pub(crate) fn run(joined: &Joined, passed: Passed, streams: &[Arc<OwnedFd>]) -> Result<Ended, Error> {
    let outcome = perform(joined, passed, streams);
    status_stream::report_end(streams, &outcome);
    outcome
}

fn perform(joined: &Joined, passed: Passed, streams: &[Arc<OwnedFd>]) -> Result<Ended, Error> {
    if progress::is_wanted() {
        progress::follow(outline::steps_of_joined(joined.process.process(), &passed));
    }
    launch::refuse_directories(&passed)?;
    let signals = Signals::block()?;
    start(joined, (passed, &signals), streams).and_then(|mut released| relay::wait(&mut released, &signals))
}

/// Joins in a separate process, because joining cannot be undone. Only children of a process that joins a pid
/// namespace are in it, so that process clones the command's process as its own sibling and exits.
fn start(
    joined: &Joined,
    (passed, signals): (Passed, &Signals),
    streams: &[Arc<OwnedFd>],
) -> Result<Released, Error> {
    let occupied = launch::occupy(&passed)?;
    let ((go, lifeline), (report, report_write), (ours, theirs)) = (pipe()?, packet_pipe()?, socket()?);
    let (terminal, terminal_inside) = match joined.process.process().terminal {
        true => socket().map(|(ours, theirs)| (Some(ours), Some(theirs)))?,
        false => (None, None),
    };
    let shim = Shim::new_if_needed(&report_write).map_err(|errno| Error::Shim(OsError(errno)))?;
    let failed = |errno| Error::Parent { doing: "creating a process", errno: OsError(errno) };
    let joiner = match sys::process::clone_process(0).map_err(failed)? {
        Side::Parent(_, joiner) => joiner,
        Side::Child => {
            let (terminal, leads_group) = (terminal_inside, signals.ignores_hangup);
            let ends = ChildEnds { lifeline: go, report: report_write, terminal, shim, passed, leads_group };
            join(joined, Box::leak(Box::new(ends)), &theirs)
        }
    };
    drop((report_write, theirs, passed, occupied));
    let mut number = [0; 4];
    let command = sys::descriptors::receive_descriptor(&ours, &mut number);
    // Error ignored: the descriptor shows whether the process succeeded.
    let _ = sys::process::wait_for(&joiner);
    let process = match command {
        Ok(process) => process,
        // Error ignored: the child's report says why.
        Err(_) => {
            // The command's process may be waiting for the lifeline, and has the report pipe open.
            drop(lifeline);
            return Err(child_failure(&report));
        }
    };
    let pid = i32::from_le_bytes(number);
    let live = Live::new((pid, process), None, MountPoints::default(), (&go, lifeline))?;
    let raw = |errno| Error::Parent { doing: "making the terminal raw", errno: OsError(errno) };
    let terminal = terminal.map(Terminal::new).transpose().map_err(raw)?;
    let parent = if signals.ignores_hangup { None } else { watched_parent()? };
    live.release(0)?;
    let started = (!streams.is_empty()).then(|| status_stream::Started::of_process(streams, pid));
    Ok(Released { live, report, parent, terminal, console: None, entry: None, stop_signal: None, started })
}

/// Like [`launch::watched_parent`], with errors that have no fix: `exec` lacks the option that the fix for
/// `run` names.
fn watched_parent() -> Result<Option<OwnedFd>, Error> {
    let failed =
        |errno| Error::Parent { doing: "watching the process that started subroot", errno: OsError(errno) };
    launch::watched_parent().map_err(|error| match error {
        Error::Unwatched(OsError(errno)) => failed(errno),
        Error::Orphaned => failed(Errno::ESRCH),
        error => error,
    })
}

fn child_failure(report: &OwnedFd) -> Error {
    let mut record = [0; crate::failure::MAX_RECORD];
    loop {
        match nix::unistd::read(report, &mut record).map(|length| record.get(..length).unwrap_or_default()) {
            Ok([]) => return Error::Vanished,
            Ok(packet) if progress::print_reported(packet) => {}
            Ok(packet) => return Error::reported(packet),
            Err(errno) => {
                return Error::Parent { doing: "reading the new process's report", errno: OsError(errno) };
            }
        }
    }
}

/// Runs the process that joins the namespaces.
fn join(joined: &Joined, ends: &'static ChildEnds, launcher: &OwnedFd) -> ! {
    report_to(&ends.report);
    sys::program::replace_title(&format!("subroot-exec {}", joined.name));
    let closed = ends.close_all_others(&[joined.member(), launcher]);
    let failure = match closed.and_then(|()| enter(joined)) {
        Ok(Side::Parent(pid, process)) => {
            match sys::descriptors::send_descriptor(launcher, &pid.to_le_bytes(), process) {
                Ok(()) => sys::process::exit(0),
                Err(errno) => Failure::new(Step::Fork, b"", errno),
            }
        }
        Ok(Side::Child) => {
            [joined.member(), launcher].into_iter().for_each(sys::descriptors::close_own);
            match start_command(joined, ends) {
                Ok(never) => match never {},
                Err(failure) => failure,
            }
        }
        Err(failure) => failure,
    };
    failure.end()
}

/// Joins the namespaces and clones the command's process.
///
/// This process must not be dumpable. A command in the sandbox that has CAP_SYS_PTRACE could otherwise trace
/// it and reach the host's files and memory that it still holds (CVE-2016-9962). The later execve makes it
/// dumpable again. The flag is cleared twice, because joining a user namespace changes the credentials, which
/// makes the process dumpable if fs.suid_dumpable is 1 (proc_sys_fs(5)).
fn enter(joined: &Joined) -> Result<Side, Failure> {
    let name = joined.name.as_bytes();
    joined.process.adjust_oom_score()?;
    set_dumpable(false).map_err(Failure::on(Step::Join, name))?;
    sys::namespaces::set_namespaces(joined.member(), joined.member.namespaces)
        .map_err(Failure::on(Step::Join, name))?;
    set_dumpable(false).map_err(Failure::on(Step::Join, name))?;
    // ENOMEM can also mean that the init of the pid namespace has ended: pid_namespaces(7).
    let step = |errno| if errno == Errno::ENOMEM { Step::Join } else { Step::Fork };
    sys::process::clone_sibling().map_err(|errno| Failure::new(step(errno), name, errno))
}

fn start_command(joined: &Joined, ends: &ChildEnds) -> Result<Infallible, Failure> {
    start::wait_for_byte(ends);
    let first = Identity::first(joined.first, joined.process.process().home.as_deref());
    // Use the state read earlier: /proc may be faked by the rootfs here.
    start::become_first(&first, joined.process.process(), || Ok(joined.member.denies_setgroups))
        .map_err(Failure::on(Step::BecomeRoot, b""))?;
    start::die_with_launcher(ends);
    sys::descriptors::close_own(&ends.lifeline);
    if let Some(socket) = &ends.terminal {
        crate::child::terminal::take_new(socket).map_err(Failure::on(Step::Terminal, b""))?;
    }
    ends.leave_group()?;
    joined.process.start(first, ends)
}

/// Sends a signal to the launcher of a sandbox, which relays it to the command. SIGKILL ends the sandbox.
///
/// # Errors
/// ESRCH if the sandbox has just ended.
pub(crate) fn signal(known: &Known, signal: i32) -> Result<(), Error> {
    let sent = registry::open_launcher(known).and_then(|launcher| send(&launcher, known, signal));
    sent.map_err(|errno| unsignalled(known, errno))
}

/// Why no signal can be sent to the launcher of a sandbox.
pub(crate) fn unsignalled(known: &Known, errno: Errno) -> Error {
    match errno {
        Errno::ESRCH => Error::Running { sandbox: known.shown_name(), why: "it has just ended".into() },
        errno => Error::Parent { doing: "sending a signal to a sandbox", errno: OsError(errno) },
    }
}

/// The supervisor of a detached sandbox has to record the end, so it is not killed, unless it does not react.
fn send(launcher: &OwnedFd, known: &Known, signal: i32) -> Outcome<()> {
    if sys::signals::must_be_carried(signal) {
        let code = sys::signals::code_of_carried(signal);
        return sys::process::pidfd_send_signal_with_code(launcher, sys::signals::END, code);
    }
    if known.detached.is_none() || signal != libc::SIGKILL {
        return sys::process::pidfd_send_signal(launcher, signal);
    }
    let (number, code) = (sys::signals::END, sys::signals::END_SANDBOX);
    sys::process::pidfd_send_signal_with_code(launcher, number, code)?;
    match sys::process::ends_by(launcher, Some(Instant::now() + PATIENCE))? {
        true => Ok(()),
        false => sys::process::pidfd_send_signal(launcher, signal),
    }
}
