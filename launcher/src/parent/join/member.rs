//! Finds the process whose namespaces `subroot exec` joins.
//!
//! setns(2) needs ptrace(2) access to that process. A /proc with hidepid (proc(5)) hides only processes
//! without that access, so every process that can be joined is visible. The sandbox's init, whose list of
//! children contains the command, is hidden.

use crate::failure::reason;
use crate::parent::channel::open_dir;
use crate::parent::registry::known::user_namespace;
use crate::parent::registry::{self, Known, unless_hidden};
use crate::request::namespaces::KINDS;
use crate::sys::{self, Outcome};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::libc::CLONE_NEWPID;
use nix::sys::stat::{Mode, fstatat};
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long `exec` waits for a process that it can join, and the pause between two attempts.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);
/// The maximum number of processes to examine closely, because a sandbox can contain any number of them.
const MOST: usize = 64;

const ENDED: &str = "it has just ended";
const ELSEWHERE: &str = "its command has left its user namespace";
/// This happens for a program that is owned by the host's root and is executable but not readable: execve(2)
/// makes its process non-dumpable.
const UNREACHABLE: &str = "none of its processes can be joined: ptrace(2) denies access to each (as for an unreadable program), or its command has not started yet";

/// A process of a sandbox.
pub(crate) struct Member {
    /// A pidfd.
    pub(super) process: OwnedFd,
    /// The namespaces that this process does not share with it, as flags of setns(2).
    pub(super) namespaces: i32,
    /// True if setgroups(2) is denied in its user namespace: user_namespaces(7).
    pub(super) denies_setgroups: bool,
}

/// The result of examining one process.
enum Seen {
    Member(Distance, Member),
    /// The process is in another user namespace.
    Elsewhere,
    /// The process has ended, is hidden, or must not be joined.
    Hidden,
}

/// The result of searching a sandbox.
enum Found {
    Member(Member),
    /// The command has left the sandbox's user namespace.
    Elsewhere,
    /// No process that can be joined yet.
    Hidden,
}

/// Finds the command's process, or another one that can be joined. A starting sandbox has none until its
/// command's execve(2), so this waits up to [`PATIENCE`].
///
/// # Errors
/// Why no process can be joined.
/// Why there is none.
pub(super) fn find(known: &Known) -> Result<Member, String> {
    let failed = |errno| format!("looking at its processes: {}", reason(errno));
    let start = Instant::now();
    let first = first_process(known).map_err(failed)?.ok_or(ENDED)?;
    loop {
        let found = look(known).map_err(failed)?;
        // Error ignored: any other error also means that the process exists. While it exists, no other
        // sandbox can have the inode number of its user namespace.
        if sys::process::pidfd_send_signal(&first, 0) == Err(Errno::ESRCH) {
            return Err(ENDED.into());
        }
        match found {
            Found::Member(member) => return Ok(member),
            Found::Elsewhere => return Err(ELSEWHERE.into()),
            Found::Hidden if start.elapsed() > PATIENCE => return Err(UNREACHABLE.into()),
            Found::Hidden => sleep(PAUSE),
        }
    }
}

/// A pidfd of the first process; none if the sandbox has ended. The launcher reaps that process. It is
/// checked after the pidfd is opened, so the PID cannot have been reused before.
fn first_process(known: &Known) -> Outcome<Option<OwnedFd>> {
    let pid = u32::try_from(known.pid).map_err(|_| Errno::EBADMSG)?;
    let process = match sys::process::pidfd_open(pid) {
        Err(Errno::ESRCH) => return Ok(None),
        opened => opened?,
    };
    registry::is_running(known).map(|is_running| is_running.then_some(process))
}

fn look(known: &Known) -> Outcome<Found> {
    let likely = if known.has_init { children(known.pid)? } else { vec![known.pid] };
    let mut are_elsewhere = !likely.is_empty();
    for pid in likely {
        match examine(pid, known)? {
            Seen::Member(_, member) => return Ok(Found::Member(member)),
            Seen::Elsewhere => {}
            Seen::Hidden => are_elsewhere = false,
        }
    }
    if are_elsewhere {
        return Ok(Found::Elsewhere);
    }
    Ok(first_visible(known)?.map_or(Found::Hidden, Found::Member))
}

/// The oldest children of a single-threaded process: proc_pid_task(5). The first is the command; the others
/// are orphans from inside the sandbox. The list is empty if the process is hidden or has ended.
fn children(pid: i32) -> Outcome<Vec<i32>> {
    let mut text = [0; MOST * 8];
    let path = format!("/proc/{pid}/task/{pid}/children");
    let read = File::open(path).and_then(|mut file| file.read(&mut text));
    let length = unless_hidden(sys::outcome_of(read))?.unwrap_or(0);
    // A number that is not followed by a blank may be cut off.
    let whole = text.get(..length).unwrap_or_default().split_inclusive(|byte| *byte == b' ');
    let numbers = whole.filter_map(|word| std::str::from_utf8(word).ok()?.strip_suffix(' ')?.parse().ok());
    Ok(numbers.take(MOST).collect())
}

