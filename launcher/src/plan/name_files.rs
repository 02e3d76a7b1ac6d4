//! The files for name resolution: the host's resolv.conf and hosts are mounted over a rootfs's empty ones.
//!
//! Images have these files empty, because the program that runs them is expected to replace them. A rootfs
//! without these files is left unchanged.
//!
//! Errors ignored: a file that cannot be examined is not replaced.

use crate::request::mount::Mount;
use crate::request::namespaces::Network;
use crate::sys::files::file_kind;
use crate::sys::lookup::{look_in, open_top};
use nix::sys::stat::SFlag;
use std::path::{Path, PathBuf};

const HOSTS: &str = "/etc/hosts";
const RESOLVER: &str = "/etc/resolv.conf";

/// The mounts that such a rootfs needs, so that names are resolved in it as on the host.
pub(crate) fn mounts(rootfs: &Path, network: Network) -> impl Iterator<Item = Mount> {
    let wanted = match network {
        Network::Host => [HOSTS, RESOLVER].as_slice(),
        Network::None => [HOSTS].as_slice(),
    };
    // A rootfs that cannot be opened here is left unchanged.
    let top = open_top(rootfs).ok();
    let is_empty = |path: &&&str| {
        let found = top.as_ref().and_then(|top| look_in(top, Path::new(path)).ok());
        found.is_some_and(|found| file_kind(&found) == SFlag::S_IFREG && found.st_size == 0)
    };
    let empty: Vec<&str> = wanted.iter().filter(is_empty).copied().collect();
    empty.into_iter().filter_map(|path| Some(Mount::bind(on_host(path)?, path).read_only()))
}

/// The host's file, with symlinks resolved: it is often a symlink into /run.
fn on_host(path: &str) -> Option<PathBuf> {
    let file = std::fs::canonicalize(path).ok()?;
    file.is_file().then_some(file)
}
