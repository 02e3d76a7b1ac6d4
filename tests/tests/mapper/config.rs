//! The administrator's settings in mapper.conf and nsswitch.conf, on the real kernel.

use crate::{GRANTED, assert_refused, attempt, granted_maps};
use std::os::unix::fs::chown;
use subroot_tests::{Host, Maps, Outcome, Step, Target, start_with};

/// An account of a directory service, which is in no local file.
const DIRECTORY_UID: u32 = 200_123;
const RULE: &str = "computed-grants = 200000-200199:200200:100\n";
/// alice's own supplementary groups: one for a project's shared directory, and one with the ID of a live
/// account.
const GROUPS: [u32; 2] = [2500, 1001];

fn configured(text: &str) -> Host {
    let host = Host::new();
    host.configure_mapper(text);
    host
}

/// Makes a request as alice, with `GROUPS` as supplementary groups.
fn asks_as_member(host: &Host, words: &str) -> (Outcome, Maps) {
    let target = Target::new(&host.user("alice"));
    let mut command = host.user("root").maps(&target, words);
    let steps = vec![Step::Groups(GROUPS.to_vec()), Step::Become(1000, 1000)];
    (host.output(start_with(&mut command, steps)), target.maps())
}

#[track_caller]
fn assert_writes(outcome: (Outcome, Maps), maps: Maps) {
    assert_eq!((outcome.0.code(), outcome.0.stderr.as_str(), &outcome.1), (0, "", &maps), "{outcome:?}");
}

#[test]
fn a_computed_grant_needs_no_line_and_no_account() {
    let host = configured(RULE);
    let user = host.uid(DIRECTORY_UID);
    let words = "--uid-map 0:200123:1,1:212500:100 --gid-map 0:200123:1,1:212500:100";
    let (outcome, maps) = attempt(&host, &user, words);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    let both = ["0 200123 1".to_owned(), "1 212500 100".to_owned()];
    assert_eq!(
        (&maps.uid_map[..], &maps.gid_map[..], maps.setgroups.as_str()),
        (&both[..], &both[..], "allow")
    );
}

#[test]
fn a_computed_grant_ends_where_the_next_accounts_begins() {
    let host = configured(RULE);
    let user = host.uid(DIRECTORY_UID);
    let granted = "/etc/subuid and /etc/subroot/mapper.conf grant you [212500-212600); \
        your account is not a local one, which takes newidmap-helper-nss";
    let line = |range: &str| format!("uid range [0-1) -> {range} not allowed: {granted}");
    assert_refused(&host, &user, "--uid-map 0:212600:1", 1, &line("[212600-212601)"));
    assert_refused(&host, &user, "--uid-map 0:212499:1", 1, &line("[212499-212500)"));
    assert_refused(&host, &user, "--uid-map 0:0:1", 1, &line("[0-1)"));
}

#[test]
fn an_account_outside_of_the_rule_has_what_its_lines_grant() {
    let host = configured(RULE);
    let (outcome, maps) = attempt(&host, &host.user("alice"), GRANTED);
    assert_eq!((outcome.code(), maps), (0, granted_maps()), "{outcome:?}");
    let line = "uid range [0-1) -> [200200-200201) not allowed: /etc/subuid grants you nothing";
    assert_refused(&host, &host.user("carol"), "--uid-map 0:200200:1", 1, line);
}

#[test]
fn a_computed_grant_over_a_live_account_is_void() {
    let host = configured("computed-grants = 1000-1000:1001:10\n");
    let nothing = "not allowed: /etc/subuid and /etc/subroot/mapper.conf grant you [100000-165536); [1001-1011) grants nothing: it holds the ID of an account, 1001";
    let line = format!("uid range [0-1) -> [1003-1004) {nothing}");
    assert_refused(&host, &host.user("alice"), "--uid-map 0:1003:1", 1, &line);
}

#[test]
fn live_ids_may_be_allowed() {
    let host = Host::new();
    host.write("/etc/subuid", "alice:1001:10\n");
    let words = "--uid-map 0:1001:10";
    let line = "uid range [0-10) -> [1001-1011) not allowed: /etc/subuid grants you nothing; [1001-1011) grants nothing: it holds the ID of an account, 1001";
    assert_refused(&host, &host.user("alice"), words, 1, line);
    for (value, code) in [("no", 1), ("yes", 0)] {
        host.configure_mapper(&format!("allow-live-ids = {value}\n"));
        assert_eq!(attempt(&host, &host.user("alice"), words).0.code(), code, "{value}");
    }
}

#[test]
fn setgroups_may_be_denied_to_everybody() {
    let host = configured("setgroups = deny\n");
    assert_writes(
        attempt(&host, &host.user("alice"), GRANTED),
        Maps { setgroups: "deny".into(), ..granted_maps() },
    );
}

#[test]
fn setgroups_may_be_denied_to_one_owner() {
    for (owner, setgroups) in [("alice", "deny"), ("1000", "deny"), ("bob", "allow")] {
        let host = configured(&format!("setgroups-deny = {owner}\n"));
        let maps = Maps { setgroups: setgroups.into(), ..granted_maps() };
        assert_writes(attempt(&host, &host.user("alice"), GRANTED), maps);
    }
}

#[test]
fn without_a_gid_map_setgroups_is_not_touched() {
    let host = configured("setgroups = deny\n");
    assert_writes(
        attempt(&host, &host.user("alice"), "--uid-map 0:100000:5"),
        Maps::new("0 100000 5", "", "allow"),
    );
}

