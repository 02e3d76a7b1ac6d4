//! Problems with a rootfs's location, with /proc and with overlays.

use crate::doctor::{assert_found, doctor};
use nix::libc;
use nix::mount::{MsFlags, mount};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::{Outcome, Step, as_root_first};

/// The report of `doctor ROOTFS` for alice.
fn examined(sandbox: &Sandbox) -> Outcome {
    let root = sandbox.rootfs.path.to_str().expect("UTF-8");
    sandbox.host.output(&mut doctor(&sandbox.alice, &[root]))
}

fn remount(sandbox: &Sandbox, flags: MsFlags) {
    let (place, none, bind) = (&sandbox.rootfs.path, None::<&str>, MsFlags::MS_BIND);
    mount(Some(place), place, none, bind, none).expect("binding the root over itself");
    mount(none, place, none, bind | MsFlags::MS_REMOUNT | flags, none).expect("changing its flags");
}

#[test]
fn nothing_may_be_executed_on_the_mount() {
    let sandbox = Sandbox::new();
    remount(&sandbox, MsFlags::MS_NOEXEC);
    let place = sandbox.rootfs.path.display();
    assert_found(
        &examined(&sandbox),
        1,
        &format!("{place} is on a noexec mount"),
        "put the rootfs where programs may be executed",
    );
    let outcome = sandbox.output(&[], "true");
    assert_refused(&outcome, 126, &["running", "it is on a noexec mount"]);
    assert!(outcome.stderr.contains("fix: put the rootfs where"), "{outcome:?}");
}

#[test]
fn setuid_bits_do_not_count_on_the_mount() {
    let sandbox = Sandbox::new();
    remount(&sandbox, MsFlags::MS_NOSUID);
    let outcome = examined(&sandbox);
    assert_found(
        &outcome,
        1,
        "is on a nosuid mount: su, sudo and file capabilities do not work",
        "remount,suid",
    );
    assert!(outcome.stdout.contains(&sandbox.rootfs.path.display().to_string()), "{outcome:?}");
}

/// Sandboxes do not need device files on the mount, so this is not a problem.
#[test]
fn devices_do_not_work_on_the_mount() {
    let sandbox = Sandbox::new();
    assert!(!examined(&sandbox).stdout.contains("nodev"));
    remount(&sandbox, MsFlags::MS_NODEV);
    let outcome = examined(&sandbox);
    let place = sandbox.rootfs.path.display();
    assert!(
        outcome.stdout.contains(&format!("✓ devices     {place} is on a nodev mount: device files")),
        "{outcome:?}"
    );
}

/// Root inside is then a subordinate ID, which counts as one of the others.
#[test]
fn a_directory_on_the_way_is_closed() {
    let sandbox = Sandbox::new();
    for mode in [0o700, 0o750] {
        fs::set_permissions(&sandbox.alice.home, Permissions::from_mode(mode)).expect("closing the home");
        // A directory further in is closed too, which matters less.
        fs::set_permissions(&sandbox.rootfs.path, Permissions::from_mode(0o700)).expect("closing the root");
        let cause = format!("the directory /home/alice has mode {mode:04o}");
        assert_found(&examined(&sandbox), 1, &cause, "chmod o+x /home/alice");
        let outcome = sandbox.output(&["--uidmap", "0:1:60000"], "true");
        assert_refused(&outcome, 125, &["opening rootfs", "Permission denied", &cause]);
        assert!(outcome.stderr.contains("fix: chmod o+x /home/alice"), "{outcome:?}");
        assert_eq!(sandbox.output(&[], "id -u").ok(), "0\n", "the default needs nothing");
    }
}

/// Gives the whole root to an ID, and what lies at this place in it to another one.
fn give(sandbox: &Sandbox, id: u32, (place, other): (&str, u32)) {
    for (path, id) in [(sandbox.rootfs.path.clone(), id), (sandbox.rootfs.path.join(place), other)] {
        let owner = format!("{id}:{id}");
        let given = std::process::Command::new("chown").args(["-hR", &owner]).arg(path).status();
        assert!(given.expect("chown").success());
    }
}

