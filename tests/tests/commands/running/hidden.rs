//! Hosts that hide processes from their users: /proc with hidepid or subset (proc(5)).

use crate::running::{READY, listed, unique_name};
use nix::mount::{MsFlags, mount};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use subroot_tests::running::{PATIENCE, Running, soon};
use subroot_tests::sandbox::{FULL_MAP, Sandbox, map_lines};
use subroot_tests::{Install, MAPPER, Outcome, skip};

/// Options that an administrator may use in /etc/fstab. Older manual pages have no name for 4.
const OPTIONS: [&str; 9] = [
    "hidepid=0",
    "hidepid=1",
    "hidepid=2",
    "hidepid=4",
    "hidepid=invisible,gid=27",
    "hidepid=ptraceable,gid=1000",
    "subset=pid",
    "subset=pid,hidepid=noaccess",
    "subset=pid,hidepid=ptraceable",
];

/// Covers the /proc of the test's own mount namespace by another instance; false if that is not allowed.
fn hide(options: &str) -> bool {
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), Some(options)).is_ok()
}

/// Fails the test unless alice can start a sandbox with these options, list it, join it and end it.
#[track_caller]
fn assert_all_work(sandbox: &Sandbox, options: &[&str]) {
    let name = unique_name();
    let mut launch = sandbox.run(&[&["--name", &name], options].concat(), &["sh", "-c", READY]);
    let running = Running::new(&mut launch);
    assert!(listed(sandbox, &name).is_some(), "{options:?}");
    let joined = sandbox.says(&["exec", &name, "sh", "-c", "ps | grep -c 'sleep 1000'; exit 7"]);
    assert_eq!((joined.stderr.as_str(), joined.code()), ("", 7), "{options:?}: {joined:?}");
    let terminal = sandbox.says(&["exec", "-t", "-u", "2", &name, "id", "-u"]);
    assert_eq!(terminal.ok(), "2\r\n", "{options:?}");
    sandbox.says(&["kill", &name]).ok();
    assert_eq!(running.end().code(), 137, "{options:?}");
    let gone = sandbox.says(&["exec", &name, "true"]);
    assert!(gone.code() == 125 && gone.stderr.contains(&name), "{gone:?}");
}

#[test]
fn sandboxes_are_started_listed_joined_and_ended_whatever_proc_hides() {
    for hidden in OPTIONS {
        let sandbox = Sandbox::new();
        if !hide(hidden) {
            skip!("this user namespace may not mount /proc");
        }
        for options in [
            &[][..],
            &["--as-pid-1"],
            &["-u", "1", "--cap-drop", "ALL"],
            &["--pid", "host", "-u", "1", "--cap-add", "SETUID"],
            &["--tmpfs", "/a/new/mount/point"],
        ] {
            println!("{hidden}");
            assert_all_work(&sandbox, options);
        }
    }
}

#[test]
fn a_sandbox_has_a_proc_of_its_own_that_hides_nothing() {
    for hidden in OPTIONS {
        let sandbox = Sandbox::new();
        if !hide(hidden) {
            skip!("this user namespace may not mount /proc");
        }
        let script =
            "test -e /proc/sys/kernel/osrelease && grep ' /proc ' /proc/self/mountinfo && ls -d /proc/1";
        let shown = sandbox.output(&["-u", "1"], script).ok();
        assert!(!shown.contains("hidepid") && !shown.contains("subset"), "{hidden}: {shown}");
    }
}

/// Its capabilities do not include CAP_SYS_PTRACE. The alternative to it names the target by its PID.
#[test]
fn a_mapper_with_file_capabilities_finds_its_target() {
    for hidden in OPTIONS {
        let sandbox = Sandbox::new();
        if !hide(hidden) {
            skip!("this user namespace may not mount /proc");
        }
        sandbox.host.install_mapper(Install::FileCapabilities);
        let outcome = sandbox.output(&[], "cat /proc/self/uid_map");
        assert_eq!(outcome.stderr, "", "{hidden}");
        assert_eq!(map_lines(&outcome.ok()), FULL_MAP, "{hidden}");
        sandbox.host.remove(MAPPER);
        sandbox.host.install_drop_ins(Install::FileCapabilities);
        let outcome = sandbox.output(&[], "cat /proc/self/uid_map");
        assert_eq!(outcome.stderr, "", "{hidden}");
        assert_eq!(map_lines(&outcome.ok()), FULL_MAP, "{hidden}");
    }
}

/// alice's sandbox, with a directory /programs that contains a shell of the host's root which others can
/// execute but not read. Its processes are not dumpable (execve(2)), so only the host's root may examine
/// them.
fn with_unreadable_shell() -> Sandbox {
    let sandbox = Sandbox::new();
    let shell = "/usr/local/bin/unreadable/sh";
    fs::create_dir("/usr/local/bin/unreadable").expect("making a directory");
    fs::copy(sandbox.rootfs.path.join("bin/busybox"), shell).expect("copying a shell");
    fs::set_permissions(shell, fs::Permissions::from_mode(0o711)).expect("its mode");
    sandbox
}

