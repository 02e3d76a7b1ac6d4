//! A plugin that cannot answer: status 4 and a reason, and the files are never used instead.

use crate::nss::{ASKED, GRANTING, assert_refused, attempt, host_with, host_with_plugin, plugin, set_plugin};
use nix::unistd::Pid;
use std::fs;
use std::time::Duration;
use subroot_tests::{Host, Install, Maps, Started, Target, status_line};

/// What the files would grant.
const OF_FILES: &str = "--uid-map 0:100000:65536 --gid-map 0:100000:65536";
const ENDED: &str = "it crashed or ended without an answer";
const NO_ANSWER: &str = "what it wrote is no answer";

/// Checks that nothing is written although the files grant it, and that this is the message.
#[track_caller]
fn assert_cannot_answer(host: &Host, why: &str) {
    let line = format!("asking the plugin that /etc/nsswitch.conf names for subid: {why}");
    assert_refused(host, &host.user("alice"), OF_FILES, 4, &line);
}

#[test]
fn its_own_errors_are_distinguished() {
    for (status, why) in [
        (2, "it cannot reach its server (SUBID_STATUS_ERROR_CONN)"),
        (3, "it failed (SUBID_STATUS_ERROR)"),
        (4, "it returned a status that there is not"),
        (-1, "it returned a status that there is not"),
    ] {
        assert_cannot_answer(&host_with_plugin(&format!("*result = true; return {status};")), why);
    }
}

#[test]
fn one_that_is_not_there_or_no_library_cannot_be_loaded() {
    let host = host_with(Install::SetuidRoot);
    host.write("/etc/nsswitch.conf", "passwd: files\nsubid: test\n");
    assert_cannot_answer(&host, "it cannot be loaded");
    host.put_library("libsubid_test.so", b"\x7fELF and no more");
    assert_cannot_answer(&host, "it cannot be loaded");
    host.make_library(
        "libsubid_test.so",
        "extern int nowhere(void); int shadow_subid_has_range(void) { return nowhere(); }",
    );
    assert_cannot_answer(&host, "it cannot be loaded");
}

#[test]
fn one_without_the_function_says_so() {
    let host = host_with_plugin(GRANTING);
    host.make_library("libsubid_test.so", &plugin(GRANTING).replace("has_range", "has_no_range"));
    assert_cannot_answer(&host, "it has no function shadow_subid_has_range");
}

#[test]
fn one_with_a_name_that_leads_elsewhere_is_not_loaded() {
    let host = host_with_plugin(GRANTING);
    for word in ["../test", "/tmp/x", "test$ORIGIN", "[NOTFOUND=return]", &"t".repeat(51)] {
        host.write("/etc/nsswitch.conf", format!("subid: {word}\n"));
        assert_cannot_answer(
            &host,
            "its name is not one of at most 50 letters, digits, dots, dashes and underscores",
        );
    }
}

#[test]
fn one_that_crashes_or_ends_has_no_answer() {
    for body in [
        "*(volatile int *)0 = 1; return 0;",
        "abort();",
        "raise(SIGKILL); return 0;",
        "*result = true; exit(0);",
        "*result = true; _exit(0);",
        "for (int n = 0; n < 1024; n++) close(n); *result = true; return 0;",
    ] {
        assert_cannot_answer(&host_with_plugin(body), ENDED);
    }
    let host = host_with_plugin(GRANTING);
    let source =
        format!("{}\n__attribute__((constructor)) static void start(void) {{ _exit(0); }}", plugin(GRANTING));
    host.make_library("libsubid_test.so", &source);
    assert_cannot_answer(&host, ENDED);
}

#[test]
fn one_that_hangs_is_given_up() {
    assert_cannot_answer(&host_with_plugin("for (;;) pause();"), "no answer within 10 seconds");
}

#[test]
fn what_it_writes_into_every_descriptor_is_no_answer() {
    for body in [
        "for (int n = 0; n < 1024; n++) write(n, \"yy\", 2); *result = true; return 0;",
        "for (int n = 0; n < 1024; n++) write(n, \"yy\", 2); _exit(0);",
        "char much[65536] = \"y\"; for (int n = 0; n < 1024; n++) write(n, much, sizeof much); pause(); return 0;",
    ] {
        assert_cannot_answer(&host_with_plugin(body), NO_ANSWER);
    }
}

