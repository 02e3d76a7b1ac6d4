//! Writes the ID maps with the first mapper that works, then verifies them against /proc.

use crate::causes::Cause;
use crate::diagnose::probes;
use crate::diagnose::shortfall;
use crate::error::{Error, OsError};
use crate::failure::reason;
use crate::plan::Plan;
use crate::plan::id_layout::{self, inside_of};
use crate::plan::id_plan::{Candidate, IdPlan, Maps, Writer};
use crate::request::ids::Account;
use crate::sys;
use crate::sys::process::Ended;
use crate::sys::program::{Arguments, Lifetime};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::libc::SIGKILL;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::{getuid, pipe2, read};
use std::ffi::CString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use subroot_idmap::{IdKind, MapLine, PlannedMap, Text, push_typed};

/// The time limit for a mapper in milliseconds, much more than it needs. Only a mapper that hangs exceeds it.
const PATIENCE: u16 = 10_000;
/// The exit statuses of newidmap-helper(8) for a refusal by policy, a usage error, and unreadable or
/// untrusted grants.
const REFUSED: [i32; 3] = [1, 2, 4];

/// The process to be mapped.
pub(crate) struct Target<'a> {
    /// The PID. It has not been reaped, so it cannot have been reused.
    pub(crate) pid: i32,
    /// Its directory in /proc.
    pub(crate) dir: &'a OwnedFd,
}

/// Why a candidate did not write the maps.
pub(crate) enum Refusal {
    /// It could not be used; the next one may be tried.
    Unavailable(String),
    /// The administrator's configuration does not allow it. No other program may then be asked for more than
    /// the caller's own ID.
    Denied(String),
    /// The launch must end.
    Final(Error),
}

/// Tries the candidates in order until one has written the maps, then reads the maps back (property L12). The
/// next candidate is tried only if the kernel shows that neither map has been written.
///
/// Returns the index of the successful candidate, and why the earlier ones failed.
///
/// # Errors
/// A failure after which no candidate is left, or a mapper that did not do what it reported.
pub(crate) fn map(candidates: &[Candidate], target: &Target<'_>) -> Result<(usize, Vec<String>), Error> {
    let (mut reasons, mut at) = (Vec::new(), 0_usize);
    while let Some(candidate) = candidates.get(at) {
        let (why, next) = match write(candidate, target) {
            Ok(()) => return read_back(candidate, target).map(|()| (at, reasons)),
            Err(Refusal::Final(error)) => return Err(error),
            Err(Refusal::Unavailable(why)) => (why, at.saturating_add(1)),
            Err(Refusal::Denied(why)) => (why, own_id(candidates)),
        };
        if reasons.is_empty() && next >= candidates.len() || !is_unwritten(target) {
            return Err(Error::Mapper { program: program(candidate), output: why });
        }
        log::debug!("{} mapped nothing: {why}", program(candidate).display());
        reasons.push(why);
        at = next;
    }
    Err(Error::Unmapped(reasons.join("; ")))
}

/// The index of the candidate that needs no mapper; the number of candidates if there is none.
fn own_id(candidates: &[Candidate]) -> usize {
    candidates.iter().position(|candidate| candidate.writer == Writer::OwnId).unwrap_or(candidates.len())
}

/// True if the kernel shows that both maps are empty.
fn is_unwritten(target: &Target<'_>) -> bool {
    // Error ignored: a map that cannot be read back counts as written.
    IdKind::BOTH.into_iter().all(|kind| read_map(target, kind).is_ok_and(|text| text.is_empty()))
}

fn write(candidate: &Candidate, target: &Target<'_>) -> Result<(), Refusal> {
    match &candidate.writer {
        Writer::Helper(helper) => run_helper(helper, &candidate.maps, target),
        Writer::Shadow(newuidmap, newgidmap) => run_shadow(newuidmap, newgidmap, &candidate.maps, target),
        Writer::Privileged | Writer::OwnId => write_directly(&candidate.maps, target).map_err(Refusal::Final),
    }
}

