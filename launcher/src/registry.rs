//! Which sandboxes of this user are running: each launcher holds a file in memory that says so.
//!
//! The kernel takes the file away however the launcher ends, so that no entry is ever stale, and nothing is left on any disk. It
//! is found by its name, at one descriptor of each process in /proc. Those of other users and of other user namespaces, which
//! the inside of a sandbox is one of, are not believed.

use crate::error::Error;
use crate::kernel;
use crate::plan::{FirstProcess, Plan};
use crate::process::Process;
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, bind, socket};
use nix::sys::stat::fstatat;
use nix::unistd::{geteuid, getpid};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The name of the file, and what /proc shows of it.
const FILE: &str = "subroot-sandbox";
const LINK: &str = "/memfd:subroot-sandbox (deleted)";
/// The descriptor that it is, or the next one that was free: a process has only to be asked for one.
const DESCRIPTOR: i32 = 63;

/// What is known of a running sandbox.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    /// What it goes by, where it was given a name.
    pub(crate) name: Option<String>,
    /// The PID outside of its first process.
    pub(crate) pid: i32,
    /// The PID of its launcher.
    pub(crate) launcher: i32,
    /// The inode of its user namespace: namespaces(7).
    pub(crate) user_namespace: u64,
    /// True when a process of subroot's is PID 1 inside.
    pub(crate) has_init: bool,
    /// When it was started, in milliseconds since 1970.
    pub(crate) started: u64,
    /// The folder that is its root, where it is one.
    pub(crate) rootfs: Option<OsString>,
    /// What runs in it.
    pub(crate) process: Process,
}

/// The entry of a sandbox of this process, for as long as it is open.
pub(crate) struct Entry {
    _file: OwnedFd,
    _name: Option<Name>,
}

impl Entry {
    /// Publishes a sandbox. Only one with a name has to be found.
    ///
    /// # Errors
    /// Those of memfd_create(2) and fcntl(2), where it has a name.
    pub(crate) fn publish(
        plan: &Plan,
        name: Option<Name>,
        pid: i32,
        process_folder: &OwnedFd,
    ) -> Result<Option<Entry>, Error> {
        let known = Known {
            name: plan.name.clone(),
            pid,
            launcher: getpid().as_raw(),
            user_namespace: user_namespace(process_folder).unwrap_or(0),
            has_init: plan.first == Some(FirstProcess::Init),
            started: SystemTime::UNIX_EPOCH
                .elapsed()
                .map_or(0, |since| since.as_millis().try_into().unwrap_or(0)),
            rootfs: plan.root.as_ref().and_then(|root| root.folder().map(OsString::from)),
            process: plan.process.process().clone(),
        };
        match (write(&known), &name) {
            (Ok(file), _) => Ok(Some(Entry { _file: file, _name: name })),
            (Err(errno), Some(_)) => Err(Error::Parent("making the entry of a named sandbox", errno)),
            (Err(errno), None) => {
                log::debug!("this sandbox will not be listed: {errno}");
                Ok(None)
            }
        }
    }
}

/// A name that no other sandbox of this user's has for as long as this is open: an address of a Unix socket, of which there is
/// one in a network namespace, and which the kernel takes back: unix(7), abstract.
pub(crate) struct Name(#[expect(dead_code, reason = "held open")] OwnedFd);

impl Name {
    /// Reserves a name.
    ///
    /// # Errors
    /// A name that a running sandbox has.
    pub(crate) fn reserve(name: &str) -> Result<Name, Error> {
        let failed = |errno| Error::Parent("reserving the name of a sandbox", errno);
        let kind = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Unix, SockType::SeqPacket, kind, None).map_err(failed)?;
        let address =
            UnixAddr::new_abstract(format!("subroot/{}/{name}", geteuid()).as_bytes()).map_err(failed)?;
        match bind(socket.as_raw_fd(), &address) {
            Ok(()) => Ok(Name(socket)),
            Err(Errno::EADDRINUSE) => {
                Err(Error::Usage("--name", format!("a sandbox named {name} is running already")))
            }
            Err(errno) => Err(failed(errno)),
        }
    }
}

fn write(known: &Known) -> Result<OwnedFd, Errno> {
    let file = memfd_create(FILE, MFdFlags::MFD_CLOEXEC)?;
    let mut file =
        File::from(kernel::copy_descriptor(file.as_raw_fd(), DESCRIPTOR).map_err(|_| Errno::EMFILE)?);
    let text = serde_json::to_vec(known).unwrap_or_default();
    file.write_all(&text).map_err(|_| Errno::ENOSPC)?;
    Ok(file.into())
}

/// The user namespace of a process, by its folder in /proc.
///
/// # Errors
/// EACCES for somebody else's process.
pub(crate) fn user_namespace(process_folder: &OwnedFd) -> Result<u64, Errno> {
    fstatat(process_folder, "ns/user", AtFlags::empty()).map(|stat| stat.st_ino)
}

/// Every running sandbox of this user's, the oldest first.
pub(crate) fn running() -> Vec<Known> {
    let own = fs::metadata("/proc/self/ns/user").map_or(0, |namespace| namespace.ino());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut known: Vec<Known> = entries.filter_map(|entry| published_by(&entry.path(), own)).collect();
    known.sort_by_key(|known| (known.started, known.pid));
    known
}

/// What a process has published, if it is this user's and a launcher.
fn published_by(process: &Path, own_namespace: u64) -> Option<Known> {
    let pid: i32 = process.file_name()?.to_str()?.parse().ok()?;
    let file = published_file(process)?;
    if fs::metadata(process).ok()?.uid() != geteuid().as_raw()
        || fs::metadata(process.join("ns/user")).ok()?.ino() != own_namespace
    {
        return None;
    }
    let known: Known = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    (known.launcher == pid).then_some(known)
}

/// Most processes have no such descriptor, and a launcher that has inherited many has a later one.
fn published_file(process: &Path) -> Option<PathBuf> {
    let mut file = process.join("fd");
    for descriptor in DESCRIPTOR.. {
        file.push(descriptor.to_string());
        if fs::read_link(&file).ok()? == Path::new(LINK) {
            return Some(file);
        }
        file.pop();
    }
    None
}

/// The running sandbox of this name, or with this PID: its own or its launcher's.
///
/// # Errors
/// None that is called so.
pub(crate) fn find(word: &str) -> Result<Known, Error> {
    let is_meant = |known: &Known| {
        known.name.as_deref() == Some(word)
            || word == known.pid.to_string()
            || word == known.launcher.to_string()
    };
    let found = running().into_iter().find(is_meant);
    found.ok_or_else(|| Error::Running(word.into(), "none of yours is running under that name or PID".into()))
}

/// `--name NAME`: letters, digits, dots, dashes and underscores, not only digits.
///
/// # Errors
/// Any other name.
pub(crate) fn name(word: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = (1..=128).contains(&word.len()) && word.bytes().all(fits);
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    if is_name && !is_number && !word.starts_with(['.', '-']) {
        Ok(word.to_owned())
    } else {
        Err(format!("{word} is no name: letters, digits, dots, dashes and underscores, and not only digits"))
    }
}
