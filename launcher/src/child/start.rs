//! The child process of a launch, from its first instruction to the start of the command.

use crate::child::ends::ChildEnds;
use crate::child::identity::Identity;
use crate::child::init;
use crate::child::namespaces;
use crate::child::prepared::Launch;
use crate::child::terminal;
use crate::failure::{self, Failure, Step, report_to};
use crate::plan::FirstProcess;
use crate::plan::progress::begin;
use crate::plan::steps::Kind;
use crate::request::process::Process;
use crate::rootfs::lower_layers;
use crate::rootfs::new_root;
use crate::rootfs::upper_layers::UpperLayers;
use crate::sys;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_dumpable, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use nix::unistd::{read, setgroups};
use std::convert::Infallible;
use std::fs;
use std::os::fd::AsFd;
use subroot_idmap::IdKind;

/// Runs the child of a launch.
pub(crate) fn run(launch: &Launch, ends: ChildEnds) -> ! {
    let ends: &'static ChildEnds = Box::leak(Box::new(ends));
    report_to(&ends.report);
    sys::program::replace_title(&match &launch.plan.name {
        Some(name) => format!("subroot-init {name}"),
        None => "subroot-init".to_owned(),
    });
    let taken = launch.take_streams().and_then(|()| ends.close_all_others(&[]));
    match taken.and_then(|()| start(launch, ends)) {
        Ok(never) => match never {},
        Err(failure) => failure.end(),
    }
}

fn start(launch: &Launch, ends: &ChildEnds) -> Result<Infallible, Failure> {
    let Launch { plan, process, .. } = launch;
    let candidate = plan.ids.candidates.get(usize::from(wait_for_byte(ends)));
    let candidate = candidate.ok_or(Errno::EINVAL).map_err(Failure::on(Step::BecomeRoot, b""))?;
    let first = Identity::first(candidate.first, plan.process.home.as_deref());
    // Uses the host's /proc; that of the rootfs may be a fake.
    process.adjust_oom_score()?;
    let disk = plan.root.as_ref().and_then(|root| root.disk.as_ref());
    let layers = UpperLayers::open(disk)?;
    let lower = plan.root.as_ref().map_or(Ok(Vec::new()), lower_layers::open_all)?;
    begin(Kind::BecomeRoot, b"");
    let may_set_groups = candidate.maps.may_set_groups;
    become_first(&first, &plan.process, || Ok(!may_set_groups || is_setgroups_denied()?))
        .map_err(Failure::on(Step::BecomeRoot, b""))?;
    namespaces::configure(plan)?;
    if let Some(root) = &plan.root {
        let covered = disk.map_or([].as_slice(), |disk| disk.covered(candidate.maps.of(IdKind::Uid)));
        let warnings = new_root::enter(root, (lower, layers), covered)?;
        warnings.iter().for_each(|text| failure::warn(text));
    }
    // Before the command exists: this process runs the launcher's own program, which the command must not be
    // able to access.
    set_dumpable(false).map_err(Failure::on(Step::Fork, b""))?;
    die_with_launcher(ends);
    if plan.first == Some(FirstProcess::Init) {
        begin(Kind::StartInit, b"");
        let signals = init::signals().map_err(Failure::on(Step::Init, b""))?;
        let command = spawn_command(launch, ends, first, &signals).map_err(Failure::on(Step::Fork, b""))?;
        init::run(command, &signals, ends);
    }
    become_command(launch, ends, first)
}

/// Starts the command's own process and returns its PID. vfork(2) is faster, but a time namespace needs
/// fork(2): older kernels do not let a process that shares memory enter one (copy_namespaces() in
/// kernel/nsproxy.c).
fn spawn_command(
    launch: &Launch,
    ends: &ChildEnds,
    first: Identity,
    of_init: &SignalFd,
) -> Result<i32, Errno> {
    if launch.plan.clocks.is_none() {
        return sys::process::vfork(|| leave_init(launch, ends, first, of_init));
    }
    match sys::process::fork()? {
        Some(pid) => Ok(pid),
        None => leave_init(launch, ends, first, of_init),
    }
}

fn leave_init(launch: &Launch, ends: &ChildEnds, first: Identity, of_init: &SignalFd) -> ! {
    sys::descriptors::close_own(of_init);
    become_command(launch, ends, first)
}

/// Becomes the command. From here on this process has only its standard streams, a pipe, a socket and what
/// is passed to the command open, and no other file of the host.
fn become_command(launch: &Launch, ends: &ChildEnds, first: Identity) -> ! {
    sys::descriptors::close_own(&ends.lifeline);
    let taken = ends.terminal.as_ref().map_or(Ok(()), terminal::take_new);
    let started = taken
        .map_err(Failure::on(Step::Terminal, b""))
        .and_then(|()| ends.leave_group())
        .and_then(|()| launch.process.start(first, ends));
    match started {
        Ok(never) => match never {},
        Err(failure) => failure.end(),
    }
}

/// Waits until the maps are written. Ends this process if the launcher ends first.
pub(crate) fn wait_for_byte(ends: &ChildEnds) -> u8 {
    let mut byte = [0];
    loop {
        match read(&ends.lifeline, &mut byte) {
            Ok(1) => return byte[0],
            Ok(_) => sys::process::exit(crate::failure::OWN_FAILURE),
            Err(Errno::EINTR) => {}
            Err(errno) => Failure::new(Step::BecomeRoot, b"", errno).end(),
        }
    }
}

/// Changes to the caller's identity in the sandbox, which is used until the command starts. If setgroups is
/// denied (user_namespaces(7)), the caller's groups stay: dropping a group could give access that the group
/// denies.
///
/// # Errors
/// EINVAL for an ID that is not mapped; EPERM if groups that should be dropped were not.
pub(crate) fn become_first(
    first: &Identity,
    process: &Process,
    is_denied: impl FnOnce() -> Result<bool, Errno>,
) -> Result<(), Errno> {
    if !process.keeps_groups {
        match setgroups(&[]) {
            Err(Errno::EPERM) if is_denied()? => {}
            dropped => dropped?,
        }
    }
    first.assume()
}

/// True if this user namespace or one above it has denied setgroups(2); the setting is inherited.
fn is_setgroups_denied() -> Result<bool, Errno> {
    let setting = sys::outcome_of(fs::read("/proc/self/setgroups"))?;
    Ok(setting.starts_with(b"deny"))
}

/// A backup for the watcher: asks the kernel to kill this process when the launcher ends, then checks whether
/// it already has.
pub(crate) fn die_with_launcher(ends: &ChildEnds) {
    let mut ready = [PollFd::new(ends.lifeline.as_fd(), PollFlags::empty())];
    match set_pdeathsig(Signal::SIGKILL).and_then(|()| poll(&mut ready, PollTimeout::ZERO)) {
        Ok(0) => {}
        Ok(_) => sys::process::exit(crate::failure::OWN_FAILURE),
        Err(errno) => Failure::new(Step::DeathSignal, b"", errno).end(),
    }
}
