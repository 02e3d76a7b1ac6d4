//! The meaning of profiles in the formats of OCI and docker.

use crate::interpreter::{
    ALLOW, Call, ENOSYS, EPERM, KILL_PROCESS, KILL_THREAD, LOG, TRACE, TRAP, answer, errno,
};
use subroot::seccomp::Filter;
use subroot::seccomp::architecture::{
    Architecture::{self, Aarch64, Arm, I386, X86_64},
    LAST_NUMBER,
};
use subroot::seccomp::selection::Host;

/// An x86_64 kernel of this release, with these capabilities.
pub(crate) fn host(release: &str, capabilities: u64) -> Host<'_> {
    Host { architectures: [X86_64, I386], release, capabilities, native_only: false }
}

fn compile(text: &str) -> Filter {
    Filter::compile(text.as_bytes(), host("6.1.0-44-amd64", 0)).unwrap()
}

fn call(architecture: Architecture, name: &str) -> Call {
    Call::new(architecture, architecture.number(name).unwrap())
}

/// Checks the result of a profile for calls of the kernel's own architecture without arguments.
#[track_caller]
fn answers(text: &str, expected: &[(&str, u32)]) {
    let filter = compile(text);
    for (name, expected) in expected {
        assert_eq!(answer(&filter.program, call(X86_64, name)), *expected, "{name} by {text}");
    }
}

/// A condition on an argument.
type Comparison = fn(u64) -> bool;

