//! 100,000 lines and 100,000 accounts: no work for each pair of them, and no system call for each line.

use crate::grants::{host_with_lines, subroot};
use nix::sys::resource::Resource;
use std::fmt::Write as _;
use subroot_tests::{Host, Kind, Outcome, Step, own_namespace_has, skip, start_with};

const USERS: u32 = 100_000;
/// Far longer than it takes, and far shorter than 10,000,000,000 steps would take.
const CPU_SECONDS: u64 = 10;
const ACCOUNTS: &str = "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n";

/// A host with many users, each with a line for this range. The users themselves may not exist.
fn host_with_users(name: &str, range: impl Fn(u32) -> String) -> Host {
    let (mut lines, mut accounts) = (String::new(), String::from(ACCOUNTS));
    for at in 0..USERS {
        let _ = writeln!(lines, "{name}{at}:{}", range(at));
        let _ = writeln!(accounts, "user{at}:x:{0}:{0}::/:/bin/sh", 700_000_000 + at);
    }
    let host = host_with_lines(&lines);
    host.write("/etc/passwd", accounts);
    host
}

/// The report for alice, if it takes no more than this much processor time.
fn told(host: &Host, words: &str) -> Outcome {
    let mut command = subroot(&host.user("alice"), words);
    start_with(&mut command, vec![Step::Limit(Resource::RLIMIT_CPU, CPU_SECONDS)]);
    host.output(&mut command)
}

#[test]
fn a_hundred_thousand_sound_lines_are_read_in_large_pieces() {
    if !own_namespace_has(Kind::Uid, 0, 1_100_000_000) {
        skip!("needs a user namespace that has the IDs which the files grant");
    }
    let host = host_with_users("user", |at| format!("{}:2001", 1_000_000 + 2001 * at));
    let root = host.user("root");
    let mut command = root.command("strace");
    command.args([
        "-f",
        "-qq",
        "-u",
        "alice",
        "-o",
        "/tmp/trace",
        "/usr/local/bin/subroot",
        "grants",
        "lint",
    ]);
    let outcome = host.output(&mut command);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(
        outcome.stdout.contains("findings: 0, in 200000 well-formed lines of 100000 users"),
        "{outcome:?}"
    );
    let calls = std::fs::read_to_string("/tmp/trace").expect("what strace wrote").lines().count();
    assert!(calls < 1000, "{calls} system calls");
}

#[test]
fn lines_that_all_share_their_ids_are_not_held_against_each_other_one_by_one() {
    for (name, found) in [("user", 199_998), ("gone", 399_998)] {
        let host = host_with_users(name, |_| "100000:65536".into());
        let outcome = told(&host, "grants lint");
        assert!(outcome.stdout.contains(&format!("\nfindings: {found}, in 200000 well-formed")), "{name}");
        assert!(told(&host, "grants owner 100000").ok().contains("99996 lines more"), "{name}");
        assert!(
            told(&host, "grants suggest alice").ok().contains("usermod --add-subuids 165536-231071 "),
            "{name}"
        );
    }
}

#[test]
fn lines_over_every_account_are_not_held_against_each_of_them() {
    let host = host_with_users("user", |_| "1000:1000000000".into());
    host.configure_mapper("computed-grants = 2000000000-2000099999:3000000000:2001\n");
    let outcome = told(&host, "grants lint");
    let live = outcome.stdout.lines().filter(|line| line.contains(": live-account: ")).count();
    assert_eq!((outcome.code(), live), (1, 200_000));
}
