//! Profiles in docker's format.

use crate::seccomp::{EPERM, assert_refused, calls, with_calls};
use nix::mount::{MsFlags, mount};
use std::path::Path;

/// From Debian's golang-github-containers-common.
const PODMANS: &str = "/usr/share/containers/seccomp.json";

#[test]
fn podmans_own_profile_works() {
    if !Path::new(PODMANS).exists() {
        subroot_tests::skip!("{PODMANS} is not installed");
    }
    let sandbox = with_calls();
    let option = format!("--security-opt=seccomp={PODMANS}");
    let script = "mkdir /new && touch /new/file && chown 1:1 /new/file && ls -n /new | grep -c ' 1 *1 ' && sleep 0 | cat";
    assert_eq!(sandbox.output(&[&option], script).ok(), "1\n");
    let answers = calls(&sandbox, &[&option], &["keyctl", "bpf", "inet", "unknown", "i386:getpid"]);
    let found = ["keyctl", "bpf", "inet", "unknown", "i386:getpid"].map(|name| answers[name]);
    assert_eq!(found[1..], [EPERM, 0, 38, 0]);
}

/// docs/seccomp.md: subroot answers as podman to what both deny.
#[test]
fn podmans_profile_gives_the_same_answers() {
    if !Path::new(PODMANS).exists() {
        subroot_tests::skip!("{PODMANS} is not installed");
    }
    let sandbox = with_calls();
    let names = [
        "add_key",
        "request_key",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
        "quotactl_fd",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "open_by_handle_at",
        "kexec_load",
        "init_module",
        "finit_module",
        "swapon",
        "acct",
        "quotactl",
        "settimeofday",
        "uselib",
        "vmsplice",
        "ustat",
    ];
    let option = format!("--security-opt=seccomp={PODMANS}");
    assert_eq!(calls(&sandbox, &[], &names), calls(&sandbox, &[&option], &names));
}

#[test]
fn a_profile_takes_the_place_of_the_built_in_filter() {
    let sandbox = with_calls();
    let option = sandbox.profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],
            "syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","errnoRet":30}]}"#,
    );
    let outcome = sandbox.output(&[&option], "mkdir /new");
    assert_eq!((outcome.code(), outcome.stderr.contains("Read-only file system")), (1, true), "{outcome:?}");
    assert_ne!(calls(&sandbox, &[&option], &["add_key"])["add_key"], EPERM);
}

#[test]
fn a_command_that_a_profile_kills_ends_as_killed() {
    let sandbox = with_calls();
    let option = sandbox.profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_KILL_PROCESS"}]}"#,
    );
    let outcome = sandbox.host.output(&mut sandbox.run(&[&option], &["mkdir", "/new"]));
    assert_eq!(outcome.code(), 128 + 31, "{outcome:?}");
}

#[test]
fn a_profile_without_the_calls_of_the_start_says_which_step_failed() {
    let sandbox = with_calls();
    let option = sandbox.profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["capset"],"action":"SCMP_ACT_ERRNO"}]}"#,
    );
    assert_refused(&sandbox.output(&[&option], "true"), &["giving up capabilities"]);
}

#[test]
fn a_profile_that_cannot_be_kept_is_refused_before_anything_is_made() {
    let sandbox = with_calls();
    for (text, words) in [
        ("no JSON", ["profile.json", "line 1"]),
        (r#"{"defaultAction":"SCMP_ACT_NEVER"}"#, ["profile.json", "SCMP_ACT_NEVER"]),
        (
            r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]}"#,
            ["profile.json: syscalls[0] (mkdir)", "SCMP_ACT_NOTIFY"],
        ),
    ] {
        assert_refused(&sandbox.output(&[&sandbox.profile(text)], "touch /mark"), &words);
    }
    let missing = ["--security-opt=seccomp=/no/such.json"];
    assert_refused(&sandbox.output(&missing, "touch /mark"), &["/no/such.json", "No such file"]);
    assert_refused(
        &sandbox.output(&["--security-opt=other=1"], "touch /mark"),
        &["--security-opt", "other=1"],
    );
    assert!(!sandbox.rootfs.path.join("mark").exists());
}

/// The kernel's release is known without /proc/sys, which a /proc with subset=pid hides.
#[test]
fn an_entry_for_this_kernel_holds_whatever_proc_hides() {
    let sandbox = with_calls();
    let option = sandbox.profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
            {"names":["mkdir"],"action":"SCMP_ACT_ERRNO","errnoRet":30,"includes":{"minKernel":"4.0"}}]}"#,
    );
    if mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), Some("subset=pid")).is_err() {
        subroot_tests::skip!("this user namespace may not mount /proc");
    }
    let outcome = sandbox.output(&[&option], "mkdir /new");
    assert_eq!((outcome.code(), outcome.stderr.contains("Read-only file system")), (1, true), "{outcome:?}");
}
