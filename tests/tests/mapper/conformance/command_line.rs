//! Command lines without a target, with options, or of unusual size.

use crate::conformance::case::{TargetName, case, program, words_case};
use crate::conformance::effect::{Expected, written};
use crate::conformance::suite::Suite;
use std::ffi::CString;
use subroot_tests::{Kind, Outcome, Step, Target};

/// Runs both programs of both suites with only these arguments.
fn alone(words: &[&str], check: impl Fn(Suite, Kind, &Outcome)) {
    for suite in Suite::chosen() {
        let host = suite.host();
        for kind in [Kind::Uid, Kind::Gid] {
            let outcome = host.output(host.user("alice").command(program(kind)).args(words));
            check(suite, kind, &outcome);
        }
    }
}

#[test]
fn words_that_are_no_target_are_answered_by_the_usage() {
    let lines: [&[&str]; 9] = [
        &[],
        &[""],
        &["--help"],
        &["-h"],
        &["--version"],
        &["--"],
        &["x", "0", "100000", "1"],
        &["fd:", "0", "100000", "1"],
        &["", "0", "100000", "1"],
    ];
    for words in lines {
        alone(words, |suite, kind, outcome| {
            let usage = format!("usage: {} ", program(kind));
            assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""), "{suite:?}: {words:?}");
            assert!(outcome.stderr.contains(&usage), "{suite:?}: {words:?}: {outcome:?}");
        });
    }
}

#[test]
fn options_are_no_words_of_a_range() {
    for words in [
        "--uid-map 0:100000:1",
        "--setgroups deny",
        "0 100000 1 --setgroups deny",
        "-- 0 100000 1",
        "0:100000:1",
        "-f 0 100000 1",
    ] {
        case(words).same(Expected::Refused);
    }
}

#[test]
fn a_start_without_any_argument_is_refused() {
    for path in ["/usr/bin/newuidmap", "/usr/bin/newgidmap"] {
        for suite in Suite::chosen() {
            let host = suite.host();
            let path = CString::new(path).expect("a path without NUL");
            let mut command = host.user("alice").command("/bin/true");
            let steps = vec![Step::ExecuteWithoutArguments(path)];
            let outcome = host.output(subroot_tests::start_with(&mut command, steps));
            assert_eq!(outcome.code(), 1, "{suite:?}: {outcome:?}");
        }
    }
}

#[test]
fn long_words_are_read_to_their_end() {
    for length in [64, 1024, 4096, 65_536, 131_000] {
        let (nines, letters) = ("9".repeat(length), "x".repeat(length));
        for word in [nines.as_str(), letters.as_str()] {
            words_case(["0", "100000", word]).same(Expected::Refused);
            words_case(["0", word, "1"]).same(Expected::Refused);
        }
        let zeros = format!("{}1", "0".repeat(length));
        let zeros = words_case(["0", "100000", zeros.as_str()]);
        zeros.differs("leading-zero", Expected::Refused, written("0 100000 1"));
    }
}

#[test]
fn the_target_comes_first_and_once() {
    let twice = |target: &Target| TargetName::word(format!("{0} {0}", target.pid()));
    case("0 100000 1").named(twice).same(Expected::Refused);
    case("0 100000 1").named(|_| TargetName::word("0")).same(Expected::Refused);
}
