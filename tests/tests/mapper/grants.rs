//! What the lines of grant files grant, whatever else the files contain and however large they are.

use crate::{assert_refused, attempt};
use std::fmt::Write;
use std::time::{Duration, Instant};
use subroot_tests::Host;

/// Far longer than it takes: the tests run in parallel. With quadratic cost it would take minutes.
const SOON: Duration = Duration::from_secs(2);

#[track_caller]
fn assert_granted(host: &Host, user: &str, words: &str) {
    let (outcome, maps) = attempt(host, &host.user(user), words);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!(maps.uid_map.len(), 1, "{words}");
}

#[test]
fn malformed_lines_grant_nothing_and_the_others_still_count() {
    let host = Host::new();
    let bad = ["alice:200000", "alice:300000:5:", " alice:400000:5", "alice:0500000:5", "alice:600000:0x5"];
    host.write("/etc/subuid", format!("{}\nalice:700000:5\r\n# comment\n\nalice:100000:5", bad.join("\n")));
    let line = "uid range [0-1) -> [200000-200001) not allowed: /etc/subuid grants you [100000-100005); line 1 grants nothing: the line has not exactly three fields";
    assert_refused(&host, &host.user("alice"), "--uid-map 0:200000:1", 1, line);
    assert_granted(&host, "alice", "--uid-map 0:100000:5");
}

#[test]
fn a_line_over_a_live_account_grants_nothing() {
    let host = Host::new();
    host.write("/etc/subuid", "alice:1000:100\nalice:1001:1\nalice:100000:10\n");
    let line = "uid range [0-1) -> [1050-1051) not allowed: /etc/subuid grants you [1001-1002) [100000-100010); [1000-1100) grants nothing: it holds the ID of an account, 1000";
    assert_refused(&host, &host.user("alice"), "--uid-map 0:1050:1", 1, line);
    assert_granted(&host, "alice", "--uid-map 0:1001:1");
    assert_granted(&host, "alice", "--uid-map 0:100000:10");
}

#[test]
fn an_account_made_later_in_the_range_makes_the_line_void() {
    let host = Host::new();
    assert_granted(&host, "alice", "--uid-map 0:100000:65536");
    let accounts = "alice:x:1000:1000::/home/alice:/bin/sh\nlate:x:165535:165535::/:/bin/sh\n";
    host.write("/etc/passwd", accounts);
    let line = "uid range [0-65536) -> [100000-165536) not allowed: /etc/subuid grants you nothing; [100000-165536) grants nothing: it holds the ID of an account, 165535";
    assert_refused(&host, &host.user("alice"), "--uid-map 0:100000:65536", 1, line);
}

/// Users of podman and LXC see only this line.
#[test]
fn a_refusal_names_the_callers_first_void_line_and_nobody_elses() {
    for (lines, why) in [
        ("bob:1\nalice:200000:5 \nalice:0:5\n", "; line 2 grants nothing: the line has a blank"),
        ("1000:200000:5\r\n", "; line 1 grants nothing: the line has a control character"),
        ("\t alice:200000:5\n", "; line 1 grants nothing: the line has a blank"),
        (
            "\u{feff}alice:200000:5\n",
            "; line 1 grants nothing: a byte order mark (U+FEFF) is before the owner",
        ),
        ("alice:200000\n", "; line 1 grants nothing: the line has not exactly three fields"),
        (
            "alice:1001:5\nbob:200000:5 \n",
            "; [1001-1006) grants nothing: it holds the ID of an account, 1001",
        ),
        ("bob:200000:5 \nAlice:200000:5 \n1001:200000\n", ""),
    ] {
        let host = Host::new();
        host.write("/etc/subuid", lines);
        host.write("/etc/subgid", lines);
        for (option, range, file) in [("--uid-map", "uid", "subuid"), ("--gid-map", "gid", "subgid")] {
            let line = format!(
                "{range} range [0-1) -> [200000-200001) not allowed: /etc/{file} grants you nothing{why}"
            );
            assert_refused(&host, &host.user("alice"), &format!("{option} 0:200000:1"), 1, &line);
        }
    }
}

