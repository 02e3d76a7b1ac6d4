//! A root filesystem on the test's own host, in which packages are installed and users work.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use subroot_tests::{Host, Outcome, Rootfs, SubordinateIds, User};

/// Makes the directory `$1` the root of a shell's mount namespace, as a boot does, and continues as uid and
/// gid `$2` with `$3`. It does not use chroot(2), after which the kernel does not allow creating a user
/// namespace: clone(2).
const BOOT: &str = r#"set -e
    mount --bind "$1" "$1"
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    mount -t tmpfs tmpfs "$1/tmp" -o mode=1777
    cd "$1"
    pivot_root . mnt
    cd /
    umount --lazy /mnt
    exec setpriv --reuid "$2" --regid "$2" --clear-groups sh -c "cd; $3""#;

/// Makes a root filesystem of an archive of `rootfs` that has the owner 7:8, prints its owner on the host, and
/// removes it.
pub(crate) const IMPORT: &str = "tar -C rootfs --owner=7 --group=8 --numeric-owner -czf a.tar.gz bin && \
    subroot -q import a.tar.gz ./imported && stat -c %u:%g imported/bin && subroot rm imported && rm a.tar.gz";
/// What [`IMPORT`] prints for alice if the mapper works.
pub(crate) const IMPORTED: &str = "100006:100007\n";

/// A root filesystem with files owned by its own root.
pub(crate) struct Root {
    pub(crate) host: Host,
    pub(crate) path: PathBuf,
}

impl Root {
    /// An empty root.
    pub(crate) fn empty() -> Root {
        let host = Host::new();
        let path = PathBuf::from("/root/empty");
        fs::create_dir(&path).expect("making a root");
        Root { host, path }
    }

    /// A Debian with alice, who is granted 65536 IDs and has a root filesystem in `~/rootfs`; without a
    /// mapper.
    pub(crate) fn debian() -> Option<Root> {
        let host = Host::new();
        let root = host.user("root");
        let path = Rootfs::debian(&host, &root, SubordinateIds::after(&root, 1))?.path;
        for file in ["passwd", "group", "subuid", "subgid"] {
            fs::copy(format!("/etc/{file}"), path.join("etc").join(file)).expect("writing the accounts");
        }
        let home = path.join("home/alice");
        fs::create_dir(&home).expect("making a home");
        chown(&home, Some(1000), Some(1000)).expect("giving a home to its user");
        Rootfs::busybox(&User { home, ..host.user("alice") });
        Some(Root { host, path })
    }

    /// A file in it, seen from outside.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }

    /// Runs a shell in the booted root as alice.
    pub(crate) fn alice(&self, script: &str) -> Outcome {
        self.run("1000", "/home/alice", script)
    }

    /// The same as root.
    pub(crate) fn root(&self, script: &str) -> Outcome {
        self.run("0", "/root", script)
    }

    fn run(&self, id: &str, home: &str, script: &str) -> Outcome {
        booted(&self.host, &self.path, [id, home], script)
    }

    /// Everything except plain directories and the directories left out: one line `MODE UID:GID PATH
    /// CAPABILITIES` for each.
    pub(crate) fn listing(&self, left_out: &[&str]) -> String {
        let mut lines = Vec::new();
        list(&self.path, &mut |path, facts| {
            let place = Path::new("/").join(path.strip_prefix(&self.path).expect("a file below the root"));
            let is_ours = !facts.is_dir() || place.to_string_lossy().contains("subroot");
            if is_ours && !left_out.iter().any(|dir| place.starts_with(dir)) {
                let owner = format!("{:04o} {}:{}", facts.mode() & 0o7777, facts.uid(), facts.gid());
                lines.push((place.clone(), format!("{owner} {}{}\n", place.display(), capabilities(path))));
            }
        });
        lines.sort();
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

/// Runs a shell in the root at this path, as a uid and gid with this home.
pub(crate) fn booted(host: &Host, path: &Path, [id, home]: [&str; 2], script: &str) -> Outcome {
    let mut command = host.user("root").command("/usr/bin/unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", BOOT, "sh"]);
    command.arg(path).args([id, script]).env("HOME", home);
    host.output(&mut command)
}

fn list(dir: &Path, see: &mut impl FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(dir).expect("reading a directory") {
        let path = entry.expect("reading a directory").path();
        let facts = path.symlink_metadata().expect("a file's status");
        see(&path, &facts);
        if facts.is_dir() {
            list(&path, see);
        }
    }
}

/// As getcap(8) prints them, with a blank before.
pub(crate) fn capabilities(path: &Path) -> String {
    let told = Command::new("getcap").arg(path).output().expect("getcap, of libcap2-bin").stdout;
    let told = String::from_utf8(told).expect("a path in UTF-8");
    told.trim_end().rsplit_once(' ').map(|(_, caps)| format!(" {caps}")).unwrap_or_default()
}
