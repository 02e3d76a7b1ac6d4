//! A launch from the parent's side, in stages: spawned, mapped, released. Each stage can only be made from
//! the one before.

use crate::child::ends::ChildEnds;
use crate::child::passed;
use crate::child::prepared::Launch;
use crate::child::shim::Shim;
use crate::child::start;
use crate::diagnose::named::without_overlay;
use crate::diagnose::probes;
use crate::diagnose::shortfall;
use crate::error::{Error, NamespaceFlags, OsError};
use crate::network::{self, Connection};
use crate::parent::channel::{open_dir, packet_pipe, pipe, socket};
use crate::parent::detached::console::Console;
use crate::parent::detached::supervisor::Supervisor;
use crate::parent::layers::disk_guard::DiskGuard;
use crate::parent::layers::kept_dir::KeptDir;
use crate::parent::live::{Live, Released};
use crate::parent::mapper::{self, Target};
use crate::parent::registry::{Entry, Facts, Name};
use crate::parent::relay::{self, Signals};
use crate::parent::status_stream;
use crate::parent::terminal::Terminal;
use crate::plan::root::RootPlan;
use crate::plan::steps::Kind;
use crate::plan::{FirstProcess, Plan, outline, progress};
use crate::request::passed::Passed;
use crate::request::sandbox::Sandbox;
use crate::rootfs::created_mount_points::MountPoints;
use crate::sys;
use crate::sys::process::{Ended, Side};
use crate::sys::standard_error;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::sys::utsname::uname;
use nix::unistd::{getpid, getppid, getsid};
use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use subroot_idmap::IdKind;

/// Performs a launch and returns how its command ended.
///
/// # Errors
/// What stopped the launch. Nothing of it remains.
pub(crate) fn launch(mut launch: Launch) -> Result<Ended, Error> {
    reporting(&mut launch, None)
}

/// The same for a detached sandbox.
///
/// # Errors
/// What stopped the launch.
pub(crate) fn supervised(launch: &mut Launch, supervisor: &mut Supervisor) -> Result<Ended, Error> {
    reporting(launch, Some(supervisor))
}

/// Prepares a launch. If that fails, the status stream reports it, as it does of a launch that has begun.
///
/// # Errors
/// Those of [`Launch::new`].
pub(crate) fn prepare(sandbox: &Sandbox) -> Result<Launch, Error> {
    let streams = sandbox.status_stream.as_slice();
    Launch::new(sandbox).inspect_err(|error| status_stream::report_failure(streams, error))
}

fn reporting(launch: &mut Launch, supervisor: Option<&mut Supervisor>) -> Result<Ended, Error> {
    let streams = launch.plan.status_streams.clone();
    let outcome = perform(launch, supervisor);
    status_stream::report_end(&streams, &outcome);
    outcome
}

fn perform(launch: &mut Launch, mut supervisor: Option<&mut Supervisor>) -> Result<Ended, Error> {
    warn(launch);
    let plan = &launch.plan;
    if progress::is_wanted() {
        follow(plan);
    }
    // A command without its own root has access to the host's anyway.
    if plan.root.is_some() {
        refuse_directories(&plan.passed)?;
    }
    if let Some(network) = &plan.network {
        network::check_ports(&network.ports)?;
    }
    let signals = Signals::block()?;
    let is_watched = supervisor.is_some() || !(plan.outlives_parent || signals.ignores_hangup);
    let (name, console) = match &mut supervisor {
        Some(supervisor) => (None, Some(supervisor.prepare(launch)?)),
        None => (plan.name.as_deref().map(Name::reserve).transpose()?, None),
    };
    let parent = if is_watched { watched_parent()? } else { None };
    let kept = launch.plan.root.as_ref().map(KeptDir::lock).transpose()?.flatten();
    let guard = DiskGuard::start_if_needed(&mut launch.plan)?;
    // Error ignored: the outcome is returned below.
    let outcome = run_to_end(launch, Held { name, parent, console }, (&signals, supervisor))
        .map_err(|error| in_rootfs(error, &launch.plan))
        .inspect(|ended| log::debug!("the command has ended: {ended}"));
    // Error ignored: the outcome is returned below.
    if let Some(kept) = kept.filter(|_| outcome.is_err()) {
        kept.undo();
    }
    if let Some(guard) = guard {
        guard.finish(&launch.plan.ids.candidates);
    }
    outcome
}

/// Warns about what the command will not be able to do.
fn warn(launch: &Launch) {
    let plan = &launch.plan;
    if let Some(layer) = launch.process.landlock() {
        standard_error::warn(layer);
    }
    plan.warnings.iter().for_each(|warning| standard_error::warn(warning));
    let mounts = plan.root.as_ref().map_or([].as_slice(), |root| &root.mounts);
    let device = probes::devices::useless(mounts, plan.process.keeps_groups);
    let capability = plan.process.capabilities.and_then(probes::apparmor::useless);
    for cause in capability.into_iter().chain(device) {
        standard_error::warn(&format!("{cause}; {}", cause.fix()));
    }
}

