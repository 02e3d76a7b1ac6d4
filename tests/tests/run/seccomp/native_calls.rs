//! `--security-opt seccomp-arch=native`: calls of i386 and x32 fail, with the built-in filter and with a
//! profile.

use crate::seccomp::{ENOSYS, EPERM, assert_refused, calls, has_int_80, with_calls};
use nix::sys::signal::{Signal, kill};
use subroot_tests::running::Running;
use subroot_tests::sandbox::Sandbox;
use subroot_tests::skip;

const NATIVE: &str = "--security-opt=seccomp-arch=native";

/// Calls of i386, by `int 0x80` in a 64-bit program.
const I386: [&str; 6] = [
    "i386:getpid",
    "i386:keyctl",
    "i386:inet",
    "i386:socketcall-inet",
    "i386:socketcall-vsock",
    "i386:socketcall-alg",
];

#[track_caller]
fn assert_native_only(sandbox: &Sandbox, options: &[&str], denied: &str) {
    let names = [&I386[..], &["x32", "inet", denied]].concat();
    let answers = calls(sandbox, options, &names);
    for name in I386.into_iter().chain(["x32"]) {
        assert_eq!(answers[name], ENOSYS, "{name}");
    }
    assert_eq!([answers["inet"], answers[denied]], [0, EPERM]);
}

#[test]
fn i386_calls_are_not_implemented_and_64_bit_ones_are_filtered_unchanged() {
    let sandbox = with_calls();
    if !has_int_80(&sandbox) {
        skip!("this kernel has no int 0x80");
    }
    assert_native_only(&sandbox, &[NATIVE], "vmsplice");
}

#[test]
fn so_are_those_that_a_profile_allows() {
    let sandbox = with_calls();
    if !has_int_80(&sandbox) {
        skip!("this kernel has no int 0x80");
    }
    let profile = sandbox.profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],
            "syscalls":[{"names":["mkdir","vmsplice"],"action":"SCMP_ACT_ERRNO"}]}"#,
    );
    let getpid = ["i386:getpid"];
    assert_eq!(calls(&sandbox, &[&profile], &getpid)[getpid[0]], 0);
    assert_native_only(&sandbox, &[&profile, NATIVE], "vmsplice");
    assert_native_only(&sandbox, &[NATIVE, &profile], "vmsplice");
}

/// As the guide says about the built-in filter: socketcall gives access to families that it denies to
/// socket(2).
#[test]
fn without_the_option_socketcall_reaches_every_family_that_the_kernel_has() {
    let sandbox = with_calls();
    if !has_int_80(&sandbox) {
        skip!("this kernel has no int 0x80");
    }
    for (by_socketcall, by_socket) in [("i386:socketcall-vsock", "vsock"), ("i386:socketcall-alg", "alg")] {
        let unfiltered = calls(&sandbox, &["--security-opt=seccomp=unconfined"], &[by_socket])[by_socket];
        let answers = calls(&sandbox, &[], &[by_socketcall, by_socket]);
        assert_eq!([answers[by_socketcall], answers[by_socket]], [unfiltered, EPERM], "{by_socket}");
    }
}

#[test]
fn a_command_that_joins_the_sandbox_has_the_same_filter() {
    let sandbox = with_calls();
    let name = format!("native-{}", std::process::id());
    let mut launch = sandbox.shell(&[NATIVE, "--name", &name], "echo ready; exec sleep 60");
    let running = Running::new(&mut launch);
    let mut command = sandbox.alice.command("subroot");
    command.args(["exec", &name, "--", "calls", "x32", "inet", "keyctl"]);
    let int_80 = has_int_80(&sandbox);
    if int_80 {
        command.arg("i386:getpid");
    }
    let answers = crate::seccomp::errnos(&sandbox.host.output(&mut command).ok());
    assert!(!int_80 || answers["i386:getpid"] == ENOSYS, "{answers:?}");
    kill(running.pid(), Signal::SIGKILL).expect("ending the sandbox");
    assert_eq!([answers["x32"], answers["inet"], answers["keyctl"]], [ENOSYS, 0, ENOSYS]);
}

#[test]
fn without_a_filter_it_is_refused_before_anything_is_made() {
    let sandbox = with_calls();
    for options in
        [["--security-opt=seccomp=unconfined", NATIVE], [NATIVE, "--security-opt=seccomp=unconfined"]]
    {
        let outcome = sandbox.output(&options, "touch /mark");
        assert_refused(&outcome, &["--security-opt seccomp", "unconfined", "seccomp-arch=native needs one"]);
    }
    for value in ["seccomp-arch=i386", "seccomp-arch=", "seccomp-arch"] {
        let outcome = sandbox.output(&[&format!("--security-opt={value}")], "touch /mark");
        assert_refused(&outcome, &["--security-opt", "seccomp-arch=native"]);
    }
    assert!(!sandbox.has_mark());
}
