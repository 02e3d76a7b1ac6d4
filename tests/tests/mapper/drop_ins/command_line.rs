//! shadow's command line: `TARGET IN OUT COUNT [IN OUT COUNT]…`, one map, and status 1 for every failure.

use crate::drop_ins::{assert_refused, attempt, host};
use std::os::fd::OwnedFd;
use subroot_tests::{DROP_INS, Host, Install, Maps, Step, Target, start_with};

const RANGE: &str = "0 100000 65536";
const PRIVILEGED: [Install; 4] =
    [Install::SetuidRoot, Install::FileCapabilities, Install::EffectiveCapabilities, Install::Both];
const USAGE: &str =
    "usage: newuidmap [<pid>|fd:<pidfd>] <uid> <loweruid> <count> [ <uid> <loweruid> <count> ] ...";

fn map_of(program: &str) -> Maps {
    if program == "newuidmap" { Maps::new(RANGE, "", "allow") } else { Maps::new("", RANGE, "allow") }
}

#[test]
fn each_writes_its_map_however_it_is_installed() {
    for how in PRIVILEGED {
        let host = host(how);
        for program in DROP_INS {
            let (outcome, maps) = attempt(&host, &host.user("alice"), program, RANGE);
            assert_eq!(
                (outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str()),
                (0, "", ""),
                "{how:?}"
            );
            assert_eq!(maps, map_of(program), "{how:?}");
        }
    }
}

#[test]
fn either_may_come_first() {
    let host = host(Install::SetuidRoot);
    let alice = host.user("alice");
    for order in [DROP_INS, [DROP_INS[1], DROP_INS[0]]] {
        let target = Target::new(&alice);
        for program in order {
            let mut command = alice.command(program);
            command.arg(target.pid().to_string()).args("0 1000 1 1 100000 65535".split(' '));
            host.output(&mut command).ok();
        }
        let expected: Vec<String> = ["0 1000 1", "1 100000 65535"].map(str::to_owned).into();
        let maps = target.maps();
        assert_eq!(
            (maps.uid_map, maps.gid_map, maps.setgroups.as_str()),
            (expected.clone(), expected, "allow")
        );
    }
}

#[test]
fn a_target_may_be_a_descriptor_of_the_proc_directory() {
    written_through(Target::dir);
}

#[test]
fn a_target_may_be_a_pidfd() {
    written_through(Target::pidfd);
}

fn written_through(descriptor: fn(&Target) -> OwnedFd) {
    let host = host(Install::SetuidRoot);
    let alice = host.user("alice");
    for program in DROP_INS {
        let target = Target::new(&alice);
        let mut command = alice.command(program);
        command.arg("fd:7").args(RANGE.split(' '));
        host.output(start_with(&mut command, vec![Step::Pass(descriptor(&target), 7)])).ok();
        assert_eq!(target.maps(), map_of(program));
    }
}

#[test]
fn the_own_group_alone_denies_setgroups() {
    let host = host(Install::SetuidRoot);
    let (outcome, maps) = attempt(&host, &host.user("carol"), "newgidmap", "0 1002 1");
    assert_eq!((outcome.code(), maps), (0, Maps::new("", "0 1002 1", "deny")), "{outcome:?}");
}

#[test]
fn a_bare_call_is_refused_with_the_usage() {
    let host = host(Install::SetuidRoot);
    let outcome = host.output(&mut host.user("alice").command("newuidmap"));
    let line = format!("newuidmap: no TARGET given; {USAGE}\n");
    assert_eq!((outcome.code(), outcome.stdout.as_str(), outcome.stderr), (1, "", line));
}

#[test]
fn what_is_no_range_of_three_numbers_is_refused() {
    let host = host(Install::SetuidRoot);
    for (ranges, why) in [
        ("", "no map given"),
        ("0", "a range needs UID LOWERUID COUNT, or their GIDs: 0"),
        ("0 100000", "a range needs UID LOWERUID COUNT, or their GIDs: 0"),
        ("0 100000 1 1", "a range needs UID LOWERUID COUNT, or their GIDs: 1"),
        ("0x0 100000 1", "reading the uid map: a number is not plain decimal: 0x0"),
        ("0 0100000 1", "reading the uid map: a number has a leading zero: 0100000"),
        ("0 100000 +1", "reading the uid map: a number is not plain decimal: +1"),
        ("0 100000 0", "reading the uid map: a count is zero: 0"),
        ("0 4294967295 1", "reading the uid map: a range reaches 4294967295: 0"),
        ("0 100000 5 4 100010 5", "reading the uid map: two ranges overlap inside: [0-5) and [4-9)"),
        (
            "0 100000 5 9 100004 5",
            "reading the uid map: two ranges overlap outside: [100000-100005) and [100004-100009)",
        ),
    ] {
        assert_refused(&host, "newuidmap", ranges, &format!("{why}; {USAGE}"));
    }
}