fn with_rules(default: &str, rules: &str) -> String {
    format!(r#"{{"defaultAction":"{default}","syscalls":[{rules}]}}"#)
}

#[test]
fn every_action_can_be_used_in_one_file() {
    let rules = [
        r#"{"names":["read","write"],"action":"SCMP_ACT_ALLOW"}"#,
        r#"{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}"#,
        r#"{"names":["rmdir"],"action":"SCMP_ACT_ERRNO","errnoRet":13}"#,
        r#"{"names":["link"],"action":"SCMP_ACT_ERRNO","errno":"ENOENT"}"#,
        r#"{"names":["chmod"],"action":"SCMP_ACT_ERRNO","errno":"EBUSY","errnoRet":16}"#,
        r#"{"names":["fork"],"action":"SCMP_ACT_KILL"}"#,
        r#"{"names":["vfork"],"action":"SCMP_ACT_KILL_THREAD"}"#,
        r#"{"names":["reboot"],"action":"SCMP_ACT_KILL_PROCESS"}"#,
        r#"{"names":["chown"],"action":"SCMP_ACT_TRAP"}"#,
        r#"{"names":["open"],"action":"SCMP_ACT_TRACE","errnoRet":7}"#,
        r#"{"name":"uname","action":"SCMP_ACT_LOG"}"#,
    ];
    let expected = [
        ("read", ALLOW),
        ("write", ALLOW),
        ("mkdir", EPERM),
        ("rmdir", errno(13)),
        ("link", errno(2)),
        ("chmod", errno(16)),
        ("fork", KILL_THREAD),
        ("vfork", KILL_THREAD),
        ("reboot", KILL_PROCESS),
        ("chown", TRAP),
        ("open", TRACE | 7),
        ("uname", LOG),
        ("getpid", KILL_PROCESS),
    ];
    answers(&with_rules("SCMP_ACT_KILL_PROCESS", &rules.join(",")), &expected);
}

#[test]
fn a_default_errno_is_kept() {
    answers(r#"{"defaultAction":"SCMP_ACT_ERRNO"}"#, &[("read", EPERM)]);
    answers(r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38}"#, &[("read", ENOSYS)]);
    answers(r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrno":"EACCES"}"#, &[("read", errno(13))]);
}

#[test]
fn an_unknown_number_fails_with_enosys_if_unlisted_calls_fail() {
    let unknown = Call::new(X86_64, LAST_NUMBER + 1);
    for (action, expected) in
        [("SCMP_ACT_ERRNO", ENOSYS), ("SCMP_ACT_ALLOW", ALLOW), ("SCMP_ACT_KILL", KILL_THREAD)]
    {
        let filter = compile(&with_rules(action, ""));
        assert_eq!(answer(&filter.program, unknown), expected, "{action}");
    }
}

#[test]
fn x32_does_not_bypass_a_profile() {
    let filter =
        compile(&with_rules("SCMP_ACT_ALLOW", r#"{"names":["mkdir"],"action":"SCMP_ACT_KILL_PROCESS"}"#));
    let mkdir = call(X86_64, "mkdir");
    assert_eq!(answer(&filter.program, Call { number: 0x4000_0000 | mkdir.number, ..mkdir }), ENOSYS);
}

#[test]
fn a_comparison_is_one_of_64_bits() {
    const EDGE: u64 = 0x1234_5678_9abc_def0;
    let near =
        [EDGE - 1, EDGE, EDGE + 1, EDGE ^ (1 << 63), EDGE ^ (1 << 32), EDGE & 0xffff_ffff, 0, u64::MAX];
    let comparisons: [(&str, Comparison); 6] = [
        ("NE", |value| value != EDGE),
        ("LT", |value| value < EDGE),
        ("LE", |value| value <= EDGE),
        ("EQ", |value| value == EDGE),
        ("GE", |value| value >= EDGE),
        ("GT", |value| value > EDGE),
    ];
    for index in 0..6_usize {
        for (name, holds) in comparisons {
            let argument = format!(r#"{{"index":{index},"value":{EDGE},"op":"SCMP_CMP_{name}"}}"#);
            let rule = format!(r#"{{"names":["mmap"],"action":"SCMP_ACT_ERRNO","args":[{argument}]}}"#);
            let filter = compile(&with_rules("SCMP_ACT_ALLOW", &rule));
            for value in near {
                let expected = if holds(value) { EPERM } else { ALLOW };
                let call = call(X86_64, "mmap").with(index, value);
                assert_eq!(answer(&filter.program, call), expected, "{value:#x} {name}");
            }
        }
    }
}

#[test]
fn of_a_masked_comparison_the_first_value_is_the_mask() {
    // docker's own rule: clone without any flag that creates a namespace.
    let argument = r#"{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}"#;
    let rule = format!(r#"{{"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[{argument}]}}"#);
    let filter = compile(&with_rules("SCMP_ACT_ERRNO", &rule));
    for (flags, expected) in [(17, ALLOW), (0x1000_0000, EPERM), (0x0002_0011, EPERM), (0x1_0000_0000, ALLOW)]
    {
        assert_eq!(answer(&filter.program, call(X86_64, "clone").with(0, flags)), expected, "{flags:#x}");
    }
    let argument = r#"{"index":0,"value":255,"valueTwo":3,"op":"SCMP_CMP_MASKED_EQ"}"#;
    let rule = format!(r#"{{"names":["clone"],"action":"SCMP_ACT_ERRNO","args":[{argument}]}}"#);
    let filter = compile(&with_rules("SCMP_ACT_ALLOW", &rule));
    for (flags, expected) in [(3, EPERM), (0xffff_ff03, EPERM), (255, ALLOW), (0, ALLOW)] {
        assert_eq!(answer(&filter.program, call(X86_64, "clone").with(0, flags)), expected, "{flags:#x}");
    }
}

#[test]
fn conditions_on_different_arguments_are_combined_and_on_the_same_one_are_alternatives() {
    let argument =
        |index, value| format!(r#"{{"index":{index},"value":{value},"valueTwo":0,"op":"SCMP_CMP_EQ"}}"#);
    let rule = |first, second| {
        format!(r#"{{"names":["socket"],"action":"SCMP_ACT_ERRNO","args":[{first},{second}]}}"#)
    };
    let filter = compile(&with_rules("SCMP_ACT_ALLOW", &rule(argument(0, 16), argument(2, 9))));
    let socket = |family, protocol| call(X86_64, "socket").with(0, family).with(2, protocol);
    for (call, expected) in [(socket(16, 9), EPERM), (socket(16, 8), ALLOW), (socket(2, 9), ALLOW)] {
        assert_eq!(answer(&filter.program, call), expected, "{call:?}");
    }
    let filter = compile(&with_rules("SCMP_ACT_ALLOW", &rule(argument(0, 16), argument(0, 17))));
    for (family, expected) in [(16, EPERM), (17, EPERM), (2, ALLOW)] {
        assert_eq!(answer(&filter.program, socket(family, 0)), expected, "{family}");
    }
}

#[test]
fn the_first_rule_that_applies_decides() {
    let argument = r#"{"index":1,"value":21522,"op":"SCMP_CMP_EQ"}"#;
    let denied = format!(r#"{{"names":["ioctl"],"action":"SCMP_ACT_ERRNO","args":[{argument}]}}"#);
    let allowed = r#"{"names":["ioctl"],"action":"SCMP_ACT_ALLOW"}"#;
    let forged = call(X86_64, "ioctl").with(1, 21522);
    let filter = compile(&with_rules("SCMP_ACT_KILL", &format!("{denied},{allowed}")));
    assert_eq!([forged, forged.with(1, 1)].map(|call| answer(&filter.program, call)), [EPERM, ALLOW]);
    let filter = compile(&with_rules("SCMP_ACT_KILL", &format!("{allowed},{denied}")));
    assert_eq!([forged, forged.with(1, 1)].map(|call| answer(&filter.program, call)), [ALLOW, ALLOW]);
    let filter = compile(&with_rules("SCMP_ACT_KILL", &denied));
    assert_eq!([forged, forged.with(1, 1)].map(|call| answer(&filter.program, call)), [EPERM, KILL_THREAD]);
}

#[test]
fn a_call_that_an_architecture_does_not_have_is_ignored() {
    let rule = r#"{"names":["no_such_call","stime","mkdir"],"action":"SCMP_ACT_ERRNO"}"#;
    answers(&with_rules("SCMP_ACT_ALLOW", rule), &[("mkdir", EPERM), ("read", ALLOW)]);
}

#[test]
fn another_architecture_has_the_same_rules_if_the_profile_covers_it() {
    let rules =
        r#""defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]"#;
    let docker = r#""archMap":[{"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]},
        {"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]}]"#;
    let oci = r#""architectures":["SCMP_ARCH_X86","SCMP_ARCH_ARM"]"#;
    let other = r#""architectures":["SCMP_ARCH_PPC64LE"]"#;
    for (x86, arm, expected) in [(docker, docker, [EPERM, ALLOW]), (oci, oci, [EPERM, ALLOW])]
        .into_iter()
        .chain([(other, other, [KILL_THREAD; 2]), (r#""flags":[]"#, r#""flags":[]"#, [KILL_THREAD; 2])])
    {
        for (list, architectures) in [(x86, [X86_64, I386]), (arm, [Aarch64, Arm])] {
            let host = Host { architectures, release: "6.1", capabilities: 0, native_only: false };
            let program = Filter::compile(format!("{{{rules},{list}}}").as_bytes(), host).unwrap().program;
            let calls = [call(architectures[1], "mkdir"), call(architectures[1], "read")];
            assert_eq!(calls.map(|call| answer(&program, call)), expected, "{list}");
            assert_eq!(answer(&program, call(architectures[0], "read")), ALLOW, "{list}");
        }
    }
}

#[test]
fn with_native_calls_only_the_other_architecture_is_not_implemented_whatever_the_profile_says() {
    let rules =
        r#""defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]"#;
    for list in [r#""architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]"#, r#""flags":[]"#] {
        let host = Host { native_only: true, ..host("6.1", 0) };
        let program = Filter::compile(format!("{{{rules},{list}}}").as_bytes(), host).unwrap().program;
        let read = call(X86_64, "read");
        let x32 = Call { number: 0x4000_0000 | read.number, ..read };
        for foreign in [call(I386, "mkdir"), call(I386, "socketcall"), call(Aarch64, "read"), x32] {
            assert_eq!(answer(&program, foreign), ENOSYS, "{list}: {foreign:?}");
        }
        assert_eq!([read, call(X86_64, "mkdir")].map(|call| answer(&program, call)), [ALLOW, EPERM]);
    }
}

#[test]
fn includes_and_excludes_depend_on_capabilities_architecture_and_kernel() {
    const SYS_ADMIN: u64 = 1 << 21;
    const BOTH: u64 = SYS_ADMIN | 1 << 39;
    for (circumstance, release, capabilities, holds) in [
        (r#""caps":["CAP_SYS_ADMIN"]"#, "6.1", SYS_ADMIN, true),
        (r#""caps":["CAP_SYS_ADMIN"]"#, "6.1", !SYS_ADMIN, false),
        (r#""arches":["amd64","x32"]"#, "6.1", 0, true),
        (r#""arches":["arm64"]"#, "6.1", 0, false),
        (r#""minKernel":"4.8""#, "6.1.0-44-amd64", 0, true),
        (r#""minKernel":"6.1""#, "6.1.0-44-amd64", 0, true),
        (r#""minKernel":"6.2""#, "6.1.0-44-amd64", 0, false),
        (r#""minKernel":"4.20""#, "4.9-rc1", 0, false),
        (r#""caps":["CAP_SYS_ADMIN","CAP_BPF"]"#, "6.1", BOTH, true),
    ] {
        for (key, expected) in [("includes", holds), ("excludes", !holds)] {
            let rule = format!(r#"{{"names":["bpf"],"action":"SCMP_ACT_ALLOW","{key}":{{{circumstance}}}}}"#);
            let text = with_rules("SCMP_ACT_ERRNO", &rule);
            let filter = Filter::compile(text.as_bytes(), host(release, capabilities)).unwrap();
            let expected = if expected { ALLOW } else { EPERM };
            assert_eq!(answer(&filter.program, call(X86_64, "bpf")), expected, "{key} {circumstance}");
        }
    }
    // All of `includes` must hold, but any of `excludes` is enough.
    for (key, expected) in [("includes", EPERM), ("excludes", EPERM)] {
        let caps = r#"{"caps":["CAP_SYS_ADMIN","CAP_BPF"]}"#;
        let rule = format!(r#"{{"names":["bpf"],"action":"SCMP_ACT_ALLOW","{key}":{caps}}}"#);
        let text = with_rules("SCMP_ACT_ERRNO", &rule);
        let filter = Filter::compile(text.as_bytes(), host("6.1", SYS_ADMIN)).unwrap();
        assert_eq!(answer(&filter.program, call(X86_64, "bpf")), expected, "{key}");
    }
}

#[test]
fn null_means_empty() {
    let rule = r#"{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":null,"includes":null,"excludes":{"caps":null}}"#;
    answers(&with_rules("SCMP_ACT_ALLOW", rule), &[("mkdir", EPERM), ("read", ALLOW)]);
}

#[test]
fn only_the_log_flag_is_kept() {
    let flags =
        |list: &str| compile(&format!(r#"{{"defaultAction":"SCMP_ACT_ALLOW","flags":[{list}]}}"#)).logs;
    assert!(flags(r#""SECCOMP_FILTER_FLAG_TSYNC","SECCOMP_FILTER_FLAG_LOG""#));
    assert!(!flags(r#""SECCOMP_FILTER_FLAG_SPEC_ALLOW""#));
}
