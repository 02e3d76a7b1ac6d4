//! One root filesystem for all tests of a binary: unpacked once, with a separate overlay in each test.

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

/// The mount point: a directory that every system has and that no program of the tests reads.
const MOUNT_POINT: &str = "/media";

/// The mount namespace that contains only this root. When its last holder ends, the memory is freed.
pub(crate) struct SharedRoot(OwnedFd);

impl SharedRoot {
    /// Unpacks it on first use.
    pub(crate) fn get() -> Option<&'static SharedRoot> {
        static SHARED: OnceLock<Option<SharedRoot>> = OnceLock::new();
        SHARED.get_or_init(|| thread::spawn(make).join().expect("unpacking")).as_ref()
    }

    /// Moves the calling thread to the mount namespace with the root.
    pub(crate) fn enter(&self) {
        enter_mount_namespace(&self.0).expect("entering the mount namespace of the shared root");
    }
}

fn make() -> Option<SharedRoot> {
    let archive = archive("everyday.tar")?;
    unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace: start the test by tests/run");
    world::mount_private_memory(MOUNT_POINT);
    let alice = User::without_account(1000);
    unpack(archive, Path::new(MOUNT_POINT), &alice, SubordinateIds::after(&alice, 100_000));
    Some(SharedRoot(own_mount_namespace()))
}

/// Mounts it in a user's home, below an overlay.
pub(crate) fn layer(user: &User) -> Rootfs {
    let path = user.home.join("debian");
    std::fs::create_dir(&path).expect("making a root file system");
    layer_over(Path::new(MOUNT_POINT), &path, user);
    Rootfs { path }
}