/// As mmdebstrap leaves it, and the same in part.
#[test]
fn the_root_belongs_to_a_subordinate_id() {
    let sandbox = Sandbox::new();
    let place = sandbox.rootfs.path.display();
    give(&sandbox, 100_000, ("etc", 100_000));
    let outcome = examined(&sandbox);
    let line = format!(
        "✓ rootfs      {place} is owned by your subordinate ID 100000: running with --userns subids\n"
    );
    assert!(outcome.code() == 0 && outcome.stdout.contains(&line), "{outcome:?}");
    assert!(outcome.stdout.contains("✓ maps        65537 user IDs and 65537 group IDs"), "{outcome:?}");
    give(&sandbox, 100_000, ("etc", 1000));
    let cause = format!("{place} is owned by your subordinate ID 100000, which is not root inside");
    assert_found(&examined(&sandbox), 1, &cause, "run with --userns subids");
}

#[test]
fn the_root_belongs_to_an_id_that_is_not_the_callers() {
    let sandbox = Sandbox::new();
    for (id, whose, fix) in [
        (165_600, "/etc/subuid:2 grants it to bob", "run it as bob, or create it again as this user"),
        (400_000, "no account and no grant has it", "create it again as this user"),
    ] {
        give(&sandbox, id, ("etc", id));
        let cause = format!("is owned by uid {id}, which is not mapped ({whose}): its files are nobody's");
        assert_found(&examined(&sandbox), 1, &cause, fix);
    }
    // One for all users of a host, or of a colleague's.
    for id in [0, 1001] {
        give(&sandbox, id, ("etc", id));
        assert_eq!(examined(&sandbox).code(), 0, "{id}");
    }
}

/// The outcome of a subroot command after this line was run as root of alice's namespaces.
fn within(sandbox: &Sandbox, line: &str, words: &str) -> Outcome {
    let script = format!("{line} && exec subroot {words}");
    let mut command = sandbox.alice.command("unshare");
    sandbox.host.output(command.args(["-Urmpf", "--mount-proc", "sh", "-c", &script]))
}

#[test]
fn a_part_of_proc_is_covered() {
    let sandbox = Sandbox::new();
    let line = "mount --bind /dev/null /proc/timer_list";
    assert_found(
        &within(&sandbox, line, "doctor"),
        1,
        "the kernel refuses a new /proc, as /proc/timer_list covers a part",
        "--proc bind",
    );
    let launch = within(&sandbox, line, &format!("run --proc new {} -- true", sandbox.rootfs.path.display()));
    assert_refused(&launch, 125, &["mounting /proc", "/proc/timer_list covers a part"]);
    assert!(launch.stderr.contains("fix: --proc bind"), "{launch:?}");
}