/// A launch in which every process runs that shell.
fn unreadable(sandbox: &Sandbox, name: &str, options: &[&str]) -> Running {
    let bind = "/usr/local/bin/unreadable:/programs";
    let options = [&["--name", name, "-v", bind], options].concat();
    let script = "echo ready; read never </dev/zero";
    Running::new(&mut sandbox.run(&options, &["/programs/sh", "-c", script]))
}

#[test]
fn processes_that_cannot_be_joined_have_not_ended() {
    for hidden in ["hidepid=0", "hidepid=1", "hidepid=2", "hidepid=4"] {
        let sandbox = with_unreadable_shell();
        if !hide(hidden) {
            skip!("this user namespace may not mount /proc");
        }
        for options in [&[][..], &["--as-pid-1"]] {
            let name = unique_name();
            let running = unreadable(&sandbox, &name, options);
            let refused = sandbox.says(&["exec", &name, "true"]);
            assert_eq!(refused.code(), 125, "{hidden} {options:?}: {refused:?}");
            let why = "none of its processes can be joined: ptrace(2) denies access";
            assert!(refused.stderr.contains(why), "{hidden} {options:?}: {refused:?}");
            sandbox.says(&["kill", &name]).ok();
            assert_eq!(running.end().code(), 137, "{hidden} {options:?}");
        }
    }
}

#[test]
fn a_signal_ends_a_pid_1_whose_handlers_proc_hides() {
    for hidden in ["hidepid=0", "hidepid=1", "hidepid=2", "hidepid=4"] {
        let sandbox = with_unreadable_shell();
        if !hide(hidden) {
            skip!("this user namespace may not mount /proc");
        }
        let running = unreadable(&sandbox, &unique_name(), &["--as-pid-1"]);
        running.signal(15);
        assert_eq!(running.end().code(), 128 + 15, "{hidden}");
    }
}

/// The many mount points delay the start of the command after the registry entry is created. Until they
/// exist, the first process is in the host's root, and a command that joined it would run there.
#[test]
fn a_sandbox_can_be_joined_as_soon_as_it_is_listed_and_never_before_it_has_its_root() {
    let sandbox = Sandbox::new();
    sandbox.add("inside", "yes", 0o644);
    let dirs: Vec<String> = (0..100).map(|number| format!("--tmpfs=/{number}")).collect();
    for first in [&[][..], &["--as-pid-1"], &["--pid", "host"]] {
        let options: Vec<&str> = dirs.iter().map(String::as_str).chain(first.iter().copied()).collect();
        for _ in 0..5 {
            let name = unique_name();
            let mut launch = sandbox.run(&[&["--name", &name], &options[..]].concat(), &["sh", "-c", READY]);
            let started = subroot_tests::Started::new(&mut launch);
            assert!(soon(PATIENCE, || listed(&sandbox, &name).is_some()), "it is not listed");
            assert_eq!(sandbox.says(&["exec", &name, "cat", "/inside"]).ok(), "yes", "{first:?}");
            Running::of(started);
            sandbox.says(&["kill", &name]).ok();
        }
    }
}

/// Runs as root of its own PID namespace, in which the next PID can be chosen: a process of the payload in
/// another mount namespace gets a lower PID than the command.
const WRAPPED: &str = r#"
    mount -t proc -o hidepid=2 proc /proc
    echo 3000 2>/dev/null >/proc/sys/kernel/ns_last_pid || exit 99
    as_alice() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }
    as_alice subroot run --name "$NAME" --cap-add SYS_ADMIN "$ROOT" -- sh -c '
        touch /tmp/started
        until [ -e /tmp/go ]; do usleep 10000; done
        exec unshare -m sh -c "mount -t tmpfs other /var && touch /tmp/moved && sleep 1000" &
        touch /var/right && exec sleep 1000' &
    until [ -e "$ROOT/tmp/started" ]; do sleep 0.01; done
    echo 300 >/proc/sys/kernel/ns_last_pid
    as_alice touch "$ROOT/tmp/go"
    until [ -e "$ROOT/tmp/moved" ]; do sleep 0.01; done
    as_alice subroot exec "$NAME" ls /var
"#;

#[test]
fn exec_joins_the_command_and_not_what_has_left_its_namespaces() {
    let sandbox = Sandbox::new();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", WRAPPED]);
    command.env("NAME", unique_name()).env("ROOT", &sandbox.rootfs.path).env("HOME", &sandbox.alice.home);
    let outcome: Outcome = sandbox.host.output_within(Duration::from_secs(20), &mut command);
    if outcome.code() == 99 {
        skip!("the kernel does not allow choosing PIDs");
    }
    assert!(Path::new(&sandbox.rootfs.path).join("tmp/moved").exists(), "{outcome:?}");
    assert_eq!(outcome.ok(), "right\n");
}
