//! Invalid requests: status 2, with the wrong argument named and nothing written (property P4).

use crate::assert_refused;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use subroot_tests::Host;

const SEE_HELP: &str = " (see --help)";

#[test]
fn a_number_has_one_spelling() {
    let not_decimal = "a number is not plain decimal";
    for (map, why) in [
        ("+0:100000:1", not_decimal),
        ("0:-1:1", not_decimal),
        ("0x0:100000:1", not_decimal),
        ("0:100000:1e3", not_decimal),
        ("0:100_000:1", not_decimal),
        ("0:0100000:1", "a number has a leading zero"),
        ("00:100000:1", "a number has a leading zero"),
        (":100000:1", "a number is missing"),
        ("0:4294967296:1", "a number does not fit 32 bits"),
        ("0:18446744073709651616:1", "a number does not fit 32 bits"),
    ] {
        assert_bad_map(map, why);
    }
}

#[test]
fn a_range_is_not_empty_does_not_wrap_and_does_not_hold_the_reserved_id() {
    for (map, why) in [
        ("0:100000:0", "a count is zero"),
        ("0:100000:4294967295", "a range reaches 4294967295"),
        ("0:4294967295:1", "a range reaches 4294967295"),
        ("4294967295:100000:1", "a range reaches 4294967295"),
        ("4294967290:100000:6", "a range reaches 4294967295"),
    ] {
        assert_bad_map(map, why);
    }
}

#[test]
fn ranges_do_not_overlap_on_either_side() {
    let host = Host::new();
    for (map, why) in [
        ("0:100000:10,9:100020:5", "inside: [0-10) and [9-14)"),
        ("0:100000:10,10:100009:5", "outside: [100000-100010) and [100009-100014)"),
        ("0:100000:10,0:100000:10", "inside: [0-10) and [0-10)"),
    ] {
        let line = format!("reading the uid map: two ranges overlap {why} (see --help)");
        assert_refused(
            &host,
            &host.user("alice"),
            &format!("--uid-map {map} --gid-map 0:100000:1"),
            2,
            &line,
        );
    }
}

#[test]
fn a_map_is_three_numbers_a_range() {
    for map in ["0:100000", "0:100000:1:1", "0", "0:100000:1,", ",0:100000:1", "0:100000:1,,1:100001:1"] {
        assert_bad_map(map, "a range is not IN:OUT:COUNT");
    }
}

#[track_caller]
fn assert_bad_map(map: &str, why: &str) {
    let host = Host::new();
    let line = format!("reading the uid map: {why}: {map}{SEE_HELP}");
    assert_refused(&host, &host.user("alice"), &format!("--uid-map {map} --gid-map 0:100000:1"), 2, &line);
}

#[test]
fn words_that_do_not_belong_are_named() {
    let host = Host::new();
    let alice = host.user("alice");
    for (words, line) in [
        ("", "no map given"),
        ("--setgroups deny", "no map given"),
        ("--uid-map", "value missing after: --uid-map"),
        ("--uid-map 0:100000:1 --uid-map 1:100001:1", "given twice: --uid-map"),
        ("--uid-map 0:100000:1 --setgroups allow", "--setgroups takes only deny: allow"),
        ("--uid-map 0:100000:1 --setgroups", "value missing after: --setgroups"),
        ("--uid-map 0:100000:1 12", "unexpected argument: 12"),
        ("--uid-map=0:100000:1", "unexpected argument: --uid-map=0:100000:1"),
        ("--uid-map 0:100000:1 -v", "unexpected argument: -v"),
    ] {
        assert_refused(&host, &alice, words, 2, &format!("{line}{SEE_HELP}"));
    }
}

#[test]
fn a_target_is_a_pid_or_a_descriptor() {
    let host = Host::new();
    for word in
        ["0", "01", "+1", "1x", "fd:", "fd:-1", "fd:01", "fd:4294967296", "FD:1", "/proc/1", "self", ""]
    {
        let outcome = host.output(host.user("alice").mapper().args([word, "--uid-map", "0:100000:1"]));
        let named = if word.is_empty() { String::new() } else { format!(": {word}") };
        let line = format!("newidmap-helper: TARGET is neither a PID nor fd:N{named}{SEE_HELP}\n");
        assert_eq!((outcome.code(), outcome.stderr), (2, line));
    }
    let none = host.output(&mut host.user("alice").mapper());
    assert_eq!((none.code(), none.stderr), (2, format!("newidmap-helper: no TARGET given{SEE_HELP}\n")));
}

#[test]
fn bytes_of_the_callers_are_escaped_and_cut_short() {
    let host = Host::new();
    let word = OsStr::from_bytes(b"\x1b[31m\n\\\xff");
    let outcome = host.output(host.user("alice").mapper().arg(word));
    let escaped = "\\x1b[31m\\x0a\\x5c\\xff";
    assert_eq!(
        outcome.stderr,
        format!("newidmap-helper: TARGET is neither a PID nor fd:N: {escaped}{SEE_HELP}\n")
    );
    let outcome = host.output(host.user("alice").mapper().arg("x".repeat(100_000)));
    let cut = format!("{}...", "x".repeat(64));
    assert_eq!(
        outcome.stderr,
        format!("newidmap-helper: TARGET is neither a PID nor fd:N: {cut}{SEE_HELP}\n")
    );
}
