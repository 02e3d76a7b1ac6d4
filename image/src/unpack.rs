//! The process that unpacks. It runs in a user namespace with the caller's IDs, a mount namespace and an empty
//! network namespace. The target directory becomes its root before the first byte of the archive is read, and it
//! has two descriptors: the archive, and a pipe for its report.

use crate::apply::applier::{Options, Summary, apply};
use crate::apply::owners::Owners;
use crate::error::{Error, Hint};
use crate::source::compression::decompressed;
use crate::source::stream::ByteStream;
use crate::sys;
use crate::tar::archive::Archive;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, umount2};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, fchmod, fstat, stat, umask};
use nix::unistd::{Gid, Uid, chdir, fchdir, fchown, pivot_root};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

/// What is to be unpacked, where. The archive is standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// The device and inode of the target directory, which is the working directory.
    pub(crate) target: (u64, u64),
    /// True if files of IDs that are not mapped become the caller's.
    pub(crate) squashes: bool,
    /// The maximum size of all files.
    pub(crate) max_size: u64,
}

/// Performs a task, and writes the report to standard output. Returns true if it succeeded.
pub(crate) fn run(task: &Task) -> bool {
    let outcome = unpack(task);
    let report = match &outcome {
        Ok(summary) => json!({
            "entries": summary.entries,
            "bytes": summary.bytes,
            "devices": summary.devices,
            "attributes": summary.attributes,
        }),
        Err(error) => error_report(error),
    };
    // An error means that the process that would read it has ended.
    writeln!(io::stdout(), "{report}").is_ok() && outcome.is_ok()
}

fn error_report(error: &Error) -> Value {
    let why = error.to_string();
    match error.hint() {
        Some(Hint::Convert(command)) => json!({"error": why, "convert": command}),
        Some(Hint::Grant(count)) => json!({"error": why, "grant": count}),
        _ => json!({"error": why}),
    }
}

/// The report of [`run`], as it was read from the pipe. `None` if the process ended without one.
pub(crate) fn read_report(text: &str) -> Option<Result<Summary, Error>> {
    let report: Value = serde_json::from_str(text.lines().last()?).ok()?;
    if let Some(why) = report["error"].as_str() {
        let convert = report["convert"].as_str().map(|command| Hint::Convert(command.to_owned()));
        let hint = convert.or_else(|| report["grant"].as_u64().map(Hint::Grant));
        return Some(Err(Error::Reported { why: why.to_owned(), hint }));
    }
    let count = |key: &str| report[key].as_u64();
    let (entries, bytes) = (count("entries")?, count("bytes")?);
    let (devices, attributes) = (count("devices")?, count("attributes")?);
    Some(Ok(Summary { entries, bytes, devices, attributes }))
}

fn unpack(task: &Task) -> Result<Summary, Error> {
    umask(Mode::empty());
    sys::ignore_file_size_signal();
    limit(Resource::RLIMIT_FSIZE, task.max_size)?;
    limit(Resource::RLIMIT_CORE, 0)?;
    let read = |path: &str| fs::read_to_string(path).map_err(|error| Error::Read { error });
    let owners = Owners::mapped(&read("/proc/self/uid_map")?, &read("/proc/self/gid_map")?, task.squashes);
    let root = enter_target(task.target)?;
    let archive = io::stdin().as_fd().try_clone_to_owned().map_err(|error| Error::Read { error })?;
    let bytes = decompressed(File::from(archive))?;
    let archive = Archive::new(ByteStream::new(bytes, task.max_size));
    apply(archive, root, Options::new(owners, task.max_size))
}

fn limit(resource: Resource, value: u64) -> Result<(), Error> {
    setrlimit(resource, value, value).map_err(Error::preparing("setting a limit"))
}

/// Makes the working directory the root, and detaches everything else.
fn enter_target(target: (u64, u64)) -> Result<OwnedFd, Error> {
    let found = stat(Path::new(".")).map_err(Error::preparing("examining the target directory"))?;
    if (found.st_dev, found.st_ino) != target {
        return Err(Error::preparing("entering the target directory, which was replaced")(Errno::ESTALE));
    }
    let tree = sys::mount_working_directory().map_err(Error::preparing("mounting the target directory"))?;
    let changed = fchdir(&tree)
        .and_then(|()| pivot_root(".", "."))
        .and_then(|()| umount2(".", MntFlags::MNT_DETACH))
        .and_then(|()| chdir("/"));
    changed.map_err(Error::preparing("changing the root to the target directory"))?;
    drop(tree);
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let root = open("/", flags, Mode::empty()).map_err(Error::preparing("opening the target directory"))?;
    forget_inherited(&root).map_err(Error::preparing("setting the mode of the target directory"))?;
    Ok(root)
}

/// Removes what a new directory inherits from the one above it: its group with S_ISGID, and access control lists.
/// Everything in it would inherit them again.
fn forget_inherited(root: &OwnedFd) -> Result<(), Errno> {
    for list in [c"system.posix_acl_default", c"system.posix_acl_access"] {
        sys::remove_attribute(root, list)?;
    }
    if fstat(root)?.st_gid != 0 {
        fchown(root, Some(Uid::from_raw(0)), Some(Gid::from_raw(0)))?;
    }
    fchmod(root, Mode::S_IRWXU)
}