#[test]
fn what_it_prints_is_not_seen() {
    let host =
        host_with_plugin(&format!("puts(\"out\"); fflush(stdout); fputs(\"err\", stderr); {GRANTING}"));
    let (outcome, maps) = attempt(&host, &host.user("alice"), ASKED);
    assert_eq!((outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str()), (0, "", ""));
    assert_eq!(maps, crate::nss::granted_maps());
}

#[test]
fn what_it_leaves_running_does_not_delay_the_answer() {
    let host = host_with_plugin(&format!("if (!fork()) {{ setsid(); sleep(20); _exit(0); }} {GRANTING}"));
    let (outcome, maps) = attempt(&host, &host.user("alice"), ASKED);
    assert_eq!((outcome.code(), maps), (0, crate::nss::granted_maps()), "{outcome:?}");
}

#[test]
fn the_own_id_needs_no_plugin() {
    let host = host_with_plugin("abort();");
    let (outcome, maps) = attempt(&host, &host.user("alice"), "--uid-map 0:1000:1 --gid-map 0:1000:1");
    assert_eq!((outcome.code(), maps), (0, Maps::new("0 1000 1", "0 1000 1", "deny")), "{outcome:?}");
    assert_refused(
        &host,
        &host.user("alice"),
        "--uid-map 0:1000:1,1:300000:5",
        4,
        &format!("asking the plugin that /etc/nsswitch.conf names for subid: {ENDED}"),
    );
}

#[test]
fn a_child_that_its_caller_kills_or_stops_has_no_answer() {
    for (signal, why) in [("KILL", ENDED), ("STOP", "no answer within 10 seconds")] {
        let host = host_with(Install::SetuidRoot);
        set_plugin(&host, "close(creat(\"/tmp/here\", 0600)); for (;;) pause();");
        let alice = host.user("alice");
        let target = Target::new(&alice);
        let mapper = Started::new(&mut alice.maps(&target, ASKED));
        let find = format!(
            "until [ -e /tmp/here ]; do sleep 0.01; done; kill -{signal} $(cat /proc/{0}/task/{0}/children)",
            mapper.pid()
        );
        host.output(&mut alice.shell(&find)).ok();
        let outcome = mapper.end_within(Duration::from_secs(60));
        let line =
            format!("newidmap-helper: asking the plugin that /etc/nsswitch.conf names for subid: {why}\n");
        assert_eq!((outcome.code(), outcome.stderr, target.maps()), (4, line, Maps::untouched()));
    }
}

/// Writes its PID to /tmp/here, and hangs.
const HANGING: &str =
    "FILE *here = fopen(\"/tmp/here.new\", \"w\"); fprintf(here, \"%d\", getpid()); fclose(here);
    rename(\"/tmp/here.new\", \"/tmp/here\"); THEN for (;;) pause();";

/// Waits until the child with that PID has ended.
#[track_caller]
fn assert_nothing_is_left() {
    let child = fs::read_to_string("/tmp/here").expect("the child's PID").parse().expect("a PID");
    let state = || status_line(Pid::from_raw(child), "State");
    let looks = std::iter::repeat_with(|| std::thread::sleep(Duration::from_millis(5))).take(2000);
    let mut gone = looks.map(|()| state().is_none_or(|state| state.starts_with('Z')));
    assert!(gone.any(|gone| gone), "the child is still running");
}

#[test]
fn nothing_is_left_of_a_child_when_the_mapper_is_killed() {
    let host = host_with_plugin(&HANGING.replace("THEN", ""));
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let mapper = Started::new(&mut alice.maps(&target, ASKED));
    let kill = format!("until [ -e /tmp/here ]; do sleep 0.01; done; kill -KILL {}", mapper.pid());
    host.output(&mut alice.shell(&kill)).ok();
    mapper.end_within(Duration::from_secs(60));
    assert_nothing_is_left();
}

#[test]
fn nothing_is_left_of_a_child_that_does_not_want_to_end() {
    let host = host_with_plugin(
        &HANGING.replace("THEN", "prctl(PR_SET_PDEATHSIG, 0); for (int n = 0; n < 99; n++) close(n);"),
    );
    assert_cannot_answer(&host, ENDED);
    assert_nothing_is_left();
}
