//! A host for one test: with its own accounts, /etc, homes and installed programs.

use crate::kit::{DROP_INS, Kit, VARIANTS};
use crate::mapper::{Install, install, install_in_place, install_variant};
use crate::outcome::{Outcome, Started};
use crate::rootfs::Rootfs;
use crate::shared_root::{self, SharedRoot};
use crate::start;
use crate::turns::Turn;
use crate::user::User;
use crate::world;
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Longer than anything but a hang takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The calling thread's view of the filesystem, and what is installed in it. The real host is never changed.
///
/// All processes of a test must be started by the thread that created the host.
pub struct Host {
    outside: OwnedFd,
    pub(crate) kit: Kit,
    _turn: Turn,
}

impl Default for Host {
    fn default() -> Host {
        Host::new()
    }
}

impl Host {
    /// A new host with the mapper installed setuid root.
    pub fn new() -> Host {
        Host::made(Turn::shared(), own_mount_namespace())
    }

    /// The same, while no other test of this binary has a host.
    pub fn alone() -> Host {
        Host::made(Turn::alone(), own_mount_namespace())
    }

    /// The same, with a root filesystem for everyday jobs in alice's home. `None` if tests/run could not make
    /// its archive.
    pub fn with_everyday_root() -> Option<(Host, Rootfs)> {
        let turn = Turn::shared();
        let shared = SharedRoot::get()?;
        let outside = own_mount_namespace();
        shared.enter();
        let host = Host::made(turn, outside);
        let rootfs = shared_root::layer(&host.user("alice"));
        Some((host, rootfs))
    }

    fn made(turn: Turn, outside: OwnedFd) -> Host {
        start::hear_hangups();
        let kit = Kit::load();
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace for the test: start it by tests/run");
        world::build(&kit);
        let host = Host { outside, kit, _turn: turn };
        host.install_mapper(Install::SetuidRoot);
        host
    }

    /// Replaces a file of the host by renaming, as an administrator's editor does. The new file is owned by
    /// root and has mode 644.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let fresh = format!("{path}.new");
        fs::write(&fresh, content).unwrap_or_else(|error| panic!("writing {fresh}: {error}"));
        world::set_mode(&fresh, 0o644);
        fs::rename(&fresh, path).expect("renaming over the old file");
    }

    /// Installs subroot-image beside the launcher.
    ///
    /// # Panics
    /// It was not built.
    pub fn install_image_program(&self) {
        let program = self.kit.image.as_ref().expect("subroot-image: `packaging/build programs` first");
        world::install_image_program(program);
    }

    /// Writes /etc/subroot/mapper.conf.
    pub fn configure_mapper(&self, content: &str) {
        fs::create_dir_all("/etc/subroot").expect("making /etc/subroot");
        self.write("/etc/subroot/mapper.conf", content);
    }

    /// Removes a file of the host.
    pub fn remove(&self, path: &str) {
        fs::remove_file(path).unwrap_or_else(|error| panic!("removing {path}: {error}"));
    }

    /// Covers a program by a file that cannot be executed, as if it were not installed.
    pub fn hide(&self, path: &str) {
        if Path::new(path).exists() {
            world::bind("/dev/null", path);
        }
    }

    /// Covers a directory by an empty one for this test, if the directory exists.
    pub fn cover(&self, path: &str, mode: u32) {
        if Path::new(path).is_dir() {
            world::cover(path, mode);
        }
    }

    /// An account in the host's /etc/passwd.
    pub fn user(&self, name: &str) -> User {
        User::named(name)
    }

    /// A uid, and a gid of the same number, whether or not there is such an account.
    pub fn uid(&self, uid: u32) -> User {
        User::without_account(uid)
    }

    /// Installs the mapper at the launcher's path, with or without its privilege.
    pub fn install_mapper(&self, how: Install) {
        install(how, &self.kit.mapper);
    }

    /// Installs the project's newuidmap and newgidmap instead of shadow's.
    pub fn install_drop_ins(&self, how: Install) {
        for (name, program) in DROP_INS.iter().zip(&self.kit.drop_ins) {
            install_in_place(how, name, program);
        }
    }

    /// Installs the programs with name services where the others look for them.
    pub fn install_variants(&self, how: Install) {
        for (name, program) in VARIANTS.iter().zip(&self.kit.variants) {
            let program = program.as_ref().expect("`packaging/build` first");
            install_variant(how, name, program);
        }
    }

    /// True if the launcher was built.
    pub fn has_launcher(&self) -> bool {
        self.kit.launcher.is_some()
    }

    /// Makes a directory owned by a user.
    pub fn make_dir(&self, path: impl AsRef<Path>, user: &User) {
        fs::create_dir_all(&path).expect("making a directory");
        chown(path, Some(user.uid), Some(user.gid)).expect("giving a directory to its user");
    }

    /// Runs a command to its end, for at most a minute.
    pub fn output(&self, command: &mut Command) -> Outcome {
        self.output_within(PATIENCE, command)
    }

    /// Runs a command to its end. Kills it and fails the test if that takes too long.
    pub fn output_within(&self, limit: Duration, command: &mut Command) -> Outcome {
        Started::new(command).end_within(limit)
    }
}

impl Drop for Host {
    /// Returns the thread to its old mount namespace, because libtest reuses it when it runs tests one by
    /// one.
    fn drop(&mut self) {
        let returned = enter_mount_namespace(&self.outside);
        if !std::thread::panicking() {
            returned.expect("returning to the mount namespace outside");
        }
    }
}

/// The calling thread's mount namespace, held open.
pub(crate) fn own_mount_namespace() -> OwnedFd {
    File::open("/proc/thread-self/ns/mnt").expect("own mount namespace").into()
}

/// Enters a mount namespace. The kernel allows this only to a thread that shares its root and working
/// directory with no other: setns(2).
pub(crate) fn enter_mount_namespace(namespace: &OwnedFd) -> nix::Result<()> {
    unshare(CloneFlags::CLONE_FS)?;
    setns(namespace, CloneFlags::CLONE_NEWNS)
}