fn program(candidate: &Candidate) -> PathBuf {
    match &candidate.writer {
        Writer::Helper(program) | Writer::Shadow(program, _) => program.clone(),
        Writer::Privileged | Writer::OwnId => "subroot".into(),
    }
}

/// Runs newidmap-helper once for both maps. The target is its standard input, so no descriptor number has to
/// be passed.
fn run_helper(helper: &Path, maps: &Maps, target: &Target<'_>) -> Result<(), Refusal> {
    let mut args = vec![b"fd:0".to_vec()];
    for kind in IdKind::BOTH {
        let mut text = Text::<16384>::EMPTY;
        push_typed(&mut text, maps.of(kind).lines().iter().copied());
        args.extend([kind.option().into(), text.as_bytes().to_vec()]);
    }
    match run(helper, args, Some(target.dir))? {
        (Ended::Exited(0), _) => Ok(()),
        (Ended::Exited(status), said) if REFUSED.contains(&status) => Err(Refusal::Denied(said)),
        (_, said) => Err(Refusal::Unavailable(said)),
    }
}

/// Writes the gid map first: while there is no uid map, the next candidate can still be tried.
fn run_shadow(newuidmap: &Path, newgidmap: &Path, maps: &Maps, target: &Target<'_>) -> Result<(), Refusal> {
    for (kind, program) in [(IdKind::Gid, newgidmap), (IdKind::Uid, newuidmap)] {
        let lines = maps.of(kind).lines().iter().flat_map(|line| [line.inside, line.outside, line.count]);
        let numbers = lines.map(|number| number.to_string().into_bytes());
        let args = std::iter::once(target.pid.to_string().into_bytes()).chain(numbers).collect();
        match run(program, args, None)? {
            (Ended::Exited(0), _) => {}
            (_, said) if kind == IdKind::Uid => return Err(Refusal::Unavailable(said)),
            (_, said) => return Err(Refusal::Unavailable(format!("{}: {said}", program.display()))),
        }
    }
    Ok(())
}

/// Runs a mapper. Returns how it ended, and the first line of its standard error. A mapper that hangs is
/// killed.
fn run(program: &Path, args: Vec<Vec<u8>>, input: Option<&OwnedFd>) -> Result<(Ended, String), Refusal> {
    let unavailable =
        |errno| Refusal::Unavailable(format!("executing {}: {}", program.display(), reason(errno)));
    log::debug!("executing {} {}", program.display(), String::from_utf8_lossy(&args.join(&b' ')));
    let (mapper, said) = start(program, args, input).map_err(unavailable)?;
    let lost = |why: String| Refusal::Final(Error::Mapper { program: program.to_owned(), output: why });
    let mut ready = [PollFd::new(mapper.as_fd(), PollFlags::POLLIN)];
    if poll(&mut ready, PollTimeout::from(PATIENCE)).map_err(|errno| lost(reason(errno)))? == 0 {
        let late = "it did not end within 10 seconds";
        // If it cannot be killed, it may still write maps later, so no other candidate may be tried.
        sys::process::pidfd_send_signal(&mapper, SIGKILL).map_err(|_| lost(late.into()))?;
        sys::process::wait_for(&mapper).map_err(|errno| lost(reason(errno)))?;
        return Ok((Ended::Killed(SIGKILL), late.into()));
    }
    let ended = sys::process::wait_for(&mapper).map_err(|errno| lost(reason(errno)))?;
    log::debug!("{} has ended: {ended}", program.display());
    let said = what_is_there(said);
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().next().unwrap_or_default();
    let line = line.split_once(": ").map_or(line, |(_, rest)| rest);
    Ok((ended, if line.is_empty() { format!("it ended with {ended}") } else { line.to_owned() }))
}

