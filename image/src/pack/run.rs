//! The process that packs. It runs in a user namespace with the caller's IDs, so that owners are those inside, and has
//! no network. Names in the tree are found by descriptors, without symlinks, so that nothing outside of it is read.

use crate::error::Error;
use crate::pack::merged::{self, Merged};
use crate::pack::packer::Packer;
use crate::pack::reading::{Mapped, opening};
use crate::pack::task::{PackTask, Packed};
use crate::unpack::own_maps;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::fstat;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

const BUFFER: usize = 256 << 10;

/// Performs a task, and writes the report to standard error. Returns true if it succeeded.
pub(crate) fn run(task: &PackTask) -> bool {
    let outcome = perform(task);
    let report = Packed::line(&outcome);
    // An error means that the process that would read it has ended.
    writeln!(io::stderr(), "{report}").is_ok() && outcome.is_ok()
}

fn perform(task: &PackTask) -> Result<Packed, Error> {
    raise_limit().map_err(Error::preparing("raising the limit of open files"))?;
    let mapped = Mapped::of(&own_maps()?);
    let base = merged::open_base().map_err(opening(b""))?;
    let found = fstat(&base).map_err(opening(b""))?;
    if (found.st_dev, found.st_ino) != task.base {
        return Err(Error::packing(b"", "it was replaced meanwhile"));
    }
    let roots = task.trees.iter().map(|tree| open_tree(&base, tree)).collect::<Result<Vec<_>, _>>()?;
    let root = Merged::of_roots(roots).map_err(opening(b""))?;
    let output = io::stdout().as_fd().try_clone_to_owned();
    let output = output.map(File::from).map_err(|error| Error::Read { error })?;
    Packer::new(BufWriter::with_capacity(BUFFER, output), task.clone(), mapped).pack(&root)
}

fn open_tree(base: &OwnedFd, tree: &str) -> Result<OwnedFd, Error> {
    let name = CString::new(tree).map_err(|_| opening(tree.as_bytes())(Errno::EINVAL))?;
    merged::open(base, &name, OFlag::O_DIRECTORY).map_err(opening(tree.as_bytes()))
}

/// Each directory above the current one is open, in every tree that has it.
fn raise_limit() -> Result<(), Errno> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)
}