#[test]
fn own_groups_may_be_mapped_where_that_is_allowed_and_deny_setgroups() {
    let host = configured("own-groups = yes\n");
    let words = "--gid-map 0:1000:1,5:2500:1";
    let (outcome, maps) = asks_as_member(&host, words);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!((maps.gid_map.len(), maps.setgroups.as_str()), (2, "deny"));
    let (outcome, maps) = asks_as_member(&host, "--gid-map 0:100000:65536,70000:2500:1");
    assert_eq!((outcome.code(), maps.setgroups.as_str()), (0, "deny"), "an additional grant changes nothing");
}

#[test]
fn a_group_that_is_not_ones_own_is_refused() {
    let host = configured("own-groups = yes\n");
    for words in ["--gid-map 0:2501:1", "--gid-map 0:2500:2", "--gid-map 0:0:1", "--uid-map 0:2500:1"] {
        let (outcome, maps) = asks_as_member(&host, words);
        assert_eq!((outcome.code(), maps), (1, Maps::untouched()), "{words}: {outcome:?}");
    }
}

#[test]
fn own_groups_are_refused_where_nothing_is_set() {
    for text in ["", "own-groups = no\n"] {
        let host = configured(text);
        let (outcome, maps) = asks_as_member(&host, "--gid-map 0:2500:1");
        assert_eq!((outcome.code(), maps), (1, Maps::untouched()), "{outcome:?}");
    }
}

#[test]
fn a_bad_line_refuses_everything_by_its_number() {
    for (text, why) in [
        ("log = none\nsetgroup = deny\n", "line 2: unknown key"),
        ("computed-grants = 1-9:5:1\n", "line 1: the rule overlaps another one, or its own uids"),
        ("# fine\n\nsetgroups = allow", "line 3: not a value of this key"),
    ] {
        let host = configured(text);
        let line = format!("reading /etc/subroot/mapper.conf: {why}");
        assert_refused(&host, &host.user("alice"), GRANTED, 4, &line);
        assert_refused(&host, &host.user("carol"), "--uid-map 0:1002:1", 4, &line);
        let version = host.output(host.user("alice").mapper().arg("--version"));
        assert_eq!((version.code(), version.stderr), (4, format!("newidmap-helper: {line}\n")));
        assert!(version.stdout.starts_with("newidmap-helper "), "{}", version.stdout);
    }
}

#[test]
fn where_a_plugin_keeps_the_grants_the_files_grant_nothing() {
    let host = Host::new();
    host.write("/etc/nsswitch.conf", "passwd: files\nsubid: sss\n");
    let why = "/etc/nsswitch.conf leaves grants to the plugin sss, which takes newidmap-helper-nss";
    let line = format!("uid range [0-65536) -> [100000-165536) not allowed: {why}");
    assert_refused(&host, &host.user("alice"), GRANTED, 1, &line);
    let own = attempt(&host, &host.user("alice"), "--uid-map 0:1000:1 --gid-map 0:1000:1");
    assert_writes(own, Maps::new("0 1000 1", "0 1000 1", "deny"));
    host.write("/etc/nsswitch.conf", "subid: files\n");
    assert_writes(attempt(&host, &host.user("alice"), GRANTED), granted_maps());
}

#[test]
fn a_plugin_with_a_long_name_keeps_the_grants_too() {
    let host = Host::new();
    host.write("/etc/nsswitch.conf", format!("subid: {}\n", "p".repeat(200)));
    let (outcome, maps) = attempt(&host, &host.user("alice"), GRANTED);
    assert_eq!((outcome.code(), maps), (1, Maps::untouched()), "{outcome:?}");
    assert!(outcome.stderr.contains("leaves grants to the plugin pppp"), "{outcome:?}");
}

/// A denial by name must also apply to a caller who has no local account, because the caller may have that
/// name.
#[test]
fn setgroups_is_denied_by_name_to_whom_no_local_account_names() {
    let words = "--gid-map 0:100000:1";
    let denied = Maps::new("", "0 100000 1", "deny");
    let without = "root:x:0:0::/root:/bin/sh\n".to_owned();
    let many: String = (0..9).map(|n| format!("{n}{}:x:1000:1000::/:/bin/sh\n", "n".repeat(126))).collect();
    for accounts in [without, many + "alice:x:1000:1000::/home/alice:/bin/sh\n"] {
        let host = configured("setgroups-deny = alice\n");
        host.write("/etc/subgid", "1000:100000:65536\n");
        let alice = host.user("alice");
        host.write("/etc/passwd", &accounts);
        assert_writes(attempt(&host, &alice, words), denied.clone());
    }
}

#[test]
fn settings_cannot_be_taken_away_by_who_owns_their_directory() {
    let host = configured("setgroups = deny\n");
    let alice = host.user("alice");
    chown("/etc/subroot", Some(alice.uid), None).expect("giving the directory away");
    let line =
        "reading /etc/subroot/mapper.conf: not trusted: not owned by root (it, or a directory on the way)";
    assert_refused(&host, &alice, GRANTED, 4, line);
    host.output(alice.command("mv").args(["/etc/subroot/mapper.conf", "/etc/subroot/gone"])).ok();
    assert_refused(&host, &alice, GRANTED, 4, line);
}
