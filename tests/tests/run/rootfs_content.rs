//! Hostile content of a root leads nowhere outside (property L2).

use crate::running::Running;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use subroot_tests::sandbox::{Sandbox, assert_refused, listing, mounts};

const NAMES: [&str; 3] = ["proc", "dev", "sys"];
const BOTH: [&[&str]; 2] = [&[], &["--as-pid-1"]];

/// Replaces each mount point in turn: the launch is refused, and nothing changes.
fn assert_refused_with(replace: impl Fn(&Path)) {
    for name in NAMES {
        let sandbox = Sandbox::new();
        let path = sandbox.rootfs.path.join(name);
        fs::remove_dir(&path).expect("removing a mount point");
        replace(&path);
        let before = (mounts(), listing(Path::new("/home")), listing(Path::new("/etc")));
        for options in BOTH {
            let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(options));
            assert_refused(&outcome, 125, &[&format!("mount point /{name}")]);
        }
        assert_eq!((mounts(), listing(Path::new("/home")), listing(Path::new("/etc"))), before, "{name}");
    }
}

#[test]
fn a_mount_point_that_is_a_symlink_is_refused() {
    for target in ["/", "/etc", "/home/alice", "../..", "tmp", "/no/where", "proc", "/proc/self/root"] {
        assert_refused_with(|path| symlink(target, path).expect("making a symlink"));
    }
}

#[test]
fn a_mount_point_that_is_a_file_is_refused() {
    assert_refused_with(|path| fs::write(path, "").expect("writing a file"));
}

#[test]
fn a_mount_point_that_is_a_fifo_is_refused_at_once() {
    assert_refused_with(|path| mkfifo(path, Mode::S_IRWXU).expect("making a fifo"));
}

#[test]
fn a_mount_point_with_content_is_covered_and_kept() {
    let sandbox = Sandbox::new();
    for name in NAMES {
        sandbox.add(&format!("{name}/null"), "kept", 0o644);
        sandbox.add(&format!("{name}/version"), "kept", 0o644);
    }
    let before = listing(&sandbox.rootfs.path);
    sandbox.output(&[], "grep -q Linux /proc/version && [ -c /dev/null ] && [ ! -e /dev/version ]").ok();
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn directories_of_a_hostile_device_tree_are_not_looked_at() {
    let sandbox = Sandbox::new();
    for (name, target) in
        [("dev/null", "/etc/passwd"), ("dev/shm", "/etc"), ("dev/pts", "/home"), ("dev/ptmx", "/tmp")]
    {
        symlink(target, sandbox.rootfs.path.join(name)).expect("making a symlink");
    }
    let before = (mounts(), listing(Path::new("/etc")), listing(&sandbox.rootfs.path));
    sandbox.output(&[], "echo lost > /dev/null; echo x > /dev/shm/x; [ -c /dev/ptmx ]").ok();
    assert_eq!((mounts(), listing(Path::new("/etc")), listing(&sandbox.rootfs.path)), before);
}

#[test]
fn a_symlink_to_the_command_leads_no_further_than_the_root() {
    let sandbox = Sandbox::new();
    symlink("/usr/local/bin/subroot", sandbox.rootfs.path.join("bin/out")).expect("making a symlink");
    symlink("../../../../../../usr/bin/env", sandbox.rootfs.path.join("bin/up")).expect("making a symlink");
    for name in ["out", "up"] {
        assert_refused(
            &sandbox.host.output(&mut sandbox.run(&[], &[name])),
            127,
            &[name, "command not found"],
        );
    }
}

#[test]
fn a_working_directory_that_is_a_symlink_stays_inside() {
    let sandbox = Sandbox::new();
    symlink("/home/alice", sandbox.rootfs.path.join("out")).expect("making a symlink");
    symlink("../../../../etc", sandbox.rootfs.path.join("up")).expect("making a symlink");
    assert_eq!(sandbox.host.output(&mut sandbox.run(&["-w", "/out"], &["pwd"])).code(), 125);
    assert_eq!(sandbox.host.output(&mut sandbox.run(&["-w", "/up"], &["cat", "group"])).ok(), "root:x:0:\n");
}

#[test]
fn a_covered_root_keeps_its_symlinks_as_they_are() {
    let sandbox = Sandbox::bare();
    let path = &sandbox.rootfs.path;
    symlink("/etc/passwd", path.join("absolute")).expect("making a symlink");
    symlink("../../../etc/shadow", path.join("upwards")).expect("making a symlink");
    mkfifo(&path.join("fifo"), Mode::S_IRWXU).expect("making a fifo");
    std::os::unix::fs::chown(path, Some(0), Some(0)).expect("giving the root to root");
    let script = "readlink absolute; readlink upwards; cat absolute; [ -p fifo ]; [ -e upwards ]";
    let outcome = sandbox.output(&[], script);
    assert_eq!(
        outcome.stdout, "/etc/passwd\n../../../etc/shadow\nroot:x:0:0:root:/root:/bin/sh\n",
        "{outcome:?}"
    );
    assert_eq!(outcome.code(), 1, "{outcome:?}");
}

/// A mount that the administrator makes in a rootfs later is a mount event of the host.
#[test]
fn no_mount_event_of_the_hosts_comes_in() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.as_path();
    let none = None::<&str>;
    mount(Some(root), root, none, MsFlags::MS_BIND, none).expect("making the root a mount");
    mount(none, root, none, MsFlags::MS_SHARED, none).expect("sharing it");
    let script = "echo ready; read line; grep -c ' /tmp ' /proc/self/mountinfo; exit 3";
    let mut running = Running::new(sandbox.shell(&[], script).stdin(Stdio::piped()));
    mount(Some("tmpfs"), &root.join("tmp"), Some("tmpfs"), MsFlags::empty(), none).expect("mounting");
    std::io::Write::write_all(&mut running.input(), b"go\n").expect("telling a command to go on");
    let outcome = running.end();
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (3, "0\n"), "{outcome:?}");
}