/// Searches all of /proc for a process to join. Processes in the sandbox can have capabilities and move to
/// other namespaces, so the oldest child of the first process is preferred.
fn first_visible(known: &Known) -> Outcome<Option<Member>> {
    let mut best = None;
    let mut count = 0;
    for pid in registry::pids()? {
        let Seen::Member(distance, member) = examine(pid?, known)? else { continue };
        if best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, member));
        }
        count += 1;
        if count == MOST {
            break;
        }
    }
    Ok(best.map(|(_, member)| member))
}

/// How far a process is from the command, which is the first process or its oldest child. Less is closer.
type Distance = (bool, u64);

/// Opens a process if it is in the sandbox and can be joined.
///
/// Until its execve(2), the first process is in the host's root. It must not be joined: the command would run
/// there. An init never calls execve(2). The pidfd is opened first. If the PID is reused before the checks,
/// the pidfd refers to a process that has ended, and setns(2) fails.
fn examine(pid: i32, known: &Known) -> Outcome<Seen> {
    let Ok(number) = u32::try_from(pid) else { return Ok(Seen::Hidden) };
    // hidepid does not affect this call. If a filter refuses it, that is an error.
    let process = match sys::process::pidfd_open(number) {
        Err(Errno::ESRCH) => return Ok(Seen::Hidden),
        opened => opened?,
    };
    let examined = || {
        let dir = open_dir(pid)?;
        if user_namespace(&dir)? != known.user_namespace {
            return Ok(Seen::Elsewhere);
        }
        let stat = Stat::read(&dir)?;
        let is_first = pid == known.pid;
        if is_first && !stat.has_executed {
            return Ok(Seen::Hidden);
        }
        let is_distant = !is_first && stat.parent != known.pid;
        let namespaces = foreign_namespaces(&dir)?;
        // Another joining `exec` is still in the host's pid namespace; only its children are in the
        // sandbox's.
        if known.namespaces & CLONE_NEWPID & !namespaces != 0 {
            return Ok(Seen::Hidden);
        }
        let member = Member { process, namespaces, denies_setgroups: denies_setgroups(&dir)? };
        Ok(Seen::Member((is_distant, stat.started), member))
    };
    unless_hidden(examined()).map(|seen| seen.unwrap_or(Seen::Hidden))
}

/// PF_FORKNOEXEC in linux/sched.h: the process has not called execve(2) since it was created.
const FORKED_ONLY: u32 = 0x40;

/// The fields used of /proc/PID/stat: proc_pid_stat(5).
struct Stat {
    parent: i32,
    has_executed: bool,
    started: u64,
}

impl Stat {
    fn read(process_dir: &OwnedFd) -> Outcome<Stat> {
        let text = read(process_dir, "stat")?;
        Stat::parse(&String::from_utf8_lossy(&text)).ok_or(Errno::EBADMSG)
    }

    /// The program's name is in parentheses and can contain any characters.
    fn parse(text: &str) -> Option<Stat> {
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let has_executed = fields.get(6)?.parse::<u32>().ok()? & FORKED_ONLY == 0;
        Some(Stat {
            parent: fields.get(1)?.parse().ok()?,
            has_executed,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

fn read(process_dir: &OwnedFd, name: &str) -> Outcome<Vec<u8>> {
    let mut text = Vec::new();
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(process_dir, name, flags, Mode::empty())?);
    sys::outcome_of(file.read_to_end(&mut text)).map(|_| text)
}

fn denies_setgroups(process_dir: &OwnedFd) -> Outcome<bool> {
    read(process_dir, "setgroups").map(|text| text.starts_with(b"deny"))
}

/// The namespaces that a process does not share with this one. The others are left out, because setns(2)
/// would need a privilege in them. An error must not count as a shared namespace: the command would stay in
/// the host's.
fn foreign_namespaces(process_dir: &OwnedFd) -> Outcome<i32> {
    let mut foreign = 0;
    for (name, flag) in KINDS {
        let path = format!("ns/{name}");
        let own = match fstatat(AT_FDCWD, format!("/proc/self/{path}").as_str(), AtFlags::empty()) {
            // The kernel does not support this kind.
            Err(Errno::ENOENT) => continue,
            own => own?,
        };
        if fstatat(process_dir, path.as_str(), AtFlags::empty())?.st_ino != own.st_ino {
            foreign |= flag;
        }
    }
    Ok(foreign)
}
