//! `--cap-add`, `--cap-drop`, no-new-privileges and keys (property L10).

use nix::libc;
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::{Step, as_root_first, is_nested, skip, start_with};

const DEFAULT: &str = "00000000a80425fb";

/// The command's five capability sets.
fn sets(sandbox: &Sandbox, options: &[&str]) -> Vec<String> {
    let text = sandbox.prints(options, "grep ^Cap /proc/self/status | cut -f2");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_default_is_dockers() {
    let none = "0000000000000000";
    assert_eq!(sets(&Sandbox::new(), &[]), [none, DEFAULT, DEFAULT, DEFAULT, none]);
}

#[test]
fn they_are_added_and_dropped_by_name() {
    let sandbox = Sandbox::new();
    for (options, bounding) in [
        (["--cap-drop", "ALL", "--cap-add", "CHOWN"].as_slice(), "0000000000000001"),
        (&["--cap-drop", "all"], "0000000000000000"),
        (&["--cap-add", "sys_admin"], "00000000a82425fb"),
        (&["--cap-drop", "CAP_CHOWN,kill"], "00000000a80425da"),
        (&["--cap-add", "ALL", "--cap-drop", "CHOWN"], "000001fffffffffe"),
    ] {
        let none = "0000000000000000";
        assert_eq!(sets(&sandbox, options), [none, bounding, bounding, bounding, none], "{options:?}");
    }
    assert_refused(&sandbox.output(&["--cap-add", "FLY"], "true"), 125, &["unknown capability FLY"]);
}

#[test]
fn what_is_not_there_cannot_be_used() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.prints(&[], "mount -t tmpfs x /mnt 2>/dev/null || mkdir -p /tmp/m; mount -t tmpfs x /tmp/m 2>/dev/null || echo refused"), "refused\n");
    assert_eq!(
        sandbox.prints(&["--cap-add", "SYS_ADMIN"], "mount -t tmpfs x /tmp && echo mounted"),
        "mounted\n"
    );
    assert_eq!(
        sandbox.prints(&["--cap-drop", "CHOWN"], "touch /tmp/c; chown 5 /tmp/c 2>/dev/null || echo refused"),
        "refused\n"
    );
}

#[test]
fn setuid_programs_work_unless_new_privileges_are_forbidden() {
    let sandbox = Sandbox::new();
    let script = "cp /bin/busybox /tmp/su && chmod 4755 /tmp/su; grep NoNewPrivs /proc/self/status | cut -f2";
    assert_eq!(sandbox.prints(&[], script), "0\n");
    for option in ["no-new-privileges", "no-new-privileges=true"] {
        assert_eq!(
            sandbox.prints(&["--security-opt", option], "grep NoNewPrivs /proc/self/status | cut -f2"),
            "1\n"
        );
    }
    for other in ["yes", "1", ""] {
        let option = format!("no-new-privileges={other}");
        assert_refused(
            &sandbox.output(&["--security-opt", &option], "true"),
            125,
            &["--security-opt", &option],
        );
    }
}

#[test]
fn the_callers_keys_are_not_the_commands() {
    let sandbox = Sandbox::new();
    let root = sandbox.rootfs.path.display();
    let count = "grep -c subroot-test-key /proc/keys";
    let mut shell = sandbox.alice.shell(&format!("{count}; exec subroot run {root} -- {count}"));
    let steps = vec![Step::HoldKey(c"subroot-test-key".into())];
    assert_eq!(sandbox.host.output(start_with(&mut shell, steps)).stdout, "1\n0\n");
}

#[test]
fn each_has_a_session_keyring_of_its_own() {
    let sandbox = Sandbox::new();
    let keyrings = "awk '/_ses/ {print $1}' /proc/keys | sort";
    let [one, two] = [0, 1].map(|_| sandbox.prints(&[], keyrings));
    assert!(!one.is_empty() && one != two, "{one}{two}");
}

