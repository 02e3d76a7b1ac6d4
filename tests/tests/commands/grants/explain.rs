//! `subroot idmap explain`: the mapper's answer to a request, compared with what the mapper really answers.

use crate::grants::{assert_refused, host_with_lines, subroot, told};
use subroot_tests::{Host, MAPPER, Outcome, User};

/// The mapper's own answer to a request for an invalid process: it checks the grants before the target.
fn mapper(host: &Host, user: &User, words: &str) -> Outcome {
    let mut command = user.command(MAPPER);
    command.arg("fd:0").args(words.split_whitespace());
    host.output(&mut command)
}

fn explained(host: &Host, user: &User, words: &str) -> Outcome {
    host.output(&mut subroot(user, &format!("idmap explain {words}")))
}

const LINES: &str = "alice:100000:1000\nbob:300000:65536\nalice:101000:500\nalice:200000:10\nalice:1001:5\n";

#[test]
fn the_mapper_and_the_explanation_are_of_one_mind_and_word() {
    let host = host_with_lines(LINES);
    let users = [host.user("alice"), host.user("carol"), host.user("root"), host.uid(5000)];
    let maps = [
        "0:1000:1,1:100000:1500",
        "0:100999:2",
        "0:101499:2",
        "0:99999:1",
        "0:200000:11",
        "0:0:1",
        "0:1001:5",
        "0:1001:1",
        "0:1002:1",
        "0:5000:1",
        "0:65534:1",
        "0:300000:65536,70000:100000:2",
        "0:100000:2,2:300000:65536",
        "0:4294967294:1",
    ];
    let (mut refused, mut granted) = (0, 0);
    for user in &users {
        for words in maps.iter().flat_map(|map| [format!("--uid-map {map}"), format!("--gid-map {map}")]) {
            let (said, told) = (mapper(&host, user, &words), explained(&host, user, &words));
            let is_refused = said.code() == 1;
            assert_eq!(told.code(), i32::from(is_refused), "{words}: {said:?} {told:?}");
            let reason = said.stderr.strip_prefix("newidmap-helper: ").expect("the mapper's line");
            let reason =
                reason.split("; your account is not a local one").next().unwrap_or_default().trim_end();
            let is_told = told.stdout.lines().any(|line| line.strip_prefix("refused: ") == Some(reason));
            assert_eq!(is_told, is_refused, "{words}: {said:?} {told:?}");
            refused += u32::from(is_refused);
            granted += u32::from(!is_refused);
        }
    }
    assert!(refused > 0 && granted > 0, "{refused} {granted}");
}

#[test]
fn each_range_is_reported_with_what_grants_it() {
    let host = host_with_lines(LINES);
    let told = told(&host, "idmap explain --uid-map 0:1000:1,1:100900:200,500:200000:1 --gid-map 0:1000:1");
    let lines: Vec<&str> = told.stdout.lines().collect();
    let expected = [
        "uid 0:1000:1: granted by your own ID",
        "uid 1:100900:200: granted by /etc/subuid:1 and /etc/subuid:3",
        "uid 500:200000:1: granted by /etc/subuid:4",
        "gid 0:1000:1: granted by your own ID",
        "setgroups: denied inside",
    ];
    assert_eq!((told.code(), lines.as_slice()), (0, &expected[..]), "{told:?}");
}

#[test]
fn a_line_that_grants_nothing_is_not_reported_as_a_grant() {
    let host = host_with_lines("alice:1001:5\nalice:1004:1\n");
    assert_eq!(
        told(&host, "idmap explain --uid-map 0:1004:1").ok(),
        "uid 0:1004:1: granted by /etc/subuid:2\n"
    );
}

#[test]
fn what_would_be_granted_instead_is_the_largest_part_and_is_granted() {
    let host = host_with_lines(LINES);
    let alice = host.user("alice");
    let words = "--uid-map 0:1000:1,1:99000:110000,200000:5000:5";
    let told = explained(&host, &alice, words);
    let expected = [
        "uid 0:1000:1: granted by your own ID",
        "uid 1:99000:110000: refused; granted would be 1001:100000:1500",
        "uid 200000:5000:5: refused; none of it is yours",
        "refused: uid range [1-110001) -> [99000-209000) not allowed: /etc/subuid grants you [100000-101000) [101000-101500) [200000-200010); [1001-1006) grants nothing: it holds the ID of an account, 1001",
        "instead: --uid-map 0:1000:1,1001:100000:1500",
    ];
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!((told.code(), lines.as_slice()), (1, &expected[..]), "{told:?}");
    let instead = lines[4].strip_prefix("instead: ").expect("what would be granted");
    assert_eq!(mapper(&host, &alice, words).code(), 1);
    assert_ne!(mapper(&host, &alice, instead).code(), 1);
    assert_eq!(explained(&host, &alice, instead).code(), 0);
}