/// A filter forbids the only flag that fsconfig(2) sets, which is overlayfs's userxattr.
#[test]
fn overlays_are_refused() {
    let sandbox = Sandbox::new();
    let filter = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["fsconfig"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
         "args": [{"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}]}]}"#;
    fs::write("/home/alice/filter.json", filter).expect("writing a profile");
    fs::set_permissions("/home/alice/filter.json", Permissions::from_mode(0o644)).expect("its mode");
    let around = |words: &[&str]| {
        let outer = [
            "run",
            "--cap-add=ALL",
            "--security-opt=seccomp=/home/alice/filter.json",
            "-v/home/alice:/home/alice",
            "--",
        ];
        sandbox.host.output(sandbox.alice.command("subroot").args(outer).args(words))
    };
    let outcome = around(&["subroot", "doctor"]);
    assert_found(&outcome, 1, "the kernel refuses an overlay in a user namespace", "run without --overlay");
    // Without /proc/filesystems, only the kernel's own error is known.
    let hidden = "unshare -mpf sh -c 'mount -t proc -o subset=pid proc /proc && subroot doctor'";
    let outcome = around(&["sh", "-c", hidden]);
    let refused = "the kernel refuses an overlay in a user namespace: Operation not permitted";
    assert_found(&outcome, 1, refused, "run without --overlay");
}

/// As before Linux 6.6: a filter makes fsetxattr(2) fail with EOPNOTSUPP.
#[test]
fn overlays_that_memory_cannot_hold_are_tried_out_on_disk() {
    let sandbox = Sandbox::new();
    sandbox.host.cover("/var/tmp", 0o1777);
    let examined = |cache: &str| {
        let mut command = doctor(&sandbox.alice, &[]);
        let filter = vec![Step::FailCallOfAll(libc::SYS_fsetxattr, libc::EOPNOTSUPP)];
        sandbox.host.output(as_root_first(command.env("XDG_CACHE_HOME", cache), &sandbox.alice, filter))
    };
    let outcome = examined("/home/alice/cache");
    let line = "✓ overlay     --overlay works, with its changes in /home/alice/cache/subroot until the end\n";
    assert!(outcome.code() == 0 && outcome.stdout.contains(line), "{outcome:?}");
    assert_eq!(fs::read_dir("/home/alice/cache/subroot").expect("its directory").count(), 0);
    let (cause, fix) = ("before Linux 6.6", "export XDG_CACHE_HOME=$(mktemp -d /var/tmp/XXXXXX)");
    assert_found(&examined("/proc"), 1, cause, fix);
}

/// As the three files that docker and podman mount in every container.
#[test]
fn a_mount_in_etc_stops_no_overlay() {
    let sandbox = Sandbox::new();
    mount(Some("/etc/hosts"), "/etc/hosts", None::<&str>, MsFlags::MS_BIND, None::<&str>).expect("a mount");
    let outcome = examined(&sandbox);
    assert!(outcome.stdout.contains("✓ overlay     --overlay works"), "{outcome:?}");
}

/// As root of a user namespace. Its limit stays in force when /proc no longer shows it.
#[test]
fn settings_that_proc_does_not_show_are_not_guessed() {
    let sandbox = Sandbox::new();
    let line = "echo 0 >/proc/sys/user/max_uts_namespaces && mount -t proc -o subset=pid,hidepid=invisible proc /proc";
    let (cause, fix) = (
        "/proc is mounted with subset=pid",
        "as root: mount -t proc -o rw,relatime,hidepid=invisible proc /proc",
    );
    assert_found(&within(&sandbox, line, "doctor"), 2, cause, fix);
    let launch = format!("run {} -- true", sandbox.rootfs.path.display());
    let refused = within(&sandbox, line, &launch);
    assert_refused(&refused, 125, &["creating namespaces", cause]);
    assert!(refused.stderr.ends_with(&format!("\nsubroot: fix: {fix}\n")), "{refused:?}");
    let fixed = format!("{line} && {}", fix.strip_prefix("as root: ").expect("a command"));
    let refused = within(&sandbox, &fixed, &launch);
    assert_refused(&refused, 125, &["creating namespaces", "user.max_uts_namespaces is 0"]);
}

#[test]
fn what_proc_hides_is_said_and_stands_in_no_way() {
    let sandbox = Sandbox::new();
    for options in [
        "hidepid=noaccess",
        "hidepid=invisible",
        "hidepid=ptraceable",
        "subset=pid",
        "hidepid=invisible,subset=pid",
    ] {
        let outcome = within(&sandbox, &format!("mount -t proc -o {options} proc /proc"), "doctor");
        let line = format!("✓ host /proc  mounted with {options}, which also holds for");
        assert!(outcome.code() < 2 && outcome.stdout.contains(&line), "{options}: {outcome:?}");
        assert!(outcome.stdout.contains("✓ /proc       a new one"), "{options}: {outcome:?}");
    }
    assert!(!examined(&sandbox).stdout.contains("host /proc"));
}

#[test]
fn what_is_no_rootfs_is_no_tick() {
    let sandbox = Sandbox::new();
    for (named, why, fix) in [
        ("/nowhere", "/ has no nowhere", "name the directory that holds the root filesystem"),
        ("/etc/passwd", "/etc/passwd is not a directory", "name a directory"),
    ] {
        let outcome = sandbox.host.output(&mut doctor(&sandbox.alice, &[named]));
        assert_found(&outcome, 2, why, fix);
    }
}