/// Starts a mapper. Returns its process and the pipe for its standard error.
fn start(program: &Path, args: Vec<Vec<u8>>, input: Option<&OwnedFd>) -> Result<(OwnedFd, OwnedFd), Errno> {
    let name = program.as_os_str().as_bytes().to_vec();
    let args = std::iter::once(name).chain(args).map(CString::new).collect::<Result<Vec<_>, _>>();
    let args = args.map_err(|_| Errno::EINVAL)?;
    let path = args.first().cloned().unwrap_or_default();
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    let (said, stderr) = pipe2(OFlag::O_CLOEXEC)?;
    let mapper = sys::program::start(&sys::program::Program {
        path: &path,
        arguments: &Arguments::new(args),
        environment: &Arguments::new(Vec::new()),
        streams: [input.unwrap_or(&null), &null, &stderr].map(AsFd::as_fd),
        lifetime: Lifetime::Own,
        profile: None,
    })?;
    Ok((mapper, said))
}

/// Reads what is in the pipe without waiting: the mapper has ended, but a process that it left behind may
/// still hold the pipe open.
fn what_is_there(pipe: OwnedFd) -> Vec<u8> {
    let mut said = vec![0; 4096];
    let mut ready = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    // Error ignored: it affects only the text of the message.
    let is_ready = poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0);
    // Error ignored: it affects only the text of the message.
    let length = if is_ready { read(&pipe, &mut said).ok().unwrap_or(0) } else { 0 };
    said.truncate(length);
    said
}

/// Writes the maps from this process. setgroups is denied before the gid map is written, because it cannot be
/// denied afterwards: user_namespaces(7). Lines are not joined, because each must be within one line of this
/// process's own map.
fn write_directly(maps: &Maps, target: &Target<'_>) -> Result<(), Error> {
    if !maps.may_set_groups {
        write_file(target, "setgroups", "deny")
            .map_err(|errno| Error::Parent { doing: "denying setgroups", errno: OsError(errno) })?;
    }
    for (kind, what) in [(IdKind::Gid, "writing gid_map"), (IdKind::Uid, "writing uid_map")] {
        let text: String = maps
            .of(kind)
            .lines()
            .iter()
            .map(|line| format!("{} {} {}\n", line.inside, line.outside, line.count))
            .collect();
        write_file(target, kind.map_file(), &text)
            .map_err(|errno| Error::Parent { doing: what, errno: OsError(errno) })?;
    }
    Ok(())
}

