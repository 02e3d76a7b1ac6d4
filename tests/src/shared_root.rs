//! One root file system for all tests of a binary: unpacked once, and under a layer of its own in each of them.

use crate::host::{enter_mount_namespace, own_mount_namespace};
use crate::kit::archive;
use crate::rootfs::{Rootfs, SubordinateIds, unpack};
use crate::user::User;
use crate::world::{self, layer_over};
use nix::sched::{CloneFlags, unshare};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

/// Where it lies: a directory that every system has, and that nothing which the tests start looks into.
const PLACE: &str = "/media";

/// The mount namespace with nothing but this root in it; with the last of those who hold it, the memory is given back.
pub(crate) struct SharedRoot(OwnedFd);

impl SharedRoot {
    /// Unpacked when it is asked for first.
    pub(crate) fn get() -> Option<&'static SharedRoot> {
        static SHARED: OnceLock<Option<SharedRoot>> = OnceLock::new();
        SHARED.get_or_init(|| thread::spawn(make).join().expect("unpacking")).as_ref()
    }

    /// Takes the calling thread where the root can be seen.
    pub(crate) fn enter(&self) {
        enter_mount_namespace(&self.0).expect("entering the mount namespace of the shared root");
    }
}

fn make() -> Option<SharedRoot> {
    let archive = archive("everyday.tar")?;
    unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace: start the test by tests/run");
    world::mount_private_memory(PLACE);
    let alice = User::without_account(1000);
    unpack(archive, Path::new(PLACE), &alice, SubordinateIds::behind(&alice, 100_000));
    Some(SharedRoot(own_mount_namespace()))
}

/// Lays it into a user's home.
pub(crate) fn layer(user: &User) -> Rootfs {
    let path = user.home.join("debian");
    std::fs::create_dir(&path).expect("making a root file system");
    layer_over(Path::new(PLACE), &path, user);
    Rootfs { path }
}
