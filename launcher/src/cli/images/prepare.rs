//! Runs `subroot-image prepare`, which unpacks an image for the maps of a launch.

use crate::cli::options::Asked;
use crate::cli::trees::program::command_to_execute;
use crate::error::{Error, OsError};
use crate::failure::{OWN_FAILURE, reason_of};
use crate::images::id_options::IdOptions;
use crate::images::program;
use crate::parent::explain;
use crate::parent::relay::Signals;
use crate::request::ids::IdWishes;
use crate::sys::process::Ended;
use crate::sys::{self, Outcome, standard_error};
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::getpid;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

/// How it ended.
pub(crate) enum Prepared {
    /// The image is unpacked.
    Done,
    /// It failed, and has printed the reason: the exit status.
    Stopped(u8),
}

/// Has an image unpacked. A signal that ends this process ends the other one first.
///
/// # Errors
/// subroot-image is not installed, or cannot be executed.
pub(crate) fn prepare(image: &OsStr, ids: &IdWishes, asked: &Asked) -> Result<Prepared, Error> {
    program::find().ok_or(Error::NoImageProgram)?;
    let mut args: Vec<OsString> = vec!["prepare".into()];
    args.extend(standard_error::is_quiet().then(|| "--quiet".into()));
    args.push(asked.pull.option().into());
    args.extend(asked.is_insecure.then(|| "--tls-verify=false".into()));
    args.extend(IdOptions::of(ids).written());
    args.extend(["--".into(), image.to_owned()]);
    let failed = |errno| Error::Parent { doing: "running subroot-image", errno: OsError(errno) };
    // Before the other process exists, so that no signal ends only this one.
    let signals = Signals::block()?;
    let Some(pid) = sys::process::fork().map_err(failed)? else { execute(&args) };
    let process = sys::process::pidfd_open(pid.unsigned_abs()).map_err(failed)?;
    let signal = wait(&process, &signals).map_err(failed)?;
    let ended = sys::process::wait_for(&process).map_err(failed)?;
    Ok(match (signal, ended) {
        (Some(signal), _) | (None, Ended::Killed(signal)) => {
            Prepared::Stopped(Ended::Killed(signal).status())
        }
        (None, Ended::Exited(0)) => Prepared::Done,
        (None, Ended::Exited(_)) => Prepared::Stopped(OWN_FAILURE),
    })
}

/// Becomes subroot-image, which ends if the launcher is killed.
fn execute(args: &[OsString]) -> ! {
    let failed = |errno| Error::Parent { doing: "running subroot-image", errno: OsError(errno) };
    let prepared = sys::signals::clean_signals().and_then(|()| set_pdeathsig(Signal::SIGTERM));
    let error = match prepared.map_err(failed).and_then(|()| command_to_execute()) {
        Ok(mut command) => {
            let error = command.args(args).stdin(Stdio::null()).exec();
            Error::Unreadable { file: command.get_program().into(), why: reason_of(&error) }
        }
        Err(error) => error,
    };
    sys::process::exit(explain::report(&error))
}

/// Waits for the end of a process, and passes on the signals that end this one. Returns the last of them.
fn wait(process: &OwnedFd, signals: &Signals) -> Outcome<Option<i32>> {
    let mut last = None;
    loop {
        let mut ready = [process.as_fd(), signals.as_fd()].map(|file| PollFd::new(file, PollFlags::POLLIN));
        match poll(&mut ready, PollTimeout::NONE) {
            Err(Errno::EINTR) => continue,
            polled => drop(polled?),
        }
        let has_ended = ready.first().and_then(PollFd::any) == Some(true);
        while let Some(signal) = signals.next() {
            last = pass_on(process, signal).or(last);
        }
        if has_ended {
            return Ok(last);
        }
    }
}

/// Passes on a signal that ends this process, and returns it. A signal of the terminal that stops the other
/// process stops this one.
fn pass_on(process: &OwnedFd, signal: i32) -> Option<i32> {
    match signal {
        libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM => {
            // Error ignored: it has already ended.
            let _ = sys::process::pidfd_send_signal(process, signal);
            Some(signal)
        }
        libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => {
            // Error ignored: a process can always stop itself.
            let _ = sys::signals::kill(getpid().as_raw(), libc::SIGSTOP);
            None
        }
        _ => None,
    }
}
