//! Messages to the system log, if mapper.conf asks for them: exactly one line for each run, which never
//! delays or fails it.

use crate::{GRANTED, granted_maps};
use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;
use subroot_tests::{Host, Install, Logger, MAPPER, Maps, Outcome, Started, Target};

const REFUSED: &str = "--gid-map 0:7:1";
const ASKED: &str = "uid_map=0:100000:65536 gid_map=0:100000:65536";

fn configured(text: &str) -> (Host, Logger) {
    let host = Host::new();
    host.configure_mapper(text);
    let logger = host.logger();
    (host, logger)
}

/// Runs a command to its end. Also returns its PID.
fn run(command: &mut Command) -> (i32, Outcome) {
    let started = Started::new(command);
    (started.pid().as_raw(), started.end_within(Duration::from_secs(60)))
}

/// Makes alice's mapper refuse a request. Returns the line that it should have logged: the printed one,
/// without its name.
fn refusal(host: &Host, target: &Target, words: &str, status: i32, asked: &str) -> String {
    let (pid, outcome) = run(&mut host.user("alice").maps(target, words));
    assert_eq!(outcome.code(), status, "{outcome:?}");
    let reason = outcome.stderr.strip_prefix("newidmap-helper: ").expect("the program's name").trim_end();
    format!("<84>newidmap-helper[{pid}]: uid=1000 target={} {asked} refused: {reason}", target.pid())
}

#[test]
fn what_is_written_is_logged_with_caller_target_and_ranges() {
    let (host, logger) = configured("log = all\n");
    let target = Target::new(&host.user("alice"));
    let (pid, outcome) = run(&mut host.user("alice").maps(&target, GRANTED));
    assert_eq!((outcome.code(), target.maps()), (0, granted_maps()), "{outcome:?}");
    let line = format!("<86>newidmap-helper[{pid}]: uid=1000 target={} {ASKED} written", target.pid());
    assert_eq!(logger.lines(), [line]);
}

#[test]
fn a_refusal_is_logged_with_the_reason_that_is_printed() {
    for text in ["log = all\n", "log = refusals\n"] {
        let (host, logger) = configured(text);
        let target = Target::new(&host.user("alice"));
        let not_granted = refusal(&host, &target, REFUSED, 1, "gid_map=0:7:1");
        assert!(not_granted.ends_with(
            "refused: gid range [0-1) -> [7-8) not allowed: /etc/subgid grants you [100000-165536)"
        ));
        target.map_as_root("0 1000 1\n", "0 1000 1\n");
        let unfit = refusal(&host, &target, GRANTED, 3, ASKED);
        fs::remove_file("/etc/subuid").and_then(|()| fs::create_dir("/etc/subuid")).expect("a directory");
        let untrusted = refusal(&host, &target, GRANTED, 4, ASKED);
        assert_eq!(logger.lines(), [not_granted, unfit, untrusted]);
    }
}

#[test]
fn refusals_alone_may_be_logged() {
    let (host, logger) = configured("log = refusals\n");
    let target = Target::new(&host.user("alice"));
    host.output(&mut host.user("alice").maps(&target, GRANTED)).ok();
    assert_eq!(logger.lines(), [""; 0]);
}

#[test]
fn without_the_setting_nothing_is_logged_and_no_socket_is_made() {
    for text in ["log = none\n", ""] {
        let (host, logger) = configured(text);
        for (words, code) in [(GRANTED, 0), (REFUSED, 1)] {
            let target = Target::new(&host.user("alice"));
            let mut strace = host.user("root").command("strace");
            strace.args(["-f", "-u", "alice", "-o", "/tmp/trace", MAPPER, &target.pid().to_string()]);
            assert_eq!(host.output(strace.args(words.split(' '))).code(), code);
            let calls = fs::read_to_string("/tmp/trace").expect("reading the trace");
            assert!(calls.contains("openat(") && !calls.contains("socket("), "{calls}");
        }
        assert_eq!(logger.lines(), [""; 0]);
    }
}

#[test]
fn a_command_line_that_is_none_is_not_logged() {
    let (host, logger) = configured("log = all\n");
    let outcome = host.output(host.user("alice").mapper().args(["1", "--uid-map", "0:0"]));
    assert_eq!((outcome.code(), logger.lines()), (2, vec![]), "{outcome:?}");
}

#[test]
fn a_full_log_neither_delays_nor_fails() {
    let (host, logger) = configured("log = all\n");
    logger.fill();
    let target = Target::new(&host.user("alice"));
    host.output(&mut host.user("alice").maps(&target, GRANTED)).ok();
    assert_eq!(target.maps(), granted_maps());
    assert!(logger.lines().iter().all(|line| line == "full"));
}

#[test]
fn without_a_logger_everything_works() {
    let (host, logger) = configured("log = all\n");
    logger.close();
    for make in [|| (), || drop(File::create("/dev/log").expect("a file at /dev/log"))] {
        make();
        let target = Target::new(&host.user("alice"));
        host.output(&mut host.user("alice").maps(&target, GRANTED)).ok();
        assert_eq!(target.maps(), granted_maps());
        let outcome = host.output(&mut host.user("alice").maps(&Target::new(&host.user("alice")), REFUSED));
        assert_eq!((outcome.code(), outcome.stderr.lines().count()), (1, 1), "{outcome:?}");
    }
}

#[test]
fn foreign_bytes_are_escaped() {
    let (host, logger) = configured("log = refusals\n");
    host.write("/etc/nsswitch.conf", b"subid: s\x1b[2J\xff\\\n");
    let target = Target::new(&host.user("alice"));
    let line = refusal(&host, &target, GRANTED, 1, ASKED);
    assert!(line.contains(" the plugin s\\x1b[2J\\xff\\x5c,"), "{line}");
    assert_eq!(logger.lines(), [line]);
}

#[test]
fn many_ranges_are_named_in_part() {
    let (host, logger) = configured("log = all\n");
    let ranges: Vec<String> = (0..200).map(|n| format!("{}:{}:1", 2 * n, 100_000 + 2 * n)).collect();
    let target = Target::new(&host.user("alice"));
    host.output(&mut host.user("alice").maps(&target, &format!("--uid-map {}", ranges.join(",")))).ok();
    let line = logger.lines().concat();
    assert!(line.ends_with(&format!(" uid_map={},... written", ranges[..16].join(","))), "{line}");
}

#[test]
fn the_drop_ins_log_under_their_own_names() {
    let (host, logger) = configured("log = all\n");
    host.install_drop_ins(Install::SetuidRoot);
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let (target_pid, mut expected) = (target.pid().to_string(), Vec::new());
    for (program, map) in [("newuidmap", "uid_map"), ("newgidmap", "gid_map")] {
        let (pid, outcome) = run(alice.command(program).args([&target_pid, "0", "100000", "65536"]));
        assert_eq!(outcome.code(), 0, "{outcome:?}");
        let line = format!("<86>{program}[{pid}]: uid=1000 target={target_pid} {map}=0:100000:65536 written");
        expected.push(line);
    }
    assert_eq!(logger.lines(), expected);
    assert_eq!(target.maps(), Maps { setgroups: "allow".into(), ..granted_maps() });
}