/// Adds the rootfs to a failure of the child, which knows only the directory that it has become.
fn in_rootfs(error: Error, plan: &Plan) -> Error {
    let image = plan.root.as_ref().and_then(RootPlan::image);
    if let (Error::Start(failure), Some(image)) = (&error, image) {
        return without_overlay::error(failure, image).unwrap_or(error);
    }
    match (error, plan.root.as_ref().and_then(RootPlan::dir)) {
        (Error::Start(failure), Some(rootfs)) => {
            Error::Start(failure.in_rootfs(Path::new(rootfs), plan.process.changes_user()))
        }
        (error, _) => error,
    }
}

/// Makes the steps of a plan be printed as they happen.
fn follow(plan: &Plan) {
    progress::follow(outline::steps(plan, shortfall::why_not_better(&plan.ids)));
    // Error ignored: the kernel release is only printed.
    if let Ok(kernel) = uname() {
        log::debug!("the kernel is Linux {}", kernel.release().to_string_lossy());
    }
}

/// What a launch holds while the sandbox runs.
struct Held {
    name: Option<Name>,
    /// The process whose end ends the sandbox.
    parent: Option<OwnedFd>,
    /// The streams of a detached command.
    console: Option<Console>,
}

fn run_to_end(
    launch: &mut Launch,
    held: Held,
    (signals, supervisor): (&Signals, Option<&mut Supervisor>),
) -> Result<Ended, Error> {
    let spawned = Spawned::new(launch, signals)?;
    let mut mapped = spawned.map(&launch.plan)?;
    mapped.connect(&launch.plan)?;
    let mut released = mapped.release(&launch.plan, held)?;
    let outcome = relay::wait(&mut released, signals);
    if let Some(supervisor) = supervisor {
        supervisor.entry = released.entry.take();
    }
    outcome
}

/// Refuses a directory as a standard stream or another descriptor of the command. The command inherits them,
/// and `..` of an open directory leads up to the host's root and everything below it (CVE-2024-21626).
///
/// # Errors
/// A descriptor that is a directory.
pub(crate) fn refuse_directories(passed: &Passed) -> Result<(), Error> {
    const NAMES: [&str; 3] = ["standard input", "standard output", "standard error"];
    for (number, name) in (0..).zip(NAMES) {
        if is_directory(sys::descriptors::standard_stream(number))? {
            return Err(Error::DirectoryStream(name));
        }
    }
    for (number, file) in passed.numbered() {
        if is_directory(file.as_fd())? {
            return Err(Error::DirectoryPassed(number));
        }
    }
    Ok(())
}

fn is_directory(file: BorrowedFd<'_>) -> Result<bool, Error> {
    match fstat(file) {
        Ok(found) => Ok(sys::files::file_kind(&found) == SFlag::S_IFDIR),
        // The stream is closed.
        Err(Errno::EBADF) => Ok(false),
        Err(errno) => Err(Error::Parent { doing: "examining inherited descriptors", errno: OsError(errno) }),
    }
}

/// Keeps the numbers of passed descriptors free of the launch's own.
///
/// # Errors
/// EMFILE.
pub(crate) fn occupy(passed: &Passed) -> Result<Vec<OwnedFd>, Error> {
    let doing = "reserving the numbers of passed descriptors";
    passed::occupy(passed).map_err(|errno| Error::Parent { doing, errno: OsError(errno) })
}

/// A pidfd of the process that started this one, so that its death is noticed (property L6). The kernel's
/// death signal cannot be used: it is sent when the thread that started this process ends. `None` for the
/// init of this pid namespace and for a process outside it, which are not watched.
///
/// If the starter has already ended, another process has adopted this one: init or a subreaper (prctl(2)).
/// The kernel does not show the difference, but sessions are inherited. So an earlier end is detected only if
/// the adopter is in another session and this process does not lead its own session. Otherwise the adopter is
/// taken for the starter. Shells of terminals, ssh and cron each have a session of their own.
///
/// # Errors
/// The process that started this one has already ended, or cannot be watched.
pub(crate) fn watched_parent() -> Result<Option<OwnedFd>, Error> {
    let parent = getppid();
    let session = getsid(None);
    // Error ignored: a process whose session is unknown is refused below if its parent has one.
    let is_leader = session == Ok(getpid());
    if parent.as_raw() > 0 && !is_leader && getsid(Some(parent)) != session {
        return Err(Error::Orphaned);
    }
    let opened = u32::try_from(parent.as_raw()).ok().filter(|pid| *pid > 1).map(sys::process::pidfd_open);
    // The parent may have died before it was opened, and its PID may have been reused.
    if getppid() == parent {
        opened.transpose().map_err(|errno| Error::Unwatched(OsError(errno)))
    } else {
        Err(Error::Orphaned)
    }
}

/// A waiting child in its new namespaces.
pub(crate) struct Spawned {
    pid: i32,
    /// Its directory in /proc.
    dir: OwnedFd,
    live: Live,
    report: OwnedFd,
    terminal: Option<OwnedFd>,
}

