//! What the command finds inside: devices, capabilities, environment, working directory.

use crate::running::{PATIENCE, Running, soon};
use std::fs;
use std::os::unix::fs::MetadataExt;
use subroot_tests::Outcome;
use subroot_tests::sandbox::Sandbox;

/// docker's default set: CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW
/// SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP.
const DEFAULT_CAPABILITIES: &str = "00000000a80425fb";

const BOTH: [&[&str]; 2] = [&[], &["--as-pid-1"]];

#[test]
fn the_capabilities_are_dockers_default_set_and_none_is_inherited() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let status =
            sandbox.host.output(&mut sandbox.run(options, &["grep", "^Cap", "/proc/self/status"])).ok();
        let expected =
            [("Inh", "0000000000000000"), ("Prm", DEFAULT_CAPABILITIES), ("Eff", DEFAULT_CAPABILITIES)];
        let expected =
            expected.into_iter().chain([("Bnd", DEFAULT_CAPABILITIES), ("Amb", "0000000000000000")]);
        let expected: String = expected.map(|(name, set)| format!("Cap{name}:\t{set}\n")).collect();
        assert_eq!(status, expected, "{options:?}");
    }
}

#[test]
fn no_capability_is_left_to_mount_or_to_rename_the_host() {
    let sandbox = Sandbox::new();
    for refused in ["mount -t tmpfs none /tmp", "hostname other", "chroot /proc/1/root true", "umount /proc"]
    {
        assert_ne!(sandbox.output(&[], refused).code(), 0, "{refused}");
    }
}

#[test]
fn the_environment_is_clean() {
    let sandbox = Sandbox::new();
    for options in BOTH {
        let mut command = sandbox.run(options, &["env"]);
        command.env("SECRET", "1").env("LD_PRELOAD", "").env("TERM", "vt52");
        let outcome = sandbox.host.output(&mut command);
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        assert_eq!(
            sorted(outcome),
            ["HOME=/root", path, "TERM=vt52", "container=subroot", "debian_chroot=rootfs"],
            "{options:?}"
        );
    }
}

#[test]
fn a_variable_is_set_passed_on_or_left_out() {
    let sandbox = Sandbox::new();
    let options = ["-e", "SET=a=b c", "--env", "PASSED", "-e", "UNSET", "-e", "EMPTY=", "-eHOME=/home"];
    let mut command = sandbox.run(&options, &["env"]);
    command.env("PASSED", "on").env("SET", "outside");
    let lines = sorted(sandbox.host.output(&mut command));
    for expected in ["SET=a=b c", "PASSED=on", "EMPTY=", "HOME=/home"] {
        assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("UNSET")), "{lines:?}");
}

#[test]
fn the_command_is_looked_for_in_the_path_inside() {
    let sandbox = Sandbox::new();
    sandbox.add("tmp/tool", "#!/bin/sh\necho tool\n", 0o755);
    assert_eq!(sandbox.host.output(&mut sandbox.run(&["-e", "PATH=/tmp:/bin"], &["tool"])).ok(), "tool\n");
}

fn sorted(outcome: Outcome) -> Vec<String> {
    let mut lines: Vec<String> = outcome.ok().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn the_working_directory_is_the_root_or_what_was_asked_for() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.host.output(&mut sandbox.run(&[], &["pwd"])).ok(), "/\n");
    assert_eq!(sandbox.host.output(&mut sandbox.run(&["-w", "/tmp"], &["pwd"])).ok(), "/tmp\n");
    assert_eq!(
        sandbox.host.output(&mut sandbox.run(&["--workdir=/etc"], &["cat", "group"])).ok(),
        "root:x:0:\n"
    );
}

