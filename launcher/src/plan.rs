//! What is meant by what was typed. Every combination that makes no sense ends here, before anything is created.

use crate::cli::{RunWords, UnshareWords, join_command};
use crate::command::{Command, Workdir};
use crate::error::Error;
use crate::host_root::HostRoot;
use crate::id_plan::IdPlan;
use nix::errno::Errno;
use nix::libc::{self, c_int};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

const PATH_INSIDE: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// docker's and podman's default set: capabilities(7), by number.
const DEFAULT_CAPABILITIES: u64 = capability_set(&[
    0,  // CAP_CHOWN
    1,  // CAP_DAC_OVERRIDE
    3,  // CAP_FOWNER
    4,  // CAP_FSETID
    5,  // CAP_KILL
    6,  // CAP_SETGID
    7,  // CAP_SETUID
    8,  // CAP_SETPCAP
    10, // CAP_NET_BIND_SERVICE
    13, // CAP_NET_RAW
    18, // CAP_SYS_CHROOT
    27, // CAP_MKNOD
    29, // CAP_AUDIT_WRITE
    31, // CAP_SETFCAP
]);

const fn capability_set(numbers: &[u32]) -> u64 {
    let mut set = 0;
    let mut at = 0;
    while at < numbers.len() {
        set |= 1 << numbers[at];
        at += 1;
    }
    set
}

/// One launch, complete.
pub struct Plan {
    /// The namespaces to be made, as flags of clone(2).
    pub namespaces: c_int,
    /// The new root; none where the host's own stays.
    pub root: Option<Root>,
    /// Which process is to be PID 1; none without a pid namespace.
    pub first: Option<FirstProcess>,
    /// The capabilities that the command keeps, as a bit set; none where it keeps them all.
    pub capabilities: Option<u64>,
    /// What is run.
    pub command: Command,
    /// Where IDs come from.
    pub ids: IdPlan,
}

/// The file system that the command sees.
pub enum Root {
    /// A folder of the host's.
    Folder(CString),
    /// The host's own system, with a layer in memory over it.
    Host(HostRoot),
}

/// Who is PID 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstProcess {
    /// subroot's own init.
    Init,
    /// The command itself.
    Command,
}

/// The plan of `subroot run`.
///
/// # Errors
/// What was typed and cannot be meant, and a rootfs that is not there.
pub fn run(typed: RunWords, after: Option<Vec<OsString>>) -> Result<Plan, Error> {
    let separated = after.is_some();
    let words = join_command(typed.command, after);
    if separated && words.is_empty() {
        return Err(Error::Usage("the command", "nothing follows --".into()));
    }
    let root = match typed.rootfs {
        Some(folder) => Root::Folder(check_rootfs(folder)?),
        None => Root::Host(HostRoot::find()),
    };
    let mut environment = match root {
        Root::Folder(_) => environment_inside(),
        Root::Host(_) => std::env::vars_os().collect(),
    };
    set(&mut environment, "container".into(), "subroot".into());
    for word in typed.env {
        set_from_word(&mut environment, &word)?;
    }
    let workdir = match (typed.workdir, &root) {
        (Some(folder), _) => Workdir { folder, asked_for: true },
        (None, Root::Host(_)) => {
            Workdir { folder: std::env::current_dir().unwrap_or_default(), asked_for: false }
        }
        (None, Root::Folder(_)) => Workdir { folder: "/".into(), asked_for: false },
    };
    let namespaces = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID;
    let namespaces = namespaces | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | libc::CLONE_NEWCGROUP;
    Ok(Plan {
        namespaces,
        root: Some(root),
        first: Some(if typed.as_pid_1 { FirstProcess::Command } else { FirstProcess::Init }),
        capabilities: Some(DEFAULT_CAPABILITIES),
        command: Command::new(words, environment, Some(workdir))?,
        ids: IdPlan::new(typed.mapper.helper)?,
    })
}

/// The plan of `subroot unshare`.
///
/// # Errors
/// What was typed and cannot be meant.
pub fn unshare(typed: UnshareWords, after: Option<Vec<OsString>>) -> Result<Plan, Error> {
    let words = join_command(typed.command, after);
    Ok(Plan {
        namespaces: libc::CLONE_NEWUSER | libc::CLONE_NEWNS,
        root: None,
        first: None,
        capabilities: None,
        command: Command::new(words, std::env::vars_os().collect(), None)?,
        ids: IdPlan::new(typed.mapper.helper)?,
    })
}

/// A path, a word or `NAME=VALUE` as the kernel takes it.
///
/// # Errors
/// A NUL inside.
pub fn c_string(what: &'static str, text: impl Into<OsString>) -> Result<CString, Error> {
    CString::new(text.into().into_vec()).map_err(|_| Error::Usage(what, "there is a NUL byte in it".into()))
}

/// The same for several.
///
/// # Errors
/// A NUL inside one of them.
pub fn c_strings(
    what: &'static str,
    texts: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Vec<CString>, Error> {
    texts.into_iter().map(|text| c_string(what, text)).collect()
}

/// What only subordinate IDs can search is looked at later, by the child.
fn check_rootfs(folder: PathBuf) -> Result<CString, Error> {
    let refused = |errno| Error::Rootfs(folder.clone(), errno);
    match std::fs::metadata(&folder) {
        Ok(found) if !found.is_dir() => return Err(refused(Errno::ENOTDIR)),
        Err(error) if error.kind() != std::io::ErrorKind::PermissionDenied => {
            return Err(refused(error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)));
        }
        _ => {}
    }
    c_string("ROOTFS", folder.clone())
}

type Environment = Vec<(OsString, OsString)>;

fn environment_inside() -> Environment {
    let mut environment: Environment =
        vec![("PATH".into(), PATH_INSIDE.into()), ("HOME".into(), "/root".into())];
    environment.push(("TERM".into(), std::env::var_os("TERM").unwrap_or_else(|| "xterm".into())));
    environment
}

fn set(environment: &mut Environment, name: OsString, value: OsString) {
    environment.retain(|(known, _)| *known != name);
    environment.push((name, value));
}

fn set_from_word(environment: &mut Environment, word: &OsStr) -> Result<(), Error> {
    let bytes = word.as_bytes();
    let length = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
    let (name, value) = bytes.split_at(length);
    if name.is_empty() {
        return Err(Error::Usage("--env", format!("{} has no name", Path::new(word).display())));
    }
    let name = OsStr::from_bytes(name);
    let value = value.strip_prefix(b"=").map(|value| OsStr::from_bytes(value).to_owned());
    if let Some(value) = value.or_else(|| std::env::var_os(name)) {
        set(environment, name.to_owned(), value);
    }
    Ok(())
}