#[test]
fn a_hundred_thousand_lines_are_read_soon() {
    let host = Host::new();
    let mut file = String::new();
    for n in 0..100_000_u32 {
        writeln!(file, "user{n}:{}:10", 1_000_000 + 10 * n).expect("writing to memory");
    }
    host.write("/etc/subuid", format!("{file}alice:100000:65536\n"));
    let start = Instant::now();
    assert_granted(&host, "alice", "--uid-map 0:100000:65536");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[test]
fn a_hundred_thousand_accounts_cost_a_user_of_many_lines_no_minutes() {
    let host = Host::new();
    let lines: String = (0..4096_u32).map(|n| format!("alice:{}:2\n", 100_000 + 2 * n)).collect();
    host.write("/etc/subuid", lines);
    let accounts: String = (0..100_000_u32).map(|n| format!("user{n}:x:{n}:{n}::/:/bin/sh\n")).collect();
    host.write("/etc/passwd", format!("{accounts}alice:x:1000:1000::/home/alice:/bin/sh\n"));
    let start = Instant::now();
    assert_granted(&host, "alice", "--uid-map 0:100000:8192");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

#[test]
fn four_thousand_and_ninety_six_lines_for_one_owner_add_up() {
    let host = Host::new();
    host.write("/etc/subuid", single_ids(4096));
    assert_granted(&host, "alice", "--uid-map 0:100000:4096");
}

#[test]
fn a_line_more_grants_nothing_and_the_refusal_says_so() {
    let host = Host::new();
    for count in [4097, 5000] {
        host.write("/etc/subuid", single_ids(count));
        assert_granted(&host, "alice", "--uid-map 0:100000:4096");
        let shown: String = (100_000..100_008).map(|id| format!("[{id}-{}) ", id + 1)).collect();
        let line = format!(
            "uid range [0-1) -> [104096-104097) not allowed: /etc/subuid grants you {shown}and more; your lines after the first 4096 count for nothing"
        );
        assert_refused(&host, &host.user("alice"), "--uid-map 0:104096:1", 1, &line);
    }
}

/// Every second line is bob's, whose lines do not count towards alice's limit.
fn single_ids(count: u32) -> String {
    (0..count).map(|n| format!("alice:{}:1\nbob:{}:1\n", 100_000 + n, 200_000 + n)).collect()
}

#[test]
fn a_line_counts_wherever_it_falls_in_the_file() {
    // The mapper reads 64 KiB at a time. The line starts at each position around that boundary.
    let host = Host::new();
    for before in 65_536 - 24..=65_536 {
        host.write("/etc/subuid", format!("#{}\nalice:100000:65536\nbob:1:1", "x".repeat(before - 2)));
        assert_granted(&host, "alice", "--uid-map 0:100000:65536");
    }
}

#[test]
fn a_line_of_megabytes_grants_nothing_and_hides_nothing() {
    let host = Host::new();
    let long = format!("alice:200000:{}", "1".repeat(3_000_000));
    host.write("/etc/subuid", format!("{long}\nalice:100000:5\n{long}"));
    assert_granted(&host, "alice", "--uid-map 0:100000:5");
    let line = "uid range [0-1) -> [200000-200001) not allowed: /etc/subuid grants you [100000-100005); line 1 grants nothing: the line is longer than 1023 bytes";
    assert_refused(&host, &host.user("alice"), "--uid-map 0:200000:1", 1, line);
}

#[test]
fn a_long_line_is_not_taken_up_again_in_its_middle() {
    // The text after the first 64 KiB of a line looks like a separate line.
    let host = Host::new();
    for pad in 65_530..65_542 {
        host.write("/etc/subuid", format!("#{}alice:200000:5\nalice:100000:5\n", "x".repeat(pad)));
        let line = "uid range [0-1) -> [200000-200001) not allowed: /etc/subuid grants you [100000-100005)";
        assert_refused(&host, &host.user("alice"), "--uid-map 0:200000:1", 1, line);
    }
}

#[test]
fn zeros_and_noise_grant_nothing() {
    let host = Host::new();
    let mut noise = vec![0_u8; 200_000];
    noise.extend((0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()));
    noise.extend(b"\nalice:100000:5\n");
    host.write("/etc/subuid", noise);
    assert_granted(&host, "alice", "--uid-map 0:100000:5");
}
