//! Has the maps written by whoever may, and believes only what the kernel then shows.

use crate::error::Error;
use crate::failure::reason_of;
use crate::id_plan::{Maps, Way, Writer, map_line};
use crate::kernel;
use idmap::{IdKind, PlannedMap, Text};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::getuid;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How long a mapper may take, in milliseconds: far more than any needs, so that only one that hangs is cut off.
const PATIENCE: u16 = 10_000;
/// newidmap-helper(8): it lacks its privilege.
const LACKS_PRIVILEGE: i32 = 5;

/// The process to be mapped.
pub(crate) struct Target<'a> {
    /// Its PID: it has not been reaped, so that the number is its own.
    pub(crate) pid: i32,
    /// Its folder in /proc.
    pub(crate) folder: &'a OwnedFd,
}

/// Why a way did not lead to maps.
pub(crate) enum Refusal {
    /// Nothing was written, and the next way may be tried.
    Unavailable(String),
    /// The launch has to end.
    Final(Error),
}

/// Tries the ways in order until one has written the maps, which are then read back (property L12).
///
/// Returns which way it was, by its place, and why the ones before were not.
///
/// # Errors
/// The first failure that leaves no other way, or a mapper that did not do what it reported.
pub(crate) fn map(ways: &[Way], target: &Target<'_>) -> Result<(usize, Vec<String>), Error> {
    let mut reasons = Vec::new();
    for (at, way) in ways.iter().enumerate() {
        match write(way, target) {
            Ok(()) => return read_back(way, target).map(|()| (at, reasons)),
            Err(Refusal::Unavailable(why)) if !way.only => reasons.push(why),
            Err(Refusal::Unavailable(why)) => return Err(Error::Mapper(program(way), why)),
            Err(Refusal::Final(error)) => return Err(error),
        }
    }
    Err(Error::Unmapped(reasons.join("; ")))
}

fn write(way: &Way, target: &Target<'_>) -> Result<(), Refusal> {
    log::debug!("mapping IDs by {:?}", way.writer);
    match &way.writer {
        Writer::Helper(helper) => run_helper(helper, &way.maps, target),
        Writer::Shadow(newuidmap, newgidmap) => run_shadow(newuidmap, newgidmap, &way.maps, target),
        Writer::Privileged | Writer::OwnId => write_directly(&way.maps, target).map_err(Refusal::Final),
    }
}

fn program(way: &Way) -> PathBuf {
    match &way.writer {
        Writer::Helper(program) | Writer::Shadow(program, _) => program.clone(),
        Writer::Privileged | Writer::OwnId => "subroot".into(),
    }
}

/// One run for both maps. The target is standard input, so that no descriptor has to be passed by number.
fn run_helper(helper: &Path, maps: &Maps, target: &Target<'_>) -> Result<(), Refusal> {
    let failed = |said: String| Refusal::Final(Error::Mapper(helper.to_owned(), said));
    let folder = target.folder.try_clone().map_err(|error| failed(reason_of(&error)))?;
    let mut command = Command::new(helper);
    command.arg("fd:0").stdin(Stdio::from(folder));
    for kind in IdKind::BOTH {
        let mut text = Text::<16384>::default();
        maps.of(kind).argument(&mut text);
        command.arg(kind.option()).arg(String::from_utf8_lossy(text.as_bytes()).as_ref());
    }
    let mapper = start(command).map_err(|error| match error.kind() {
        // It has written nothing: an administrator may have given it to a group alone.
        ErrorKind::PermissionDenied | ErrorKind::NotFound => {
            Refusal::Unavailable(format!("executing {}: {}", helper.display(), reason_of(&error)))
        }
        _ => failed(reason_of(&error)),
    })?;
    match wait(mapper).map_err(|error| failed(reason_of(&error)))? {
        (Some(0), _) => Ok(()),
        (Some(LACKS_PRIVILEGE), said) => Err(Refusal::Unavailable(said)),
        (_, said) => Err(failed(said)),
    }
}

/// The gid map goes first: as long as there is no uid map, the next way is still open.
fn run_shadow(newuidmap: &Path, newgidmap: &Path, maps: &Maps, target: &Target<'_>) -> Result<(), Refusal> {
    for (kind, program) in [(IdKind::Gid, newgidmap), (IdKind::Uid, newuidmap)] {
        let mut command = Command::new(program);
        command.arg(target.pid.to_string()).stdin(Stdio::null());
        for line in maps.of(kind).lines() {
            command.args([line.inside, line.outside, line.count].map(|number| number.to_string()));
        }
        let failed = |said: String| match kind {
            IdKind::Gid => Refusal::Unavailable(format!("{}: {said}", program.display())),
            IdKind::Uid => Refusal::Final(Error::Mapper(program.to_owned(), said)),
        };
        let mapper = start(command).map_err(|error| failed(reason_of(&error)))?;
        match wait(mapper).map_err(|error| failed(reason_of(&error)))? {
            (Some(0), _) => {}
            (_, said) => return Err(failed(said)),
        }
    }
    Ok(())
}

