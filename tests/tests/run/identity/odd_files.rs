//! What should be files of the root for names and accounts, and is anything else: it is not covered, and
//! each launch says so in the same words.

use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use subroot_tests::sandbox::{Sandbox, listing};

const NAMES: [&str; 4] = ["passwd", "group", "hosts", "resolv.conf"];

type Make = fn(&Path);

fn link(path: &Path, target: &str) {
    symlink(target, path).expect("a symlink");
}

/// The kinds, each with what `stat` inside calls it.
const KINDS: [(Make, &str); 11] = [
    (|path| mkfifo(path, Mode::S_IRWXU).expect("a pipe"), "fifo"),
    (|path| drop(UnixListener::bind(path).expect("a socket")), "socket"),
    (|path| fs::create_dir(path).expect("a directory"), "directory"),
    (|path| link(path, path.file_name().and_then(|name| name.to_str()).expect("a name")), "symbolic link"),
    (|path| link(path, "/proc/self/fd/0"), "symbolic link"),
    (|path| link(path, "/proc/1/root/etc/passwd"), "symbolic link"),
    (|path| link(path, "../run/../proc/self/exe"), "symbolic link"),
    (|path| link(path, "/dev/null"), "symbolic link"),
    (|path| link(path, "/dev/stdin"), "symbolic link"),
    (|path| link(path, "../sys/kernel/notes"), "symbolic link"),
    (|path| link(path, "/bin/sh/x"), "symbolic link"),
];

fn assert_stays(sandbox: &Sandbox, name: &str, kind: &str) {
    let path = sandbox.rootfs.path.join("etc").join(name);
    let before = listing(&sandbox.rootfs.path);
    for changes in [&[][..], &["--overlay"], &["--read-only"]] {
        let options = [changes, &["--userns", "host-id"]].concat();
        let outcome = sandbox.output(&options, &format!("stat -c %F /etc/{name}"));
        let said = format!("/etc/{name} of the root is not a regular file\n");
        assert!(
            outcome.stderr.ends_with(&said) && outcome.stderr.lines().count() == 1,
            "{kind}: {outcome:?}"
        );
        assert_eq!((outcome.code(), outcome.stdout.trim_end()), (0, kind), "{outcome:?}");
    }
    assert_eq!(listing(&sandbox.rootfs.path), before, "{kind}");
    let removed =
        if path.is_symlink() || !path.is_dir() { fs::remove_file(&path) } else { fs::remove_dir(&path) };
    removed.expect("removing it");
}

#[test]
fn each_kind_stays_with_the_same_words() {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/resolv.conf", "nameserver 10.1.1.1\n");
    for name in NAMES {
        let path = sandbox.rootfs.path.join("etc").join(name);
        for (make, kind) in KINDS {
            // Error ignored: it is missing.
            let _ = fs::remove_file(&path);
            make(&path);
            assert_stays(&sandbox, name, kind);
        }
    }
}

/// It stays, as any other kind.
#[test]
fn a_device_stays() {
    let sandbox = Sandbox::new();
    let path = sandbox.rootfs.path.join("etc/passwd");
    fs::remove_file(&path).expect("removing a file");
    if mknod(&path, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(1, 3)).is_err() {
        subroot_tests::skip!("needs devices, which no user namespace can make");
    }
    assert_stays(&sandbox, "passwd", "character special file");
}

/// A link that leads to nothing gets a file where it leads.
#[test]
fn a_link_to_nothing_is_filled() {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/resolv.conf", "nameserver 10.1.1.1\n");
    for name in NAMES {
        let path = sandbox.rootfs.path.join("etc").join(name);
        // Error ignored: it is missing.
        let _ = fs::remove_file(&path);
        link(&path, "../run/x/y");
        let before = listing(&sandbox.rootfs.path);
        let script = format!("test -s /run/x/y && stat -Lc %F /etc/{name}");
        assert_eq!(sandbox.prints(&["--userns", "host-id"], &script), "regular file\n", "{name}");
        assert_eq!(listing(&sandbox.rootfs.path), before, "{name}");
        fs::remove_file(&path).expect("removing a link");
    }
}
