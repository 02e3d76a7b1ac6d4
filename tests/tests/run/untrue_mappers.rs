//! A mapper that lies, dies, fails or hangs starts nothing (property L12).

use crate::running::{assert_all_gone, unique_word};
use std::time::{Duration, Instant};
use subroot_tests::Outcome;
use subroot_tests::sandbox::{Sandbox, assert_refused, script};

const BOTH: [&str; 2] = ["--init", "--as-pid-1"];

/// The outcome of a launch with this mapper. Its command never starts.
#[track_caller]
fn refused_with(sandbox: &Sandbox, option: &str, helper: &str) -> Outcome {
    let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&[option, "--helper", helper]));
    assert!(!sandbox.has_mark(), "{helper}: {outcome:?}");
    outcome
}

#[test]
fn a_mapper_that_lies_is_caught() {
    let sandbox = Sandbox::new();
    for option in BOTH {
        let outcome = refused_with(&sandbox, option, "/bin/true");
        assert_refused(
            &outcome,
            125,
            &["mapping IDs with /bin/true", "reported success", "uid_map is not as requested"],
        );
    }
}

#[test]
fn a_mapper_that_maps_less_than_asked_is_caught() {
    let sandbox = Sandbox::new();
    let other_maps = [
        "--uid-map 0:1000:1,1:100000:65535 --gid-map 0:1000:1,1:100000:65536",
        "--uid-map 0:1000:1,1:100000:65536 --gid-map 0:1000:1,1:100001:65535",
        "--uid-map 0:1000:1,1:100000:65536",
        "--gid-map 0:1000:1,1:100000:65536",
        "--uid-map 0:1000:1,2:100000:65536 --gid-map 0:1000:1,1:100000:65536",
    ];
    for (number, maps) in other_maps.into_iter().enumerate() {
        let text = format!("exec {} fd:0 {maps}", subroot_tests::MAPPER);
        let helper = script(&sandbox.alice, &format!("less-{number}"), &text);
        assert_refused(
            &refused_with(&sandbox, BOTH[number % 2], &helper),
            125,
            &[&helper, "not as requested"],
        );
    }
}

#[test]
fn a_mapper_that_fails_is_named() {
    let sandbox = Sandbox::new();
    for option in BOTH {
        assert_refused(&refused_with(&sandbox, option, "/bin/false"), 125, &["mapping IDs with /bin/false"]);
    }
}

#[test]
fn what_a_mapper_says_is_passed_on_as_one_harmless_line() {
    let sandbox = Sandbox::new();
    let text = "printf 'mapper: no \\033[31msuch\\007 grant\\nsecond line\\n' >&2; exit 1";
    let helper = script(&sandbox.alice, "talks", text);
    let outcome = refused_with(&sandbox, BOTH[0], &helper);
    assert_refused(&outcome, 125, &[&helper, "no \\u{1b}[31msuch\\u{7} grant"]);
}

#[test]
fn a_mapper_starts_with_no_signal_blocked_or_ignored() {
    let sandbox = Sandbox::new();
    let text = "echo $(grep -E '^Sig(Blk|Ign)' /proc/self/status) >&2; exit 1";
    let helper = script(&sandbox.alice, "signals", text);
    let none = "0000000000000000";
    assert_refused(
        &refused_with(&sandbox, BOTH[0], &helper),
        125,
        &[&helper, &format!("{none} SigIgn: {none}")],
    );
}

#[test]
fn a_mapper_that_says_megabytes_is_no_trouble() {
    let sandbox = Sandbox::new();
    let helper = script(&sandbox.alice, "babbles", "head -c 5000000 /dev/zero >&2; exit 1");
    let outcome = refused_with(&sandbox, BOTH[0], &helper);
    assert_refused(&outcome, 125, &[&helper]);
    assert!(outcome.stderr.len() < 100_000, "{}", outcome.stderr.len());
}

#[test]
fn a_mapper_that_kills_itself_is_named() {
    let sandbox = Sandbox::new();
    let helper = script(&sandbox.alice, "dies", "kill -KILL $$");
    for option in BOTH {
        assert_refused(&refused_with(&sandbox, option, &helper), 125, &[&helper, "signal"]);
    }
}

#[test]
fn a_mapper_that_hangs_is_cut_off() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let helper = script(&sandbox.alice, "hangs", &format!("exec sleep {word}"));
    let start = Instant::now();
    assert_refused(&refused_with(&sandbox, BOTH[0], &helper), 125, &[&helper, "did not end"]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_all_gone(&word);
}

#[test]
fn a_mapper_that_leaves_a_process_behind_delays_nothing() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let helper = script(&sandbox.alice, "leaves", &format!("sleep {word} & exit 1"));
    let start = Instant::now();
    assert_refused(&refused_with(&sandbox, BOTH[0], &helper), 125, &[&helper]);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    for pid in subroot_tests::processes_with_word(&word) {
        crate::running::send(pid, 9);
    }
}

#[test]
fn a_mapper_that_kills_the_new_process_is_reported() {
    let sandbox = Sandbox::new();
    let helper = script(&sandbox.alice, "kills", "kill -KILL $(readlink /proc/self/fd/0 | tr -dc 0-9)");
    for option in BOTH {
        let outcome = refused_with(&sandbox, option, &helper);
        assert_refused(&outcome, 125, &[]);
    }
}

#[test]
fn a_mapper_that_is_not_there_or_no_program_is_named() {
    let sandbox = Sandbox::new();
    sandbox.add("tmp/plain", "no program", 0o644);
    let plain = sandbox.rootfs.path.join("tmp/plain");
    for (helper, why) in
        [("/no/where", "No such file"), (plain.to_str().expect("UTF-8"), "Permission denied")]
    {
        assert_refused(&refused_with(&sandbox, BOTH[0], helper), 125, &["mapping IDs with", helper, why]);
    }
}