#[test]
fn the_devices_work() {
    let sandbox = Sandbox::new();
    let script = "
        echo lost > /dev/null && [ -z \"$(cat /dev/null)\" ] && echo null
        [ $(head -c 5 /dev/zero | od -An -tx1 | tr -d ' ') = 0000000000 ] && echo zero
        echo x 2>/dev/null > /dev/full || echo full
        [ $(head -c 64 /dev/urandom | wc -c) = 64 ] && echo urandom
        [ $(head -c 8 /dev/random | wc -c) = 8 ] && echo random
        echo shared > /dev/shm/file && cat /dev/shm/file
        echo text | cat /dev/stdin
        echo fd | cat /dev/fd/0";
    let expected = "null\nzero\nfull\nurandom\nrandom\nshared\ntext\nfd\n";
    assert_eq!(sandbox.output(&[], script).ok(), expected);
}

#[test]
fn the_device_directory_has_nothing_but_what_a_program_may_expect() {
    let sandbox = Sandbox::new();
    let names = sandbox.output(&[], "ls /dev; ls -d /dev/pts/*").ok();
    let expected = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero /dev/pts/ptmx";
    assert_eq!(names.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    let outside = fs::metadata("/dev/null").expect("the host's").rdev();
    let inside = sandbox.output(&[], "stat -L -c %t:%T:%a /dev/null /dev/tty; readlink /dev/ptmx").ok();
    assert!(
        inside.starts_with("1:3:666\n5:0:666\n") && inside.ends_with("pts/ptmx\n"),
        "{outside:x} {inside}"
    );
}

#[test]
fn a_terminal_of_the_sandboxs_own_can_be_made() {
    let sandbox = Sandbox::new();
    // Opening the multiplexer creates a terminal, which has a number while it is open.
    let outcome = sandbox.output(&[], "exec 5<>/dev/ptmx && ls /dev/pts && stat -c %u:%g /dev/pts/0");
    assert_eq!(outcome.ok(), "0\nptmx\n0:5\n");
}

#[test]
fn no_new_device_can_be_made_or_opened() {
    let sandbox = Sandbox::new();
    assert_ne!(sandbox.output(&[], "mknod /dev/disk b 254 0").code(), 0);
    assert_ne!(sandbox.output(&[], "mknod /tmp/disk c 1 3").code(), 0);
}

#[test]
fn the_kernels_settings_cannot_be_written() {
    let sandbox = Sandbox::new();
    let script = "
        for file in /sys/new /sys/kernel/uevent_helper /sys/power/state; do
            (echo 1 > $file) 2>/dev/null && echo wrote $file
        done
        for file in kernel/core_pattern kernel/hostname vm/overcommit_memory; do
            (echo 1 > /proc/sys/$file) 2>/dev/null && echo wrote $file
        done
        (echo b > /proc/sysrq-trigger) 2>/dev/null && echo wrote
        grep ' /sys ' /proc/self/mountinfo | cut -d' ' -f6";
    let output = sandbox.output(&[], script).ok();
    assert!(output.starts_with("ro,nosuid,nodev,noexec"), "{output}");
}

#[test]
fn proc_is_of_the_sandbox_alone() {
    let sandbox = Sandbox::new();
    let outcome =
        sandbox.output(&[], "[ $(ls -d /proc/[0-9]* | wc -l) -le 5 ] && echo few; cat /proc/1/comm");
    assert_eq!(outcome.ok(), "few\nsubroot-init\n");
}

#[test]
fn no_mount_made_on_the_host_later_comes_in() {
    let sandbox = Sandbox::new();
    let script = "echo ready; while [ ! -e /tmp/go ]; do sleep 0.02; done; ls /home /var";
    let running = Running::new(&mut sandbox.shell(&[], script));
    let none: Option<&str> = None;
    let place = sandbox.rootfs.path.join("home");
    let flags = nix::mount::MsFlags::empty();
    nix::mount::mount(Some("tmpfs"), &place, Some("tmpfs"), flags, none)
        .expect("mounting in the root, outside");
    fs::write(place.join("late"), "").expect("writing there");
    sandbox.add("tmp/go", "", 0o644);
    let outcome = running.end();
    assert!(!outcome.stdout.contains("late"), "{outcome:?}");
    assert!(soon(PATIENCE, || nix::mount::umount(&place).is_ok()));
}

#[test]
fn without_a_command_a_shell_reads_its_lines() {
    let sandbox = Sandbox::new();
    let launch = format!("echo 'echo hello; id -u; exit 4' | subroot run {}", sandbox.rootfs.path.display());
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(&launch));
    assert_eq!((outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str()), (4, "hello\n0\n", ""));
}
