//! What a plugin grants is mapped, by the same rules as for the files.

use crate::nss::{
    ALL, ASKED, GRANTING, assert_refused, attempt, drop_ins, granted_maps, host_with, host_with_plugin,
    set_plugin,
};
use std::fs;
use subroot_tests::{Host, Maps};

const REFUSED_BY_PLUGIN: &str =
    "/etc/nsswitch.conf leaves grants to the plugin test, which does not grant it";

/// Logs every question and grants everything.
const LOGGING: &str = "FILE *log = fopen(\"/tmp/asked\", \"a\");
    fprintf(log, \"%s %lu %lu %u\\n\", owner, start, count, type); fclose(log);
    *result = true; return 0;";

fn asked() -> String {
    fs::read_to_string("/tmp/asked").unwrap_or_default()
}

#[test]
fn what_the_plugin_grants_is_mapped_by_every_program_however_installed() {
    for install in ALL {
        let host = host_with(install);
        host.install_drop_ins(install);
        set_plugin(&host, GRANTING);
        let alice = host.user("alice");
        let (outcome, maps) = attempt(&host, &alice, ASKED);
        assert_eq!((outcome.code(), outcome.stderr.as_str(), maps), (0, "", granted_maps()), "{install:?}");
        let (outcomes, maps) = drop_ins(&host, &alice, "0 300000 65536");
        assert_eq!(maps, granted_maps(), "{install:?}: {outcomes:?}");
    }
}

#[test]
fn what_the_plugin_does_not_grant_is_refused_though_the_files_grant_it() {
    let host = host_with_plugin(GRANTING);
    let line = |range: &str| format!("uid range [0-65536) -> {range} not allowed: {REFUSED_BY_PLUGIN}");
    assert_refused(&host, &host.user("alice"), "--uid-map 0:100000:65536", 1, &line("[100000-165536)"));
    assert_refused(&host, &host.user("bob"), "--uid-map 0:300000:65536", 1, &line("[300000-365536)"));
    let past = format!("gid range [0-2) -> [365535-365537) not allowed: {REFUSED_BY_PLUGIN}");
    assert_refused(&host, &host.user("alice"), "--uid-map 0:300000:65536 --gid-map 0:365535:2", 1, &past);
}

#[test]
fn the_drop_ins_refuse_what_the_plugin_does_not_grant() {
    let host = host_with_plugin(GRANTING);
    host.install_drop_ins(subroot_tests::Install::SetuidRoot);
    let (outcomes, maps) = drop_ins(&host, &host.user("bob"), "0 300000 65536");
    assert_eq!((outcomes.each_ref().map(|outcome| outcome.code()), maps), ([1, 1], Maps::untouched()));
    for (outcome, (name, kind)) in outcomes.iter().zip([("newuidmap", "uid"), ("newgidmap", "gid")]) {
        let line =
            format!("{name}: {kind} range [0-65536) -> [300000-365536) not allowed: {REFUSED_BY_PLUGIN}\n");
        assert_eq!(outcome.stderr, line);
    }
}

#[test]
fn each_line_is_asked_for_as_it_was_requested_by_its_kind() {
    let host = host_with_plugin(LOGGING);
    let words = "--uid-map 0:1000:1,1:300000:10,11:300010:5 --gid-map 0:400000:7";
    let (outcome, _) = attempt(&host, &host.user("alice"), words);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!(
        asked(),
        "alice 300000 10 1\nalice 300010 5 1\nalice 400000 7 2\n",
        "the plugin is not asked about the caller's own ID"
    );
}

#[test]
fn a_caller_is_looked_up_by_each_name_until_one_has_a_grant() {
    let host = host_with_plugin(&LOGGING.replace("*result = true", "*result = !strcmp(owner, \"second\")"));
    let names =
        ["alice", "1001", "second", "third"].map(|name| format!("{name}:x:1000:1000::/home/alice:/bin/sh\n"));
    host.write("/etc/passwd", names.concat());
    let (outcome, _) = attempt(&host, &host.user("alice"), "--uid-map 0:300000:10");
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!(
        asked(),
        "alice 300000 10 1\nsecond 300000 10 1\n",
        "the plugin is not asked about a name made of digits"
    );
}

#[test]
fn an_unknown_user_is_granted_nothing() {
    let host = host_with_plugin("*result = true; return 1;");
    let line = format!("uid range [0-65536) -> [300000-365536) not allowed: {REFUSED_BY_PLUGIN}");
    assert_refused(&host, &host.user("alice"), ASKED, 1, &line);
}

#[test]
fn a_kind_is_granted_for_itself_alone() {
    for (kind, refused_kind) in [(1, "gid"), (2, "uid")] {
        let host = host_with_plugin(&format!("*result = type == {kind}; return 0;"));
        let line =
            format!("{refused_kind} range [0-65536) -> [300000-365536) not allowed: {REFUSED_BY_PLUGIN}");
        assert_refused(&host, &host.user("alice"), ASKED, 1, &line);
    }
}

#[test]
fn the_hosts_root_is_never_mapped_whatever_the_plugin_grants() {
    let host = host_with_plugin("*result = true; return 0;");
    for words in ["--uid-map 0:0:1", "--uid-map 0:0:1000"] {
        let (outcome, maps) = attempt(&host, &host.user("alice"), words);
        assert_eq!((outcome.code(), maps), (1, Maps::untouched()), "{outcome:?}");
    }
}

#[test]
fn a_range_over_a_live_account_is_refused_whatever_the_plugin_grants() {
    let host = host_with_plugin("*result = true; return 0;");
    let line = format!("uid range [0-10) -> [1001-1011) not allowed: {REFUSED_BY_PLUGIN}");
    assert_refused(&host, &host.user("alice"), "--uid-map 0:1001:10", 1, &line);
}

#[test]
fn setgroups_is_denied_unless_the_plugin_backs_the_gid_map() {
    let host = host_with_plugin(GRANTING);
    let (_, maps) = attempt(&host, &host.user("alice"), "--gid-map 0:300000:1");
    assert_eq!(maps, Maps::new("", "0 300000 1", "allow"));
    let (_, maps) = attempt(&host, &host.user("alice"), "--gid-map 0:1000:1");
    assert_eq!(maps, Maps::new("", "0 1000 1", "deny"));
    host.configure_mapper("setgroups-deny = alice\n");
    let (_, maps) = attempt(&host, &host.user("alice"), "--gid-map 0:300000:1");
    assert_eq!(maps, Maps::new("", "0 300000 1", "deny"));
}

#[test]
fn a_computed_grant_counts_beside_the_plugin() {
    let host = host_with_plugin("*result = false; return 0;");
    host.configure_mapper("computed-grants = 1000-1000:500000:10\n");
    let (outcome, maps) = attempt(&host, &host.user("alice"), "--uid-map 0:500000:10");
    assert_eq!((outcome.code(), maps), (0, Maps::new("0 500000 10", "", "allow")), "{outcome:?}");
}

#[test]
fn what_the_plugin_refuses_is_logged_once() {
    let host: Host = host_with_plugin("return 3;");
    host.configure_mapper("log = refusals\n");
    let logger = host.logger();
    let (outcome, _) = attempt(&host, &host.user("alice"), ASKED);
    let lines = logger.lines();
    let reason = outcome.stderr.trim_start_matches("newidmap-helper: ").trim_end();
    assert!(lines.len() == 1 && lines[0].ends_with(&format!(" refused: {reason}")), "{lines:?}");
}
