//! The process that unpacks. It runs in a user namespace with the caller's IDs, a mount namespace and an empty
//! network namespace. The target directory becomes its root before the first byte of the archive is read, and it
//! has few descriptors: the archive, a pipe for its report, and perhaps a file for the archive of an image.

use crate::apply::applier::{Options, apply};
use crate::apply::layer::{Expected, apply_layer};
use crate::apply::owners::Owners;
use crate::error::Error;
use crate::source::bytes::Bytes as _;
use crate::source::compression::decompressed;
use crate::source::open::{START, is_image_archive};
use crate::source::stream::ByteStream;
use crate::sys;
use crate::tar::archive::Archive;
use crate::task::{Job, Report, Task};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, umount2};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, fchmod, fstat, stat, umask};
use nix::unistd::{Gid, Uid, chdir, fchdir, fchown, getgid, getuid, pivot_root};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use subroot::images::id_map::MapText;

/// The descriptor of the spool, if there is one.
const SPOOL: &str = "/proc/self/fd/3";

/// Performs a task, and writes the report to standard output. Returns true if it succeeded.
pub(crate) fn run(task: &Task) -> bool {
    let outcome = perform(task);
    let report = Report::line(&outcome);
    // An error means that the process that would read it has ended.
    writeln!(io::stdout(), "{report}").is_ok() && outcome.is_ok()
}

fn perform(task: &Task) -> Result<Report, Error> {
    umask(Mode::empty());
    sys::ignore_file_size_signal();
    limit(Resource::RLIMIT_FSIZE, task.max_size)?;
    limit(Resource::RLIMIT_CORE, 0)?;
    let [uid_map, gid_map] = own_maps()?;
    check_maps(task, &uid_map, &gid_map)?;
    let mut owners = Owners::mapped(&uid_map, &gid_map, task.squashes);
    owners.own = (getuid().as_raw(), getgid().as_raw());
    let needs_spool = matches!(task.job, Job::TreeOrImage | Job::Image | Job::LayerOrImage(_));
    let spool = needs_spool.then(open_spool).transpose()?;
    let root = enter_target(task.target)?;
    if task.job.makes_root() {
        forget_inherited(&root, owners.own)
            .map_err(Error::preparing("setting the mode of the target directory"))?;
    }
    let archive = io::stdin().as_fd().try_clone_to_owned().map_err(|error| Error::Read { error })?;
    let work = Work { archive: archive.into(), root, options: Options::new(owners, task.max_size) };
    match (&task.job, spool) {
        (Job::Layer(expected), _) => work.layer(expected),
        (Job::LayerOrImage(expected), Some(spool)) => work.layer_or_image(expected, spool),
        (Job::TreeOrImage, Some(spool)) => work.tree_or_image(spool),
        (Job::Image, Some(spool)) => work.image(spool),
        _ => work.tree(),
    }
}

/// The maps of this process. They show the IDs of the caller's user namespace: user_namespaces(7).
///
/// # Errors
/// Errors of reading /proc.
pub(crate) fn own_maps() -> Result<[String; 2], Error> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| Error::Read { error });
    Ok([read("/proc/self/uid_map")?, read("/proc/self/gid_map")?])
}

/// Refuses to unpack for one map with another, which can happen if a mapper failed in the meantime.
fn check_maps(task: &Task, uid_map: &str, gid_map: &str) -> Result<(), Error> {
    let Some(wanted) = &task.map else { return Ok(()) };
    match MapText::of_files(uid_map, gid_map) {
        Some(found) if found.text() == wanted => Ok(()),
        _ => Err(Error::archive("the IDs that are mapped have changed")),
    }
}

/// The file that the archive is copied to, if it is that of an image. It has to be opened before the root changes.
fn open_spool() -> Result<File, Error> {
    let opened = OpenOptions::new().write(true).open(SPOOL);
    opened.map_err(|error| Error::Open { path: SPOOL.into(), error })
}

/// What a task needs.
struct Work {
    archive: File,
    root: OwnedFd,
    options: Options,
}

impl Work {
    fn tree(self) -> Result<Report, Error> {
        let stream = ByteStream::new(decompressed(self.archive)?, self.options.max_size);
        tree_of(stream, self.root, self.options)
    }

    fn tree_or_image(self, spool: File) -> Result<Report, Error> {
        let mut stream = ByteStream::new(decompressed(self.archive)?, self.options.max_size);
        match is_image_archive(stream.peek(START)?) {
            true => copy(stream, spool),
            false => tree_of(stream, self.root, self.options),
        }
    }

    fn image(self, spool: File) -> Result<Report, Error> {
        copy(ByteStream::new(decompressed(self.archive)?, self.options.max_size), spool)
    }

    fn layer(self, expected: &Expected) -> Result<Report, Error> {
        let (summary, diff_id) = apply_layer(self.archive, self.root, self.options, expected)?;
        Ok(Report::Tree(summary, Some(diff_id)))
    }

    /// The archive is a file, of which the first bytes are read twice.
    fn layer_or_image(mut self, expected: &Expected, spool: File) -> Result<Report, Error> {
        let reading = |error| Error::Read { error };
        let mut start = Vec::new();
        let archive = self.archive.try_clone().map_err(reading)?;
        decompressed(archive)?.take(START as u64).read_to_end(&mut start).map_err(reading)?;
        self.archive.rewind().map_err(reading)?;
        if is_image_archive(&start) { self.image(spool) } else { self.layer(expected) }
    }
}

fn tree_of(stream: ByteStream, root: OwnedFd, options: Options) -> Result<Report, Error> {
    apply(Archive::new(stream), root, options).map(|summary| Report::Tree(summary, None))
}

/// Copies the rest of a stream.
fn copy(mut stream: ByteStream, mut spool: File) -> Result<Report, Error> {
    loop {
        let bytes = stream.peek(1)?;
        if bytes.is_empty() {
            return Ok(Report::Image);
        }
        let count = bytes.len();
        spool.write_all(bytes).map_err(|error| Error::Read { error })?;
        stream.consume(count);
    }
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
    open("/", flags, Mode::empty()).map_err(Error::preparing("opening the target directory"))
}

/// Removes what a new directory inherits from the one above it: its group with S_ISGID, and access control lists.
/// Everything in it would inherit them again. The directory becomes that of the process, if the caller is another ID.
fn forget_inherited(root: &OwnedFd, (uid, gid): (u32, u32)) -> Result<(), Errno> {
    for list in [c"system.posix_acl_default", c"system.posix_acl_access"] {
        sys::remove_attribute(root, list)?;
    }
    let found = fstat(root)?;
    if (found.st_uid, found.st_gid) != (uid, gid) {
        fchown(root, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    fchmod(root, Mode::S_IRWXU)
}
