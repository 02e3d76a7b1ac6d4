//! What a session may lack and what a host may forbid: every command still works for an ordinary user.

use std::path::Path;
use std::process::Command;
use subroot_tests::running::unique_word;
use subroot_tests::sandbox::{FULL_MAP, Sandbox, map_lines};
use subroot_tests::{Outcome, is_nested, skip};

/// Runs, examines, joins and ends a sandbox, all without XDG_RUNTIME_DIR.
const LIFECYCLE: &str = r#"
    rm -f rootfs/ready
    subroot run rootfs -- sh -c 'touch /ready; exec sleep $0' $0 & launcher=$!
    until test -e rootfs/ready; do kill -0 $launcher || exit 90; sleep 0.05; done
    subroot ps | grep -q $0 || exit 96
    subroot exec $launcher -- cat /proc/self/uid_map || exit 91
    subroot kill -s KILL $launcher || exit 92
    wait $launcher; test $? = 137 || exit 93
    subroot run -- cat /proc/self/uid_map || exit 94
    subroot doctor rootfs >doctor; test $? -lt 2 || exit 95"#;

fn by_root(sandbox: &Sandbox, script: &str) {
    sandbox.host.output(&mut sandbox.host.user("root").shell(script)).ok();
}

fn lifecycle(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.alice.shell(LIFECYCLE);
    command.arg(unique_word());
    command
}

#[track_caller]
fn assert_lived(outcome: &Outcome) {
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!(map_lines(&outcome.stdout), [FULL_MAP, FULL_MAP].concat(), "{outcome:?}");
}

#[test]
fn without_a_runtime_directory_and_without_a_home_sandboxes_live() {
    let sandbox = Sandbox::new();
    assert_lived(&sandbox.host.output(&mut lifecycle(&sandbox)));
    assert_lived(&sandbox.host.output(lifecycle(&sandbox).env_remove("HOME")));
    assert_lived(&sandbox.host.output(lifecycle(&sandbox).env("HOME", "/nonexistent")));
    assert_lived(&sandbox.host.output(lifecycle(&sandbox).env_remove("USER").env_remove("LOGNAME")));
}

#[test]
fn sandboxes_work_on_a_read_only_root_with_a_tmp_for_data_only() {
    let sandbox = Sandbox::new();
    // The environment of cron, a login shell or a program of root.
    by_root(
        &sandbox,
        "mount -o remount,bind,ro / && mount -o remount,bind,ro /etc && mount -o remount,bind,ro /run",
    );
    by_root(&sandbox, "mount -o remount,bind,noexec,nosuid,nodev /tmp && ! touch /etc/x && ! touch /x");
    assert_lived(&sandbox.host.output(&mut lifecycle(&sandbox)));
    // A name is kept in the home directory.
    let outcome = sandbox.output(&["--name", "kept", "--overlay"], "touch /mark && echo wrote");
    assert_eq!(outcome.ok(), "wrote\n");
    assert!(!sandbox.has_mark());
}

/// The mapper is not in the home directory, so its setuid bit counts. doctor reports that su and sudo in the
/// root lack theirs.
#[test]
fn in_a_home_that_is_mounted_nosuid_sandboxes_live() {
    let sandbox = Sandbox::new();
    by_root(&sandbox, "mount -o remount,bind,nosuid,nodev /home");
    assert_lived(&sandbox.host.output(&mut lifecycle(&sandbox)));
    let doctor = std::fs::read_to_string("/home/alice/doctor").expect("what doctor printed");
    assert!(doctor.contains("is on a nosuid mount"), "{doctor}");
}

#[test]
fn sandboxes_work_in_a_home_that_is_closed_to_all_other_users() {
    let sandbox = Sandbox::new();
    by_root(&sandbox, "chmod 700 /home/alice /home/alice/rootfs");
    assert_lived(&sandbox.host.output(&mut lifecycle(&sandbox)));
}

/// A server with root squash is as strict as FUSE without allow_other: it refuses everything except the
/// user's own processes, including root's.
#[test]
fn on_a_file_system_that_shuts_root_out_sandboxes_live() {
    if is_nested() {
        skip!("no device can be made in a user namespace");
    }
    if ["/usr/bin/bindfs", "/usr/bin/fusermount3"].iter().any(|program| !Path::new(program).exists()) {
        skip!("no FUSE: install bindfs and fuse3");
    }
    let sandbox = Sandbox::new();
    by_root(&sandbox, "mknod -m 666 /mnt/fuse c 10 229 && mount --bind /mnt/fuse /dev/fuse");
    let mount = "mv rootfs real && mkdir rootfs && bindfs --no-allow-other real rootfs && ls rootfs/bin/sh";
    let mounted = sandbox.host.output(&mut sandbox.alice.shell(mount));
    let _unmounted_at_the_end = Fuse(&sandbox);
    mounted.ok();
    by_root(&sandbox, "! ls /home/alice/rootfs");
    assert_lived(&sandbox.host.output(&mut lifecycle(&sandbox)));
}

/// Unmounts the filesystem, which also ends its server.
struct Fuse<'s>(&'s Sandbox);

impl Drop for Fuse<'_> {
    fn drop(&mut self) {
        let mut unmount = self.0.alice.shell("fusermount3 -u -z rootfs");
        let _status = self.0.host.output(&mut unmount);
    }
}
