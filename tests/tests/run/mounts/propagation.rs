//! Mounts that the host makes and removes while a sandbox of the host's own system runs.

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use subroot_tests::running::{GONE_WITHIN, Running, soon};
use subroot_tests::sandbox::{Sandbox, mounts};
use subroot_tests::{is_nested, skip};

const NONE: Option<&str> = None;

/// A sandbox of the host's own system, which runs the script's second line after [`go_on`].
fn host_system(sandbox: &Sandbox, options: &[&str], script: &str) -> Running {
    let mut command = sandbox.alice.command("subroot");
    command.arg("run").args(options).args(["--", "sh", "-c", script]);
    Running::new(command.stdin(Stdio::piped()))
}

fn go_on(running: &mut Running) {
    running.input().write_all(b"\n").expect("writing a line");
}

fn mount_memory(path: &str, file: &str) {
    mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).expect("mounting");
    fs::write(Path::new(path).join(file), "").expect("a file");
}

/// A directory in which the host mounts and unmounts, as /media or that of an automounter.
fn shared_dir(sandbox: &Sandbox) {
    for dir in ["/mnt/disks", "/mnt/disks/old", "/mnt/disks/new"] {
        sandbox.host.make_dir(dir, &sandbox.host.user("root"));
    }
    mount(Some("tmpfs"), "/mnt/disks", Some("tmpfs"), MsFlags::empty(), Some("mode=755")).expect("mounting");
    mount(NONE, "/mnt/disks", NONE, MsFlags::MS_SHARED, NONE).expect("sharing");
    for dir in ["/mnt/disks/old", "/mnt/disks/new"] {
        fs::create_dir(dir).expect("a directory");
    }
    mount_memory("/mnt/disks/old", "of-old");
}

const BOUND: [&str; 2] = ["-v", "/mnt/disks:/mnt/disks:ro,rslave"];
const SCRIPT: &str =
    "test -e /mnt/disks/old/of-old && echo ready; read line; ls /mnt/disks/old /mnt/disks/new";

#[test]
fn mounts_of_the_host_come_and_go_in_a_directory_that_is_bound_as_slave() {
    let sandbox = Sandbox::new();
    shared_dir(&sandbox);
    let mut running = host_system(&sandbox, &BOUND, SCRIPT);
    umount2("/mnt/disks/old", MntFlags::empty()).expect("unmounting while the sandbox runs");
    mount_memory("/mnt/disks/new", "of-new");
    go_on(&mut running);
    let seen = running.end().ok();
    assert_eq!(seen, "/mnt/disks/new:\nof-new\n\n/mnt/disks/old:\n", "{seen}");
}

/// A FUSE server ends when no mount and no overlay uses its filesystem any more.
#[test]
fn a_filesystem_that_the_host_unmounts_there_is_not_kept_busy() {
    if is_nested() {
        skip!("no device can be made in a user namespace");
    }
    if !Path::new("/usr/bin/bindfs").exists() {
        skip!("no FUSE: install bindfs");
    }
    let sandbox = Sandbox::new();
    shared_dir(&sandbox);
    umount2("/mnt/disks/old", MntFlags::empty()).expect("unmounting");
    let serve = "mknod -m 666 /mnt/fuse c 10 229 && mount --bind /mnt/fuse /dev/fuse &&
        mkdir /mnt/real && touch /mnt/real/of-old || exit
        bindfs -f /mnt/real /mnt/disks/old >/dev/null 2>&1 & echo $! >/mnt/server
        until mountpoint -q /mnt/disks/old; do sleep 0.02; done";
    sandbox.host.output(Command::new("sh").args(["-c", serve])).ok();
    let mut running = host_system(&sandbox, &BOUND, SCRIPT);
    let server = fs::read_to_string("/mnt/server").expect("its PID");
    let words = Path::new("/proc").join(server.trim()).join("cmdline");
    // A process that has ended has no words, even before it is waited for.
    let has_ended = || fs::read(&words).map_or(true, |words| words.is_empty());
    let was_running = !has_ended();
    umount2("/mnt/disks/old", MntFlags::empty()).expect("unmounting while the sandbox runs");
    assert!(soon(GONE_WITHIN, has_ended) && was_running);
    go_on(&mut running);
    running.end().ok();
}

/// Otherwise nothing changes inside, and nothing that the host mounts later can be written to.
#[test]
fn mounts_of_the_host_do_not_come_without_an_option() {
    let sandbox = Sandbox::new();
    shared_dir(&sandbox);
    let mut running = host_system(&sandbox, &[], SCRIPT);
    mount_memory("/mnt/disks/new", "of-new");
    go_on(&mut running);
    let seen = running.end().ok();
    assert_eq!(seen, "/mnt/disks/new:\n\n/mnt/disks/old:\nof-old\n");
}

/// Root inside mounts in the directory, through a bind of it, and in a namespace of its own (property L7).
#[test]
fn no_mount_event_leaves_a_directory_that_is_bound_as_slave() {
    let sandbox = Sandbox::new();
    shared_dir(&sandbox);
    let script = "mount -t tmpfs tmpfs /mnt/disks/new && mount --bind /mnt/disks /srv && \
        mount -t tmpfs tmpfs /srv/old && mount --make-rshared /mnt/disks && \
        mount --rbind /mnt/disks /mnt/disks/new && unshare -m --propagation shared mount -t tmpfs tmpfs /mnt/disks/old; \
        umount /mnt/disks/old; umount -l /mnt/disks/new; echo ready; read line; true";
    let options = ["--cap-add", "SYS_ADMIN", "-v", "/mnt/disks:/mnt/disks:rslave"];
    let before = mounts();
    let mut running = host_system(&sandbox, &options, script);
    assert_eq!(mounts(), before);
    go_on(&mut running);
    running.end().ok();
    assert_eq!(mounts(), before);
}

#[test]
fn the_plan_shows_the_propagation() {
    let sandbox = Sandbox::new();
    let words = ["run", "--print-plan", "-v", "/media:/media:ro,rslave", "--", "true"];
    let plan = sandbox.says(&words).ok();
    assert!(plan.contains("mount /media: rbind /media (ro,nosuid,nodev,slave)"), "{plan}");
}
