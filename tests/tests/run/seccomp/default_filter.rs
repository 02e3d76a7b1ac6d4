//! The default filter of every run.

use crate::seccomp::{ENOSYS, EPERM, calls, with_calls};

const DENIED: [&str; 21] = [
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "open_by_handle_at",
    "kexec_load",
    "init_module",
    "finit_module",
    "reboot",
    "swapon",
    "syslog",
    "acct",
    "quotactl",
    "settimeofday",
    "fanotify_init",
    "uselib",
    "vmsplice",
    "ustat",
    "personality:read-implies-exec",
    "personality:page-zero",
    "alg",
    "vsock",
];
/// Calls that programs ask for, and do without if the kernel does not have them.
const ABSENT: [&str; 9] = [
    "keyctl",
    "add_key",
    "request_key",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "quotactl_fd",
    "nfsservctl",
    "lookup_dcookie",
];
/// Denied and absent calls for which the kernel itself returns neither EPERM nor ENOSYS, whatever its settings.
const ANSWERED: [&str; 10] = [
    "keyctl",
    "add_key",
    "request_key",
    "quotactl",
    "vmsplice",
    "ustat",
    "personality:read-implies-exec",
    "personality:page-zero",
    "alg",
    "vsock",
];
const UNCONFINED: [&str; 1] = ["--security-opt=seccomp=unconfined"];

#[test]
fn what_reaches_out_fails_with_eperm_or_as_if_it_were_absent() {
    let sandbox = with_calls();
    for (names, expected) in [(DENIED.as_slice(), EPERM), (ABSENT.as_slice(), ENOSYS)] {
        for (name, errno) in calls(&sandbox, &[], names) {
            assert_eq!(errno, expected, "{name}");
        }
    }
}

#[test]
fn unconfined_leaves_the_answer_to_the_kernel() {
    let sandbox = with_calls();
    for (name, errno) in calls(&sandbox, &UNCONFINED, &ANSWERED) {
        assert!(errno != EPERM && errno != ENOSYS, "{name}: {errno}");
    }
    let status = sandbox.output(&UNCONFINED, "grep -w Seccomp /proc/self/status").ok();
    let outside = sandbox.host.output(&mut sandbox.alice.shell("grep -w Seccomp /proc/self/status")).ok();
    assert_eq!(status, outside);
}

#[test]
fn sockets_namespaces_and_debuggers_calls_work() {
    let sandbox = with_calls();
    for (name, errno) in calls(&sandbox, &[], &["inet", "unshare", "personality", "personality:no-randomize"])
    {
        assert_eq!(errno, 0, "{name}");
    }
}

#[test]
fn numbers_of_x32_and_of_no_call_are_not_implemented() {
    let sandbox = with_calls();
    for (name, errno) in calls(&sandbox, &[], &["x32", "unknown"]) {
        assert_eq!(errno, ENOSYS, "{name}");
    }
}

#[test]
fn a_call_of_i386_is_no_way_around_and_kills_nobody() {
    let sandbox = with_calls();
    if !crate::seccomp::has_int_80(&sandbox) {
        subroot_tests::skip!("this kernel has no int 0x80");
    }
    let expected = [
        ("i386:getpid", 0),
        ("i386:inet", 0),
        ("i386:socketcall-inet", 0),
        ("i386:keyctl", ENOSYS),
        ("i386:bpf", EPERM),
        ("i386:stime", EPERM),
        ("i386:alg", EPERM),
        ("i386:personality", EPERM),
        ("i386:unknown", ENOSYS),
    ];
    let errnos = calls(&sandbox, &[], &expected.map(|(name, _)| name));
    assert_eq!(expected.map(|(name, _)| (name, errnos[name])), expected);
}

#[test]
fn it_is_one_filter_and_no_new_privs_stays_off() {
    let sandbox = with_calls();
    let status = sandbox.output(&[], "grep -E '^(NoNewPrivs|Seccomp)' /proc/self/status").ok();
    let own = std::fs::read_to_string("/proc/self/status").expect("own status");
    let outside =
        own.lines().find_map(|line| line.strip_prefix("Seccomp_filters:")?.trim().parse::<u32>().ok());
    let filters = outside.unwrap_or(0) + 1;
    assert_eq!(status, format!("NoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t{filters}\n"));
}
