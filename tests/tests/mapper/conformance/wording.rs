//! Messages that users and programs search for.

use crate::conformance::case::{grant_file, program};
use crate::conformance::suite::Suite;
use subroot_tests::{Host, Kind, Outcome, Target};

const KINDS: [(Kind, &str); 2] = [(Kind::Uid, "uid"), (Kind::Gid, "gid")];

fn ask(host: &Host, kind: Kind, words: &str) -> Outcome {
    let alice = host.user("alice");
    let target = Target::new(&alice);
    host.output(alice.command(program(kind)).arg(target.pid().to_string()).args(words.split(' ')))
}

#[test]
fn a_range_that_is_not_granted_is_named_in_shadows_sentence() {
    for suite in Suite::chosen() {
        let host = suite.host();
        for (kind, name) in KINDS {
            for (words, ranges) in [
                ("0 100000 65537", "[0-65537) -> [100000-165537)"),
                ("0 0 1", "[0-1) -> [0-1)"),
                ("0 1000 2", "[0-2) -> [1000-1002)"),
                ("5 100000 9 90 165530 9", "[90-99) -> [165530-165539)"),
                ("0 1001 1 1 1002 1", "[0-1) -> [1001-1002)"),
                ("4294967294 1001 1", "[4294967294-4294967295) -> [1001-1002)"),
                ("0 4294967294 1", "[0-1) -> [4294967294-4294967295)"),
            ] {
                let outcome = ask(&host, kind, words);
                let sentence = format!("{}: {name} range {ranges} not allowed", program(kind));
                assert!(outcome.stderr.starts_with(&sentence), "{suite:?}: {words}: {outcome:?}");
                assert_eq!(outcome.stderr.lines().count(), 1, "{suite:?}: {words}: {outcome:?}");
            }
        }
    }
}

#[test]
fn success_is_silent() {
    for suite in Suite::chosen() {
        let host = suite.host();
        for (kind, _) in KINDS {
            for words in ["0 100000 65536", "0 1000 1", "0 1000 1 1 100000 65536"] {
                let Outcome { status, stdout, stderr } = ask(&host, kind, words);
                assert_eq!((status.code(), stdout.as_str(), stderr.as_str()), (Some(0), "", ""), "{suite:?}");
            }
        }
    }
}

#[test]
fn a_refusal_says_what_is_granted_and_where() {
    for suite in Suite::chosen().into_iter().filter(|suite| *suite == Suite::Ours) {
        let host = suite.host();
        for (kind, _) in KINDS {
            let said = ask(&host, kind, "0 1 1").stderr;
            let granted = format!("{} grants you [100000-165536)\n", grant_file(kind));
            assert!(said.ends_with(&granted), "{said}");
        }
    }
}

#[test]
fn a_command_line_that_is_none_is_answered_by_the_usage() {
    for suite in Suite::chosen() {
        let host = suite.host();
        for (kind, name) in KINDS {
            for words in ["0", "0 100000", "0 100000 1 1", "x y z"] {
                let outcome = ask(&host, kind, words);
                let usage = format!("<{name}> <lower{name}> <count> [ <{name}> <lower{name}> <count> ] ...");
                assert!(outcome.stderr.contains(&usage), "{suite:?}: {words}: {outcome:?}");
            }
        }
    }
}