/// Starts a mapper, with nothing of this process' environment.
fn start(mut command: Command) -> std::io::Result<Child> {
    command.env_clear().stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
}

/// Waits for a mapper, and returns its exit status and what it said, as one line. One that hangs is killed.
fn wait(mut mapper: Child) -> std::io::Result<(Option<i32>, String)> {
    let ended = kernel::pidfd_open(mapper.id())?;
    let mut ready = [PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
    if poll(&mut ready, PollTimeout::from(PATIENCE)) == Ok(0) {
        // A mapper that has become the caller can be killed by him; one that cannot is left behind.
        let killed = mapper.kill().is_ok();
        if killed {
            mapper.wait()?;
        }
        return Ok((None, "it did not end within 10 seconds".into()));
    }
    let status = mapper.wait()?;
    let mut said = Vec::new();
    if let Some(stderr) = mapper.stderr.take() {
        read_what_is_there(stderr.into(), &mut said);
    }
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().next().unwrap_or_default();
    let line = line.split_once(": ").map_or(line, |(_, rest)| rest);
    Ok((status.code(), if line.is_empty() { format!("it ended with {status}") } else { line.to_owned() }))
}

/// The mapper is gone, but a process that it left behind may hold the pipe: nothing is waited for.
fn read_what_is_there(pipe: OwnedFd, said: &mut Vec<u8>) {
    let mut ready = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    if poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0) {
        let mut buffer = [0; 4096];
        let length = File::from(pipe).read(&mut buffer).unwrap_or(0);
        said.extend_from_slice(buffer.get(..length).unwrap_or(&[]));
    }
}

/// setgroups goes before the gid map, after which it could not be denied: user_namespaces(7). Lines are not joined: each has to
/// lie within one line of this process' own map.
fn write_directly(maps: &Maps, target: &Target<'_>) -> Result<(), Error> {
    if !maps.may_set_groups {
        write_file(target, "setgroups", "deny").map_err(|errno| Error::Parent("denying setgroups", errno))?;
    }
    for (kind, what) in [(IdKind::Gid, "writing gid_map"), (IdKind::Uid, "writing uid_map")] {
        let text: String = maps
            .of(kind)
            .lines()
            .iter()
            .map(|line| format!("{} {} {}\n", line.inside, line.outside, line.count))
            .collect();
        write_file(target, kind.map_file(), &text).map_err(|errno| Error::Parent(what, errno))?;
    }
    Ok(())
}

fn write_file(target: &Target<'_>, name: &str, text: &str) -> Result<(), Errno> {
    let mut file =
        File::from(openat(target.folder, name, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?);
    file.write_all(text.as_bytes()).map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
}

fn read_back(way: &Way, target: &Target<'_>) -> Result<(), Error> {
    for kind in IdKind::BOTH {
        let file = openat(target.folder, kind.map_file(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
        let mut text = String::new();
        let read = file.map(File::from).is_ok_and(|mut file| file.read_to_string(&mut text).is_ok());
        let mut shown = PlannedMap::EMPTY;
        let lines = text.lines().filter_map(|line| map_line(line.as_bytes()));
        let understood = lines.map(|line| shown.push(line)).all(|pushed| pushed.is_ok());
        if !read || !understood || !shown.joined().eq(way.maps.of(kind).joined()) {
            return Err(Error::MapsDiffer(program(way), kind.map_file()));
        }
    }
    Ok(())
}

/// The one line that says which fall-back mapped the IDs, and why no better way did; none for the mapper itself.
pub(crate) fn fall_back_note(writer: &Writer, lack: Option<&str>, reasons: &[String]) -> Option<String> {
    let what = match writer {
        Writer::Helper(_) => return None,
        Writer::Privileged if reasons.is_empty() => return None,
        Writer::Privileged => "IDs are mapped by subroot itself".into(),
        Writer::Shadow(newuidmap, _) => format!("IDs are mapped by {}", newuidmap.display()),
        Writer::OwnId if getuid().is_root() => {
            "only root's own ID is mapped, so that files of the host's root are the command's own".into()
        }
        Writer::OwnId => "only your own ID is mapped".to_owned(),
    };
    let why: Vec<&str> = reasons.iter().map(String::as_str).chain(lack).collect();
    Some(format!("{what} ({})", why.join("; ")))
}
