//! Writes a squashfs by tar2sqfs of squashfs-tools-ng: a tar of the tree is piped into it. mksquashfs would be the usual
//! program, but gives the root of a tar the caller's ID and the time of day.

use crate::error::{Error, reason};
use crate::export::output::Output;
use crate::export::tree::Tree;
use crate::pack::task::{Form, Packed};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = "tar2sqfs";
const PACKAGE: &str = "squashfs-tools-ng";

/// Writes the squashfs of a tree.
///
/// # Errors
/// tar2sqfs is missing or fails; errors of packing; the output is not a regular file.
pub(crate) fn write(tree: &Tree<'_>, form: Form, output: &Output) -> Result<Packed, Error> {
    let path = output.path().ok_or_else(|| failed("a squashfs can only be written to a regular file"))?;
    let (input, archive) = pipe2(OFlag::O_CLOEXEC).map_err(Error::preparing("making a pipe"))?;
    let child = start(path, input)?;
    let packed = tree.pack(form, archive);
    let ended = child.wait_with_output().map_err(|error| failed(reason(&error)))?;
    // After an error of tar2sqfs, the archive could not be written.
    match packed {
        Err(Error::Reported { .. }) | Ok(_) if !ended.status.success() => {
            let text = String::from_utf8_lossy(&ended.stderr).trim().replace('\n', "; ");
            let is_cut = packed.is_err() && !text.contains("write");
            if is_cut {
                packed
            } else {
                Err(failed(if text.is_empty() { ended.status.to_string() } else { text }))
            }
        }
        packed => packed,
    }
}

/// The same tar gives the same bytes, and an entry that a squashfs cannot have is an error.
fn start(path: &Path, input: OwnedFd) -> Result<Child, Error> {
    let mut command = Command::new(PROGRAM);
    command.args(["--quiet", "--force", "--no-skip"]).arg(path).env_remove("SOURCE_DATE_EPOCH");
    let started = command.stdin(input).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    started.map_err(|error| match error.kind() {
        ErrorKind::NotFound => failed(format!("it is not installed; it is in the package {PACKAGE}")),
        _ => failed(reason(&error)),
    })
}

fn failed(why: impl Into<String>) -> Error {
    Error::Target { doing: "running", path: PROGRAM.into(), why: why.into() }
}