/// A child whose maps have been written and read back.
pub(crate) struct Mapped {
    pid: i32,
    dir: OwnedFd,
    live: Live,
    report: OwnedFd,
    terminal: Option<OwnedFd>,
    candidate: u8,
}

impl Spawned {
    fn new(launch: &mut Launch, signals: &Signals) -> Result<Spawned, Error> {
        // Only the command keeps these, so that the other end of a pipe sees when the command closes it.
        let passed = std::mem::take(&mut launch.plan.passed);
        let plan = &launch.plan;
        progress::begin(Kind::CreateNamespaces, b"");
        let best = plan.ids.candidates.first().map(|candidate| &candidate.maps);
        let granted = best.filter(|maps| maps.are_subids).map(|maps| maps.of(IdKind::Uid));
        let mut mount_points = MountPoints::find(plan.root.as_ref(), granted);
        let occupied = occupy(&passed)?;
        let ((go, lifeline), (report, report_write)) = (pipe()?, packet_pipe()?);
        let (terminal, terminal_inside) = match plan.process.terminal {
            true => socket().map(|(ours, childs)| (Some(ours), Some(childs)))?,
            false => (None, None),
        };
        // A command without its own root can see the program file anyway.
        let shim = match &plan.root {
            Some(_) => Shim::new_if_needed(&report_write).map_err(|errno| Error::Shim(OsError(errno)))?,
            None => None,
        };
        let refused =
            |errno| Error::Namespaces { errno: OsError(errno), flags: NamespaceFlags(plan.namespaces) };
        let (pid, process) = match sys::process::clone_process(plan.namespaces).map_err(refused)? {
            Side::Parent(pid, process) => (pid, process),
            Side::Child => {
                let (terminal, leads_group) = (terminal_inside, signals.ignores_hangup);
                let ends =
                    ChildEnds { lifeline: go, report: report_write, terminal, shim, passed, leads_group };
                start::run(launch, ends)
            }
        };
        // Only the child may keep this end open: its closing means that the command has started.
        drop((report_write, passed, occupied));
        log::debug!("the new process is PID {pid}");
        mount_points.open_ids(pid);
        let mut live = Live::new((pid, process), plan.first, mount_points, (&go, lifeline))?;
        let opening =
            |errno| Error::Parent { doing: "opening the new process in /proc", errno: OsError(errno) };
        let dir = open_dir(pid).map_err(opening)?;
        if plan.first == Some(FirstProcess::Command) {
            live.status = Some(open_status(&dir).map_err(opening)?);
        }
        Ok(Spawned { pid, dir, live, report, terminal })
    }

    fn map(self, plan: &Plan) -> Result<Mapped, Error> {
        let target = Target { pid: self.pid, dir: &self.dir };
        progress::begin(Kind::MapIds, b"");
        let (at, reasons) = mapper::map(&plan.ids.candidates, &target)?;
        let notes = [
            mapper::fall_back_warning(&plan.ids, at, &reasons),
            mapper::cut_warning(&plan.ids, at),
            mapper::owner_warning(plan, at),
            mapper::own_user_warning(plan, at),
        ];
        notes.iter().flatten().for_each(|note| standard_error::warn(note));
        let candidate = u8::try_from(at).map_err(|_| Error::Vanished)?;
        let Spawned { pid, dir, live, report, terminal } = self;
        Ok(Mapped { pid, dir, live, report, terminal, candidate })
    }
}

impl Mapped {
    /// Connects the network of the waiting child.
    fn connect(&mut self, plan: &Plan) -> Result<(), Error> {
        let Some(network) = &plan.network else { return Ok(()) };
        progress::begin(Kind::ConnectNetwork, b"");
        self.live.connection = Some(Connection::new(network, self.pid)?);
        Ok(())
    }

    fn release(self, plan: &Plan, held: Held) -> Result<Released, Error> {
        let Held { name, parent, mut console } = held;
        let Mapped { pid, dir, live, report, terminal, candidate } = self;
        let first = plan.ids.candidates.get(usize::from(candidate)).map_or([0; 2], |found| found.first);
        let detached = console.as_ref().map(Console::known);
        let entry = Entry::publish(plan, name, Facts { first, pid, process_dir: &dir, detached })?;
        let started = status_stream::Started::new(plan, pid, &dir);
        let raw = |errno| Error::Parent { doing: "making the terminal raw", errno: OsError(errno) };
        let terminal = match (&mut console, terminal) {
            (Some(console), Some(socket)) => {
                console.await_terminal(socket);
                None
            }
            (_, socket) => socket.map(Terminal::new).transpose().map_err(raw)?,
        };
        live.release(candidate)?;
        let stop_signal = plan.process.stop_signal;
        Ok(Released { live, report, parent, terminal, console, entry, stop_signal, started })
    }
}

fn open_status(process_dir: &OwnedFd) -> Result<File, Errno> {
    openat(process_dir, "status", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).map(File::from)
}
