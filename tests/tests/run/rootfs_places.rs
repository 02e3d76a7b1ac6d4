//! A root under any name and in any location.

use crate::running::{GONE_WITHIN, Running, soon};
use nix::mount::{MsFlags, mount};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use subroot_tests::sandbox::{Sandbox, assert_refused, listing, map_lines};

const NONE: Option<&str> = None;

/// Runs a command in a root with this name, from this directory.
fn prints(sandbox: &Sandbox, dir: &Path, named: &str) -> String {
    let mut command = sandbox.alice.command("subroot");
    command.args(["run", named, "--", "cat", "/etc/group"]).current_dir(dir);
    sandbox.host.output(&mut command).ok()
}

#[test]
fn a_root_may_be_named_in_any_way() {
    let sandbox = Sandbox::new();
    let (home, path) = (&sandbox.alice.home, &sandbox.rootfs.path);
    symlink("rootfs", home.join("link")).expect("making a symlink");
    for named in
        ["rootfs", "./rootfs", "rootfs/", "rootfs/.", "rootfs/bin/..", "link", "link/", "/home/alice/link"]
    {
        assert_eq!(prints(&sandbox, home, named), "root:x:0:\n", "{named}");
    }
    for (dir, named) in [(path.clone(), "."), (path.join("bin"), ".."), (path.clone(), "../rootfs")] {
        assert_eq!(prints(&sandbox, &dir, named), "root:x:0:\n", "{named}");
    }
}

#[test]
fn a_root_may_have_any_name() {
    let sandbox = Sandbox::new();
    for name in ["a b", "colon:comma,back\\slash", "-dash", "ümlaut", "new\nline"] {
        let path = sandbox.alice.home.join(name);
        fs::rename(&sandbox.rootfs.path, &path).expect("renaming the root");
        let named = format!("/home/alice/{name}");
        assert_eq!(prints(&sandbox, Path::new("/"), &named), "root:x:0:\n", "{name}");
        fs::rename(&path, &sandbox.rootfs.path).expect("renaming the root");
    }
}

#[test]
fn the_hosts_own_root_can_be_the_root() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.alice.command("subroot");
    command.args(["run", "/", "--", "cat", "/proc/self/uid_map", "/proc/1/comm"]);
    let outcome = sandbox.host.output(&mut command);
    assert_eq!(outcome.stderr, "");
    assert_eq!(map_lines(&outcome.ok()), ["0 1000 1", "1 100000 65536", "subroot-init"]);
}

#[test]
fn a_read_only_mount_can_be_the_root() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        let path = &sandbox.rootfs.path;
        mount(Some(path), path, NONE, MsFlags::MS_BIND, NONE).expect("binding the root");
        let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID;
        mount(NONE, path, NONE, flags, NONE).expect("making it read-only");
        let before = listing(path);
        let outcome =
            sandbox.output(&[], "touch /new || touch /etc/new || grep -q Linux /proc/version && exit 3");
        assert_eq!(outcome.code(), 3, "{outcome:?}");
        assert_eq!(listing(path), before);
    }
}

#[test]
fn a_mount_below_the_root_is_seen_inside() {
    let sandbox = Sandbox::new();
    let place = sandbox.rootfs.path.join("var");
    mount(Some("tmpfs"), &place, Some("tmpfs"), MsFlags::empty(), NONE).expect("mounting a tmpfs");
    fs::write(place.join("file"), "below\n").expect("writing there");
    assert_eq!(sandbox.output(&[], "cat /var/file").ok(), "below\n");
}

#[test]
fn a_root_that_only_subordinate_ids_can_search_is_opened_with_them() {
    let sandbox = Sandbox::new();
    let inner = sandbox.alice.home.join("shut");
    fs::create_dir(&inner).expect("making a directory");
    fs::rename(&sandbox.rootfs.path, inner.join("rootfs")).expect("moving the root");
    std::os::unix::fs::chown(&inner, Some(100_000), Some(100_000)).expect("giving it to a subordinate ID");
    fs::set_permissions(&inner, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("shutting it");
    assert_eq!(prints(&sandbox, &sandbox.alice.home, "shut/rootfs"), "root:x:0:\n");
}

#[test]
fn a_root_that_nobody_lets_the_caller_see_is_refused() {
    let sandbox = Sandbox::new();
    fs::create_dir_all("/home/alice/shut/rootfs").expect("making a directory");
    fs::set_permissions("/home/alice/shut", std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("shutting");
    let mut command = sandbox.alice.command("subroot");
    let outcome = sandbox.host.output(command.args(["run", "/home/alice/shut/rootfs", "--", "true"]));
    assert_refused(&outcome, 125, &["opening rootfs /home/alice/shut/rootfs", "Permission denied"]);
}

#[test]
fn a_root_that_is_renamed_while_it_runs_keeps_running() {
    let sandbox = Sandbox::bare();
    let script = "echo ready; while [ ! -e /tmp/go ]; do sleep 0.02; done; cat /proc/1/comm";
    let running = Running::new(&mut sandbox.shell(&[], script));
    let moved = sandbox.alice.home.join("moved");
    fs::rename(&sandbox.rootfs.path, &moved).expect("renaming the root");
    fs::write(moved.join("tmp/go"), "").expect("writing in the root");
    assert_eq!(running.end().ok(), "subroot-init\n");
    assert!(soon(GONE_WITHIN, || !moved.join("proc").exists()));
}
