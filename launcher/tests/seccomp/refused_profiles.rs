//! The messages for profiles that cannot be used.

use crate::profiles::host;
use std::path::Path;
use subroot::seccomp::Filter;

#[track_caller]
fn refused(text: &str, words: &str) {
    let why = Filter::compile(text.as_bytes(), host("6.1", 0)).unwrap_err();
    assert!(why.contains(words) && !why.contains('\n'), "not {words:?}: {why:?}");
}

#[track_caller]
fn refused_rule(keys: &str, words: &str) {
    let good = r#"{"names":["read"],"action":"SCMP_ACT_ERRNO"}"#;
    refused(&format!(r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{good},{{{keys}}}]}}"#), words);
}

#[track_caller]
fn refused_argument(keys: &str, words: &str) {
    let rule = r#""names":["mkdir"],"action":"SCMP_ACT_ERRNO""#;
    refused_rule(&format!(r#"{rule},"args":[{{{keys}}}]"#), words);
}

#[test]
fn an_invalid_profile_is_refused() {
    refused("", "EOF");
    refused("{}", "defaultAction");
    refused("[1]", "line 1");
    refused(r#"{"defaultAction":"SCMP_ACT_MAYBE"}"#, "defaultAction: unknown action SCMP_ACT_MAYBE");
    refused(
        r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrno":"EWHAT"}"#,
        "defaultAction: unknown errno EWHAT",
    );
    let start = r#"{"defaultAction":"SCMP_ACT_ALLOW""#;
    refused(&format!(r#"{start},"architectures":["SCMP_ARCH_Z80"]}}"#), "SCMP_ARCH_Z80");
    refused(&format!(r#"{start},"flags":["SECCOMP_FILTER_FLAG_NEW_LISTENER"]}}"#), "NEW_LISTENER");
}

#[test]
fn an_invalid_rule_is_named() {
    refused_rule(r#""names":["mkdir"],"action":"SCMP_ACT_NOTIFY""#, "syscalls[1] (mkdir): SCMP_ACT_NOTIFY");
    refused_rule(
        r#""names":["mkdir"],"action":"SCMP_ACT_DENY""#,
        "syscalls[1] (mkdir): unknown action SCMP_ACT_DENY",
    );
    refused_rule(r#""names":[],"action":"SCMP_ACT_ALLOW""#, "syscalls[1]: it names no system call");
    refused_rule(r#""names":["mkdir"],"action":"SCMP_ACT_ERRNO","errnoRet":4096"#, "errnoRet 4096");
    refused_rule(r#""names":["mkdir"],"action":"SCMP_ACT_TRACE","errnoRet":65536"#, "errnoRet 65536");
    refused_rule(r#""names":["mkdir"],"action":"SCMP_ACT_ERRNO","errno":"EPERM","errnoRet":2"#, "differ");
    refused_rule(
        r#""names":["mkdir"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_NONE"]}"#,
        "unknown capability CAP_NONE",
    );
    refused_rule(
        r#""names":["mkdir"],"action":"SCMP_ACT_ALLOW","excludes":{"minKernel":"new"}"#,
        "minKernel new",
    );
}

#[test]
fn a_rule_that_does_not_apply_here_is_still_checked() {
    refused_rule(
        r#""names":["mkdir"],"action":"SCMP_ACT_NOTIFY","includes":{"arches":["s390x"]}"#,
        "syscalls[1] (mkdir)",
    );
}

#[test]
fn an_invalid_condition_is_named() {
    refused_argument(
        r#""index":0,"value":1,"op":"SCMP_CMP_LIKE""#,
        "syscalls[1] (mkdir): unknown comparison SCMP_CMP_LIKE",
    );
    refused_argument(
        r#""index":6,"value":1,"op":"SCMP_CMP_EQ""#,
        "syscalls[1] (mkdir): a system call has no",
    );
    refused_argument(r#""index":0,"value":-1,"op":"SCMP_CMP_EQ""#, "line 1");
}

#[test]
fn a_profile_that_is_too_long_for_the_kernel_is_refused() {
    let rule = |value| {
        let argument = format!(r#"{{"index":0,"value":{value},"op":"SCMP_CMP_EQ"}}"#);
        format!(r#"{{"names":["mmap"],"action":"SCMP_ACT_ERRNO","args":[{argument}]}}"#)
    };
    let rules: Vec<String> = (0..1000).map(rule).collect();
    let text = format!(r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{}]}}"#, rules.join(","));
    refused(&text, "instructions, and the kernel allows 4096");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let why = Filter::of_file(Path::new("/no/such/profile.json"), 0, false).unwrap_err().to_string();
    assert!(why.contains("--security-opt seccomp: /no/such/profile.json: No such file"), "{why}");
}
