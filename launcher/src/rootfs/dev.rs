//! A private /dev: a new tmpfs with the few devices that programs expect.

use crate::failure::{Failure, Step};
use crate::plan::progress::begin;
use crate::plan::root::{DEV, DEVICES, SHM};
use crate::plan::steps::Kind;
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::symlinkat;
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

const LINKS: [(&CStr, &CStr); 5] = [
    (c"fd", c"/proc/self/fd"),
    (c"stdin", c"/proc/self/fd/0"),
    (c"stdout", c"/proc/self/fd/1"),
    (c"stderr", c"/proc/self/fd/2"),
    (c"ptmx", c"pts/ptmx"),
];

/// Mounts /dev on an open directory and returns its top directory. The host's device nodes are bind-mounted,
/// because a user namespace cannot create device nodes: user_namespaces(7).
///
/// # Errors
/// The mount or file that could not be created.
pub(crate) fn mount(mount_point: &OwnedFd) -> Result<OwnedFd, Failure> {
    let options = [(c"mode", Some(c"0755")), (c"size", Some(c"65536k"))];
    let dir = mount_below(mount_point, c"", b"/dev", c"tmpfs", &options, DEV.bits())?;
    for (name, device) in DEVICES {
        bind_device(&dir, name, device).map_err(Failure::on(Step::Mount, device.to_bytes()))?;
    }
    for (name, target) in LINKS {
        symlinkat(target, &dir, name).map_err(Failure::on(Step::MountPoint, name.to_bytes()))?;
    }
    begin(Kind::Mount, b"/dev/shm");
    make_dir(&dir, c"shm")?;
    let options = [(c"mode", Some(c"1777"))];
    mount_below(&dir, c"shm", b"/dev/shm", c"tmpfs", &options, SHM.bits())?;
    begin(Kind::Mount, b"/dev/pts");
    make_dir(&dir, c"pts")?;
    sys::mount::new_devpts()
        .and_then(|terminals| sys::mount::attach(terminals, &dir, c"pts"))
        .map_err(Failure::on(Step::Mount, b"/dev/pts"))?;
    Ok(dir)
}

fn mount_below(
    dir: &OwnedFd,
    name: &CStr,
    path: &[u8],
    kind: &CStr,
    options: &[(&CStr, Option<&CStr>)],
    attributes: u64,
) -> Result<OwnedFd, Failure> {
    let mount = sys::mount::new_mount(kind, options, attributes).map_err(Failure::on(Step::Mount, path))?;
    sys::mount::attach(&mount, dir, name).map_err(Failure::on(Step::Mount, path))?;
    Ok(mount)
}

fn bind_device(dir: &OwnedFd, name: &CStr, device: &CStr) -> Result<(), Errno> {
    match sys::mount::clone_tree(AT_FDCWD, device) {
        // A container may lack a device, and a program that does not use it should still run.
        Err(Errno::ENOENT) => Ok(()),
        source => {
            sys::files::make_file(dir, name)?;
            sys::mount::attach(source?, dir, name)
        }
    }
}

/// Creates an empty directory as a mount point.
///
/// # Errors
/// Errors of mkdir(2).
pub(crate) fn make_dir(dir: impl AsFd, name: &CStr) -> Result<(), Failure> {
    mkdirat(dir, name, Mode::from_bits_truncate(0o755))
        .map_err(Failure::on(Step::MountPoint, name.to_bytes()))
}