fn write_file(target: &Target<'_>, name: &str, text: &str) -> Result<(), Errno> {
    let mut file = File::from(openat(target.dir, name, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?);
    sys::outcome_of(file.write_all(text.as_bytes()))
}

fn read_back(candidate: &Candidate, target: &Target<'_>) -> Result<(), Error> {
    for kind in IdKind::BOTH {
        let text = read_map(target, kind)
            .map_err(|errno| Error::Parent { doing: "reading the maps back", errno: OsError(errno) })?;
        let mut shown = PlannedMap::EMPTY;
        let lines = text.split(|byte| *byte == b'\n').filter_map(MapLine::of_kernel);
        // Error ignored: a map that cannot be parsed is refused.
        let understood = lines.map(|line| shown.push(line)).all(|pushed| pushed.is_ok());
        if !understood || !shown.joined().eq(candidate.maps.of(kind).joined()) {
            return Err(Error::MapsDiffer { program: program(candidate), file: kind.map_file() });
        }
    }
    Ok(())
}

/// Reads a map. The kernel does not report the size of these files, so the size is not used.
fn read_map(target: &Target<'_>, kind: IdKind) -> Result<Vec<u8>, Errno> {
    let file = openat(target.dir, kind.map_file(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    let (mut text, mut part) = (Vec::new(), [0; 4096]);
    loop {
        match read(&file, &mut part)? {
            0 => return Ok(text),
            length => text.extend(part.iter().take(length)),
        }
    }
}

/// The warning that names the fallback that mapped the IDs (the candidate at index `at`), says why no better
/// candidate did, and how to fix that if too few IDs are mapped. None if nothing is missing.
pub(crate) fn fall_back_warning(plan: &IdPlan, at: usize, reasons: &[String]) -> Option<String> {
    let writer = &plan.candidates.get(at).filter(|candidate| !candidate.only || plan.lack.is_some())?.writer;
    let what = match writer {
        Writer::Helper(_) if plan.lack.is_none() => return None,
        Writer::Helper(_) => "only your own group ID is mapped".into(),
        // The same maps, by a mapper that did not have to be tried before.
        Writer::Privileged | Writer::Shadow(..) if reasons.is_empty() => return None,
        Writer::Privileged => "IDs are mapped by subroot itself".into(),
        Writer::Shadow(newuidmap, _) => format!("IDs are mapped by {}", newuidmap.display()),
        Writer::OwnId if getuid().is_root() => {
            "only root's own ID is mapped, so the command owns the files of the host's root".into()
        }
        Writer::OwnId => "only your own ID is mapped".to_owned(),
    };
    let lack = shortfall::lack(plan);
    let has_all = matches!(writer, Writer::Shadow(..) | Writer::Privileged);
    let obstacle = if has_all { None } else { obstacle(plan, at, reasons, lack.clone()) };
    let found = obstacle.as_ref().or(lack.as_ref()).map(Cause::to_string);
    let why: Vec<String> = reasons.iter().cloned().chain(found).collect();
    let fix = obstacle.map_or_else(String::new, |obstacle| format!("; fix: {}", obstacle.fix()));
    Some(format!("{what} ({}){fix}", why.join("; ")))
}

/// The warning that names the kinds of which fewer IDs are mapped than are granted.
pub(crate) fn cut_warning(plan: &IdPlan, at: usize) -> Option<String> {
    let is_granted = plan.candidates.get(at).is_some_and(|candidate| candidate.writer != Writer::OwnId);
    let cuts = shortfall::cuts(plan);
    let fix = cuts.first().filter(|_| is_granted)?.fix();
    let cuts: Vec<String> = cuts.iter().map(Cause::to_string).collect();
    Some(format!("{}; fix: {fix}", cuts.join("; ")))
}

/// The one line that says what the owner of the root means.
pub(crate) fn owner_warning(plan: &Plan, at: usize) -> Option<String> {
    let rootfs = plan.root.as_ref().and_then(|root| root.dir()).map(Path::new)?;
    let are_subids = plan.ids.candidates.get(at).is_some_and(|candidate| candidate.maps.are_subids);
    let chosen = || probes::owner::chosen(&plan.ids, rootfs).filter(|_| are_subids);
    let cause = || probes::owner::cause(&plan.ids, rootfs);
    chosen().or_else(|| cause().map(|cause| format!("{cause}; fix: {}", cause.fix())))
}

/// The warning for `-u UID:GID` with the caller's own numbers, which in docker gives the caller the files that
/// the command makes. The same for `-u UID`, unless the root has an account with that ID, which may be meant.
pub(crate) fn own_user_warning(plan: &Plan, at: usize) -> Option<String> {
    let [uid, gid] = IdKind::BOTH.map(id_layout::own_id);
    let user = plan.process.user.as_ref()?;
    let is_group_meant = match &user.group {
        Some(group) => *group == Account::Id(gid),
        None => plan.is_unknown_user,
    };
    let is_meant = uid != 0 && user.user == Account::Id(uid) && is_group_meant;
    let inside = inside_of(plan.ids.candidates.get(at)?.maps.of(IdKind::Uid), uid)?;
    (is_meant && inside != uid).then(|| {
        format!("user ID {uid} inside is not your own, which is {inside} there; --userns keep-id keeps yours")
    })
}

/// What prevents the best candidate that failed, or any better one.
fn obstacle(plan: &IdPlan, at: usize, reasons: &[String], lack: Option<Cause>) -> Option<Cause> {
    let tried = plan.candidates.iter().take(at).map(program);
    let mut refused = tried.clone().zip(reasons);
    let lacking = tried
        .into_iter()
        .find_map(|program| probes::mapper::lacks(&program))
        .or_else(|| refused.find_map(|(program, said)| probes::mapper::needs_admin(&program, said)));
    lacking.or(lack).or_else(probes::grants::refused)
}