#[test]
fn of_a_range_around_the_callers_own_id_only_that_id_is_left() {
    let host = host_with_lines("bob:300000:10\n");
    let told = told(&host, "idmap explain --uid-map 0:990:100");
    assert!(told.stdout.contains("refused; granted would be 10:1000:1\n"), "{told:?}");
}

#[test]
fn computed_grants_and_own_groups_are_reported() {
    let host = Host::new();
    host.configure_mapper("computed-grants = 1000-1009:300000:100\nown-groups = yes\n");
    let mut command = host.user("root").command("setpriv");
    command.args(["--reuid", "1000", "--regid", "1000", "--groups", "44", "subroot", "idmap", "explain"]);
    let told = host.output(command.args(["--gid-map", "0:300000:100,200:44:1"]));
    let lines: Vec<&str> = told.stdout.lines().collect();
    let expected = [
        "gid 0:300000:100: granted by /etc/subroot/mapper.conf",
        "gid 200:44:1: granted by your own group",
        "setgroups: denied inside",
    ];
    assert_eq!((told.code(), lines.as_slice()), (0, &expected[..]), "{told:?}");
}

#[test]
fn setgroups_is_reported_as_it_is_after_the_mapping() {
    let host = host_with_lines("alice:20000:100\n");
    let denied =
        |words: &str| told(&host, &format!("idmap explain {words}")).ok().contains("setgroups: denied");
    assert!(!denied("--gid-map 0:20000:100"));
    assert!(!denied("--gid-map 0:1000:1,1:20000:100"));
    assert!(denied("--gid-map 0:1000:1"));
    host.configure_mapper("setgroups = deny\n");
    assert!(denied("--gid-map 0:20000:100"));
}

#[test]
fn a_request_that_the_mapper_does_not_read_is_refused_in_its_words() {
    let host = Host::new();
    assert_refused(&told(&host, "idmap explain"), "the request: neither --uid-map nor --gid-map was given");
    for (map, why) in [
        ("0:1", "a range is not IN:OUT:COUNT"),
        ("0:01:1", "a number has a leading zero"),
        ("0:5:1,0:6:1", "two ranges overlap inside"),
    ] {
        assert_refused(
            &told(&host, &format!("idmap explain --gid-map {map}")),
            &format!("--gid-map: {map}: {why}"),
        );
    }
    host.configure_mapper("nonsense\n");
    let why = "the grants: the mapper refuses everything: the mapper's settings are not taken: /etc/subroot/mapper.conf, line 1: not KEY = VALUE";
    assert_refused(&told(&host, "idmap explain --uid-map 0:1000:1"), why);
}

#[test]
fn a_file_that_the_mapper_does_not_trust_makes_it_refuse_everything() {
    let host = Host::new();
    std::os::unix::fs::chown("/etc/subuid", Some(1000), None).expect("giving a file away");
    let why = "the grants: the mapper refuses everything: /etc/subuid is not owned by root";
    assert_refused(&told(&host, "idmap explain --uid-map 0:1000:1"), why);
    assert_eq!(mapper(&host, &host.user("alice"), "--uid-map 0:1000:1").code(), 4);
}

#[test]
fn json_has_the_same_by_stable_keys() {
    let text = told(&Host::new(), "idmap explain --json --uid-map 0:165535:2").stdout;
    let expected = concat!(
        r#"[{"granted":false,"instead":"0:165535:1","kind":"uid","#,
        r#""ranges":[{"by":null,"granted":false,"instead":[0,165535,1],"range":[0,165535,2]}],"#,
        r#""reason":"uid range [0-2) -> [165535-165537) not allowed: /etc/subuid grants you [100000-165536)","#,
        r#""setgroups":null}]"#,
        "\n"
    );
    assert_eq!(text, expected);
}
