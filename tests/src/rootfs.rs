//! Root filesystems for the launcher: busybox made by hand, and Debian from its own packages.

use crate::host::Host;
use crate::kit::write_program;
use crate::target::Target;
use crate::user::User;
use crate::world::set_mode;
use std::fs::{self, File};
use std::io::Seek;
use std::os::unix::fs::{lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directories of a complete root filesystem.
const DIRS: [&str; 11] = ["bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "usr", "var"];

/// A root filesystem in a user's home.
pub struct Rootfs {
    /// Its top directory.
    pub path: PathBuf,
}

/// The host IDs for a root filesystem's ID 0 and for its other IDs.
#[derive(Clone, Copy, Debug)]
pub struct SubordinateIds {
    /// The host's uid and gid for ID 0 inside.
    pub root: (u32, u32),
    /// The host's first uid and gid for the IDs from 1 inside.
    pub first: u32,
    /// The number of those IDs.
    pub count: u32,
}

impl SubordinateIds {
    /// The default map of a launch: the user as 0, then 65536 granted IDs from `first`.
    pub fn after(user: &User, first: u32) -> SubordinateIds {
        SubordinateIds { root: (user.uid, user.gid), first, count: 65536 }
    }

    fn map(self, root: u32) -> String {
        format!("0 {root} 1\n1 {} {}\n", self.first, self.count)
    }
}

impl Rootfs {
    /// All of busybox in `~/rootfs`, owned by the user, with all usual directories and its own accounts.
    pub fn busybox(user: &User) -> Rootfs {
        Rootfs::busybox_without(user, &[])
    }

    /// The same without some directories: `dev`, `etc`, `proc`, `sys`, …
    pub fn busybox_without(user: &User, missing: &[&str]) -> Rootfs {
        let path = user.home.join("rootfs");
        for name in DIRS.into_iter().filter(|name| !missing.contains(name)) {
            fs::create_dir_all(path.join(name)).expect("making a root file system");
        }
        if path.join("tmp").exists() {
            set_mode(path.join("tmp"), 0o1777);
        }
        install_busybox(&path.join("bin"));
        if path.join("etc").exists() {
            fs::write(path.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").expect("writing passwd");
            fs::write(path.join("etc/group"), "root:x:0:\n").expect("writing group");
            fs::write(path.join("etc/hosts"), own_hosts()).expect("writing hosts");
            fs::write(path.join("etc/resolv.conf"), "nameserver 127.0.0.1\n").expect("writing resolv.conf");
        }
        give_tree(&path, user);
        Rootfs { path }
    }

    /// Debian's minimal system with apt in `~/debian`, with its owners shifted to these host IDs. Its
    /// directory `/srv/packages` contains a package that creates an account, and its dependencies, for
    /// installation without a network. `None` if tests/run could not make the archive.
    pub fn debian(host: &Host, user: &User, ids: SubordinateIds) -> Option<Rootfs> {
        let archive = host.kit.debian.as_ref()?.try_clone().expect("the archive");
        Some(Rootfs::of_archive(archive, user, ids))
    }

    /// The same for another archive of the test kit, see [`archive`](crate::archive).
    pub fn of_archive(archive: File, user: &User, ids: SubordinateIds) -> Rootfs {
        let path = user.home.join("debian");
        fs::create_dir(&path).expect("making a root file system");
        unpack(archive, &path, user, ids);
        Rootfs { path }
    }
}

/// Unpacks the archive of a root filesystem into a directory, with owners shifted to these host IDs.
pub(crate) fn unpack(mut archive: File, dir: &Path, user: &User, ids: SubordinateIds) {
    archive.rewind().expect("the archive's beginning");
    lchown(dir, Some(ids.root.0), Some(ids.root.1)).expect("giving a root to its owner");
    let namespace = Target::new(user);
    namespace.map_as_root(&ids.map(ids.root.0), &ids.map(ids.root.1));
    let unpacked = Command::new("nsenter")
        .args([format!("--user={}", namespace.path("ns/user"))])
        .args(["--setuid=0", "--setgid=0", "--", "tar", "--extract", "--preserve-permissions"])
        .args(["--numeric-owner", "--exclude=./dev/*", "--directory"])
        .arg(dir)
        .stdin(Stdio::from(archive))
        .output()
        .expect("starting nsenter");
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
}

/// A hosts file with all names that a launch looks for.
fn own_hosts() -> String {
    let name = nix::unistd::gethostname().expect("own name");
    format!("127.0.0.1 localhost\n127.0.1.1 {}\n", name.to_string_lossy())
}

fn install_busybox(bin: &Path) {
    let program = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
    let program = program.expect("busybox, of busybox-static");
    write_program(bin.join("busybox"), &fs::read(program).expect("reading busybox"));
    set_mode(bin.join("busybox"), 0o755);
    let listed = Command::new(program).arg("--list").output().expect("starting busybox").stdout;
    let applets = String::from_utf8(listed).expect("the names of busybox's applets");
    for applet in applets.lines().filter(|name| *name != "busybox") {
        symlink("busybox", bin.join(applet)).expect("an applet's link");
    }
}

fn give_tree(path: &Path, user: &User) {
    lchown(path, Some(user.uid), Some(user.gid)).expect("giving a file to its user");
    if path.symlink_metadata().is_ok_and(|file| file.is_dir()) {
        for entry in fs::read_dir(path).expect("reading a directory") {
            give_tree(&entry.expect("reading a directory").path(), user);
        }
    }
}
