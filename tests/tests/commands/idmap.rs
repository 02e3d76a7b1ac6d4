//! `subroot idmap`: what may be mapped, by which line of which file.

use std::process::Command;
use subroot_tests::{Host, MAPPER, User};

fn idmap(user: &User, words: &[&str]) -> Command {
    let mut command = user.command("subroot");
    command.arg("idmap").args(words);
    command
}

/// The report, with single blanks.
fn table(host: &Host, user: &User) -> Vec<String> {
    let text = host.output(&mut idmap(user, &[])).ok();
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[track_caller]
fn assert_says(lines: &[String], expected: &[&str]) {
    for line in expected {
        assert!(lines.iter().any(|said| said.contains(line)), "{line:?} in {lines:#?}");
    }
}

#[test]
fn each_grant_is_shown_with_its_line_and_what_a_run_maps() {
    let host = Host::new();
    let lines = table(&host, &host.user("bob"));
    let own = ["uid 1001 1 your own", "gid 1001 1 your own"];
    let granted = ["uid 165536 65536 /etc/subuid:2: granted", "gid 165536 65536 /etc/subgid:2: granted"];
    let mapped = [MAPPER, "uid 0 1001 1", "uid 1 165536 65536", "gid 0 1001 1", "gid 1 165536 65536"];
    assert_says(&lines, &[&own[..], &granted, &mapped].concat());
}

#[test]
fn malformed_lines_are_named_by_file_and_number() {
    let host = Host::new();
    host.write("/etc/subuid", "# comment\nalice:100000\nalice:0x10:5\nalice:200000:100\nbob:bad\n");
    let lines = table(&host, &host.user("alice"));
    assert_says(&lines, &["/etc/subuid:2: ", "/etc/subuid:3: ", "uid 200000 100 /etc/subuid:4: granted"]);
    assert!(
        !lines.iter().any(|line| line.contains("/etc/subuid:5") || line.contains("/etc/subuid:1:")),
        "{lines:#?}"
    );
    assert!(!lines.iter().any(|line| line.contains(":2: granted") && line.contains("subuid")), "{lines:#?}");
}

#[test]
fn a_range_that_contains_the_id_of_an_account_is_reported() {
    let host = Host::new();
    host.write("/etc/subuid", "alice:1001:10\n");
    assert_says(
        &table(&host, &host.user("alice")),
        &["/etc/subuid:1: grants nothing: the range holds the ID of bob (1001)"],
    );
}

#[test]
fn without_grants_it_says_why_there_is_no_more() {
    let host = Host::new();
    assert_says(&table(&host, &host.user("carol")), &["why not better: /etc/subuid", "carol"]);
    host.remove("/etc/subuid");
    assert_says(&table(&host, &host.user("alice")), &["why not better: /etc/subuid is not there"]);
}

#[test]
fn json_says_the_same() {
    let host = Host::new();
    host.write("/etc/subuid", "alice:100000:65536\nalice:bad\n");
    let text = host.output(&mut idmap(&host.user("alice"), &["--json"])).ok();
    let expected = [
        "\"uid\":1000",
        "\"gid\":1000",
        "{\"count\":65536,\"file\":\"/etc/subuid\",\"granted\":true,\"kind\":\"uid\",\"line\":1,\"present\":null,\"reason\":null,\"start\":100000}",
        "\"line\":2,",
        "\"granted\":false",
        "\"maps\":{\"gid\":[[0,1000,1],[1,100000,65536]],\"uid\":[[0,1000,1],[1,100000,65536]]}",
    ];
    assert!(expected.iter().all(|part| text.contains(part)), "{text}");
    assert_eq!(text.lines().count(), 1);
    for [open, close] in [["{", "}"], ["[", "]"]] {
        assert_eq!(text.matches(open).count(), text.matches(close).count(), "{text}");
    }
}

#[test]
fn a_closed_pipe_is_no_crash() {
    let host = Host::new();
    let outcome = host.output(&mut host.user("alice").shell("subroot idmap | true"));
    assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
}