/// When the quota of keys is used up (EDQUOT), the built-in filter keeps the command from all keys; without
/// the filter, the launch fails.
#[test]
fn without_a_keyring_of_its_own_a_command_has_no_keys() {
    let sandbox = Sandbox::new();
    let without_keyring = |options: &[&str]| {
        let steps = vec![Step::FailCallOfAll(libc::SYS_keyctl, libc::EDQUOT)];
        let mut command = sandbox.run(options, &["true"]);
        sandbox.host.output(as_root_first(&mut command, &sandbox.alice, steps))
    };
    assert_eq!(without_keyring(&[]).ok(), "");
    let refused = without_keyring(&["--security-opt", "seccomp=unconfined"]);
    let limit =
        |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/keys/{name}")).expect("a limit");
    let [keys, bytes] =
        ["maxkeys", "maxbytes"].map(|name| limit(name).trim().parse::<u32>().expect("a number"));
    let why = format!(
        "Disk quota exceeded (your keys reach kernel.keys.maxkeys, which is {keys}, or kernel.keys.maxbytes"
    );
    assert_refused(&refused, 125, &["leaving the caller's session keyring: ", &why]);
    let fix = format!("as root: sysctl kernel.keys.maxkeys={} kernel.keys.maxbytes={};", keys * 2, bytes * 2);
    assert!(refused.stderr.contains(&fix), "{refused:?}");
}

/// Each sandbox takes one key of the user's quota. A user who has none left still starts sandboxes, as the
/// built-in filter hides every keyring call; without it, the launch is refused.
#[test]
fn at_the_quota_of_keys_only_launches_without_the_filter_are_refused() {
    let sandbox = Sandbox::new();
    let user = sandbox.host.uid(2999);
    let launch = |options: &[&str]| {
        let mut command = user.command("subroot");
        command.arg("run").args(options).args(["--", "sh", "-c", "echo ran"]);
        sandbox.host.output(start_with(&mut command, vec![Step::FillKeyQuota(c"subroot-test-key".into())]))
    };
    let outcome = launch(&[]);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "ran\n"), "{outcome:?}");
    let refused = launch(&["--security-opt", "seccomp=unconfined"]);
    assert!(refused.code() == 125 && refused.stdout.is_empty(), "{refused:?}");
    for part in [
        "leaving the caller's session keyring: Disk quota exceeded (your keys reach kernel.keys.maxkeys",
        "subroot: fix: as root: sysctl kernel.keys.maxkeys=",
    ] {
        assert!(refused.stderr.contains(part), "{refused:?}");
    }
}

/// Keys count for the outside ID of the command's process.
#[test]
fn the_limits_on_the_keys_of_roots_granted_ids_are_not_roots() {
    let sandbox = Sandbox::new();
    if is_nested() {
        skip!("root of a user namespace maps all that it has");
    }
    for (granted, limit) in [("root:200000:65536\n", "kernel.keys.maxkeys"), ("", "kernel.keys.root_maxkeys")]
    {
        for file in ["/etc/subuid", "/etc/subgid"] {
            sandbox.host.write(file, granted);
        }
        let mut command = sandbox.host.user("root").command("subroot");
        command.args(["run", "--security-opt", "seccomp=unconfined", "--", "true"]);
        let steps = vec![Step::FailCallOfAll(libc::SYS_keyctl, libc::EDQUOT)];
        let outcome = sandbox.host.output(start_with(&mut command, steps));
        assert!(outcome.code() == 125 && outcome.stderr.contains(&format!("{limit}, which")), "{outcome:?}");
    }
}

/// An outer filter that returns this for keyctl(2), either for every call or only for a new session keyring.
#[test]
fn keys_that_are_still_in_reach_refuse_the_launch() {
    let sandbox = Sandbox::new();
    let run = |arguments: &str| {
        let rule =
            format!(r#"{{"names": ["keyctl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1{arguments}}}"#);
        let filter = format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rule}]}}"#);
        std::fs::write("/home/alice/keys.json", filter).expect("writing a profile");
        let around = [
            "run",
            "--cap-add=ALL",
            "--security-opt=seccomp=/home/alice/keys.json",
            "-v/home/alice:/home/alice:suid,dev",
            "/",
            "--",
        ];
        let inner = [
            "subroot",
            "run",
            "--security-opt=seccomp=unconfined",
            "/home/alice/rootfs",
            "--",
            "echo",
            "ran",
        ];
        sandbox.host.output(sandbox.alice.command("subroot").args(around).args(inner))
    };
    assert_eq!(run("").ok(), "ran\n");
    let refused = run(r#", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]"#);
    assert_refused(&refused, 125, &["leaving the caller's session keyring: Operation not permitted"]);
}