#[test]
fn a_target_that_is_none_is_refused() {
    let host = host(Install::SetuidRoot);
    for word in ["-1", "0", "self", "fd:", "fd:x", "--help"] {
        let outcome = host.output(host.user("alice").command("newuidmap").args([word, "0", "100000", "1"]));
        let line = format!("newuidmap: TARGET is neither a PID nor fd:N: {word}; {USAGE}\n");
        assert_eq!((outcome.code(), outcome.stderr), (1, line));
    }
}

#[test]
fn what_is_not_granted_is_refused_with_shadows_sentence() {
    let host = host(Install::SetuidRoot);
    let granted = "grants you [100000-165536)";
    for (program, kind) in [("newuidmap", "uid"), ("newgidmap", "gid")] {
        let line = format!("{kind} range [0-65537) -> [100000-165537) not allowed: /etc/sub{kind} {granted}");
        assert_refused(&host, program, "0 100000 65537", &line);
        let line = format!("{kind} range [0-1) -> [0-1) not allowed: /etc/sub{kind} {granted}");
        assert_refused(&host, program, "0 0 1", &line);
    }
}

#[test]
fn without_privilege_it_is_the_programs_own_capability_that_is_missing() {
    let host = host(Install::None);
    let why = "the program is neither setuid root nor has the file capability";
    for (program, kind, capability) in
        [("newuidmap", "uid", "CAP_SETUID"), ("newgidmap", "gid", "CAP_SETGID")]
    {
        assert_refused(&host, program, RANGE, &format!("writing {kind}_map: {capability} is missing: {why}"));
    }
}

#[test]
fn another_users_process_is_refused() {
    let host = host(Install::SetuidRoot);
    let target = Target::new(&host.user("bob"));
    let outcome = host
        .output(host.user("alice").command("newuidmap").arg(target.pid().to_string()).args(RANGE.split(' ')));
    let line = format!("newuidmap: opening target {}: no process of yours\n", target.pid());
    assert_eq!((outcome.code(), outcome.stderr, target.maps()), (1, line, Maps::untouched()));
}

#[test]
fn a_process_may_map_its_parent() {
    let host: Host = host(Install::SetuidRoot);
    // As in mmdebstrap: a child that stays outside makes the request, and its parent is in the new user
    // namespace.
    let script = "
        mkfifo ready done
        { read -r parent <ready; newuidmap $parent 0 1000 1 1 100000 9 && newgidmap $parent 0 1000 1 1 100000 9; echo $? >done; } &
        exec unshare --user sh -c 'echo $$ >ready; read -r status <done; cat /proc/self/uid_map /proc/self/gid_map; exit $status'";
    let said = host.output(&mut host.user("alice").shell(script)).ok();
    let words: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(words, "0 1000 1 1 100000 9 0 1000 1 1 100000 9".split(' ').collect::<Vec<_>>());
}

#[test]
fn each_keeps_the_one_capability_that_its_map_takes() {
    let host = host(Install::SetuidRoot);
    for (program, capability, other) in
        [("newuidmap", "CAP_SETUID", "CAP_SETGID"), ("newgidmap", "CAP_SETGID", "CAP_SETUID")]
    {
        let target = Target::new(&host.user("alice"));
        let mut strace = host.user("root").command("strace");
        strace.args(["-u", "alice", "-e", "trace=capset", program, &target.pid().to_string()]);
        let outcome = host.output(strace.args(RANGE.split(' ')));
        assert_eq!((outcome.code(), target.maps()), (0, map_of(program)), "{outcome:?}");
        assert!(outcome.stderr.contains(capability) && !outcome.stderr.contains(other), "{outcome:?}");
    }
}
