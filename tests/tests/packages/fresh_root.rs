//! A Debian for one test to install packages in, and commands of root and an ordinary user there.

use crate::root::booted;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use subroot_tests::{Host, Outcome, Rootfs, SubordinateIds, User, release_program};

/// Why a test is skipped.
pub(crate) const NO_ROOT: &str = "no Debian root: packaging/test makes one where mmdebstrap works";

/// A new root with alice, who has 65536 subordinate IDs from 100000.
pub(crate) struct FreshRoot {
    pub(crate) host: Host,
    pub(crate) path: PathBuf,
    /// Her home directory as seen from outside.
    alice: User,
}

impl FreshRoot {
    /// A root from this archive of the test kit, with every package with this ending in /srv/packages; `None`
    /// if there is no such archive.
    pub(crate) fn of_archive(archive: &str, ending: &str) -> Option<FreshRoot> {
        // Both are read before a host covers their directories.
        let archive = subroot_tests::archive(archive)?;
        let packages = packages(ending);
        assert!(!packages.is_empty(), "no *{ending} in target/packages: packaging/build first");
        let host = Host::new();
        let with_own_descriptors = SubordinateIds { root: (0, 0), first: 1, count: 65535 };
        let path = Rootfs::of_archive(archive, &host.user("root"), with_own_descriptors).path;
        let mut alice = host.user("alice");
        alice.home = path.join("home/alice");
        host.make_dir(&alice.home, &alice);
        let root = FreshRoot { host, path, alice };
        root.append("etc/passwd", "alice:x:1000:1000:Alice:/home/alice:/bin/sh\n");
        root.append("etc/group", "alice:x:1000:\n");
        root.append("etc/subuid", "alice:100000:65536\n");
        root.append("etc/subgid", "alice:100000:65536\n");
        for (name, content) in packages {
            fs::write(root.path.join("srv/packages").join(name), content).expect("a copy of a package");
        }
        Some(root)
    }

    fn append(&self, file: &str, line: &str) {
        let path = self.path.join(file);
        let before = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, before + line).expect("writing a file of the root");
    }

    /// The outcome of a script run by root inside.
    pub(crate) fn by_root(&self, script: &str) -> Outcome {
        booted(&self.host, &self.path, ["0", "/root"], script)
    }

    /// The outcome of a script run by alice inside.
    pub(crate) fn by_alice(&self, script: &str) -> Outcome {
        booted(&self.host, &self.path, ["1000", "/home/alice"], script)
    }

    /// The main purpose of the packages: alice runs a command in her own root, with all her IDs. Returns its
    /// output.
    pub(crate) fn main_job(&self) -> Outcome {
        if !self.alice.home.join("rootfs").exists() {
            Rootfs::busybox(&self.alice);
        }
        self.by_alice("subroot run ~/rootfs -- cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '")
    }

    /// Every file and directory inside, with its type, mode and owner, except those of alice and of mounts.
    /// Used to check an uninstallation.
    pub(crate) fn content(&self) -> String {
        let mut find = Command::new("find");
        find.arg(&self.path).args(["-xdev", "-printf", "%y %m %U:%G %P\n"]);
        let mut lines: Vec<String> = self.host.output(&mut find).ok().lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines.join("\n")
    }
}

/// The output of [`FreshRoot::main_job`] if the mapper works.
pub(crate) const ALL_IDS: &str = " 0 1000 1\n 1 100000 65536\n 0 1000 1\n 1 100000 65536\n";

/// The name and content of every package of this kind in target/packages.
fn packages(ending: &str) -> Vec<(OsString, Vec<u8>)> {
    let dir = release_program("../packages");
    let entries = fs::read_dir(&dir);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}: packaging/build first", dir.display()));
    let files =
        entries.flatten().filter(|entry| entry.file_name().as_encoded_bytes().ends_with(ending.as_bytes()));
    files.map(|file| (file.file_name(), fs::read(file.path()).expect("reading a package"))).collect()
}
