//! Every example of etc-subuid-examples, line by line, with the real mapper.

use crate::attempt;
use subroot_tests::{Example, Expectation, Host, Kind, Maps, User, own_namespace_has};

#[test]
fn the_mapper_answers_as_the_examples_expect() {
    let examples = Example::all();
    assert!(examples.len() >= 8, "{} examples", examples.len());
    let mut held = 0;
    for example in &examples {
        let host = Host::new();
        for (name, content) in &example.files {
            host.write(&format!("/etc/{name}"), content);
        }
        for line in &example.expected {
            let user = account(&host, &line.account);
            // Not all users exist inside a user namespace; the run as root has them.
            if own_namespace_has(Kind::Uid, user.uid, 1) && own_namespace_has(Kind::Gid, user.gid, 1) {
                hold(&host, &user, line, &example.name);
                held += 1;
            }
        }
    }
    assert!(held > 50, "only {held} lines could be checked with the mapper");
}

fn account(host: &Host, word: &str) -> User {
    match word.strip_prefix('#') {
        Some(uid) => host.uid(uid.parse().expect("a uid after #")),
        None => host.user(word),
    }
}

fn hold(host: &Host, user: &User, line: &Expectation, example: &str) {
    let (outcome, maps) = attempt(host, user, &format!("{} {}", line.kind.option(), line.map));
    let written = if line.kind == Kind::Uid { &maps.uid_map } else { &maps.gid_map };
    let answer = (outcome.code(), written.len());
    let whole = line.map.split(',').all(|range| exists_here(line.kind, range));
    match (line.granted, whole) {
        (true, true) => {
            assert_eq!(answer, (0, line.map.split(',').count()), "{example}: {line:?}: {outcome:?}")
        }
        (true, false) => {
            assert!(
                outcome.stderr.contains("granted, but no one line of this user namespace's own map holds it"),
                "{outcome:?}"
            )
        }
        (false, _) => {
            assert_eq!(outcome.code(), 1, "{example}: {line:?}: {outcome:?}");
            assert!(outcome.stderr.contains(" grants you "), "{example}: {line:?}: {outcome:?}");
        }
    }
    assert!(outcome.code() == 0 || maps == Maps::untouched(), "{example}: {line:?}: {maps:?}");
}

/// True if all IDs of a range in the request are mapped in the tests' user namespace.
fn exists_here(kind: Kind, range: &str) -> bool {
    let number = |word: &str| word.parse::<u32>().expect("a number in expected");
    let numbers: Vec<u32> = range.split(':').map(number).collect();
    own_namespace_has(kind, numbers[1], numbers[2])
}
