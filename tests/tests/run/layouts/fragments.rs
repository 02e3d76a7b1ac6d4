//! Grants of hundreds and thousands of ranges: the kernel accepts at most 340 lines in a map, and less than a
//! page of text.

use crate::layouts::{grant, told};
use nix::sys::resource::Resource;
use subroot_tests::sandbox::{Sandbox, assert_refused, assert_warned, map_lines};
use subroot_tests::{Step, start_with};

/// Far more than a launch needs, and far less than a step for each pair of lines would take.
const CPU_SECONDS: u64 = 2;
const MAP: &str = "cat /proc/self/uid_map";

/// Ranges of ten IDs with gaps between them.
fn fragments(count: u32) -> String {
    (0..count).map(|at| format!("alice:{}:10\n", 100_000 + 20 * at)).collect()
}

fn numbers(map: &[String]) -> Vec<[u32; 3]> {
    let number = |word: &str| word.parse::<u32>().expect("a number of a map");
    let line = |line: &String| line.split(' ').map(number).collect::<Vec<_>>();
    map.iter().map(|text| line(text).try_into().expect("three numbers")).collect()
}

#[test]
fn as_many_ranges_as_fit_are_mapped_in_their_order_and_a_line_says_so() {
    for (count, total) in [(300, 3001), (5000, 40_961)] {
        let sandbox = Sandbox::new();
        grant(&sandbox, &fragments(count));
        let mut command = sandbox.shell(&[], MAP);
        start_with(&mut command, vec![Step::Limit(Resource::RLIMIT_CPU, CPU_SECONDS)]);
        let outcome = sandbox.host.output(&mut command);
        let map = numbers(&map_lines(&outcome.stdout));
        let mapped: u32 = map.iter().map(|[_, _, count]| count).sum();
        let warning = |kind| format!("only {mapped} of {total} {kind} IDs are mapped");
        assert_warned(&outcome, &[&warning("user"), &warning("group"), "fix: as root: ", "/etc/subuid"]);
        let (last, others) = map[1..].split_last().expect("more lines");
        for (at, line) in (0..).zip(others) {
            assert_eq!(*line, [1 + 10 * at, 100_000 + 20 * at, 10], "{count}");
        }
        let granted = (total - 1) / 10 - 1;
        assert_eq!(*last, [65_534, 100_009 + 20 * granted, 1], "the last of all is nobody's, {count}");
        // One more line would exceed the kernel's limits.
        let text: usize = map.iter().map(|[a, b, c]| format!("{a} {b} {c}\n").len()).sum();
        assert!(map.len() > 200 && text <= 4095 && (text > 4060 || map.len() == 340), "{text} {}", map.len());
        assert_eq!(sandbox.host.output(&mut quiet(&sandbox)).stderr, "", "{count}");
        let report = told(&sandbox, "idmap");
        assert!(report.stdout.contains(&format!("why not better: {}", warning("user"))), "{report:?}");
        let doctor = told(&sandbox, "doctor");
        assert!(doctor.stdout.contains(&warning("group")) && doctor.code() == 1, "{doctor:?}");
    }
}

fn quiet(sandbox: &Sandbox) -> std::process::Command {
    let mut command = sandbox.alice.command("subroot");
    command.args(["-q", "run"]).arg(&sandbox.rootfs.path).args(["--", "true"]);
    command
}

/// For the kernel they are one range.
#[test]
fn lines_that_continue_each_other_are_all_mapped() {
    let sandbox = Sandbox::new();
    grant(&sandbox, &(0..4096).map(|at| format!("alice:{}:2\n", 100_000 + 2 * at)).collect::<String>());
    let outcome = sandbox.output(&[], MAP);
    assert_eq!(
        (outcome.stderr.as_str(), map_lines(&outcome.stdout)),
        ("", vec!["0 1000 1".into(), "1 100000 8191".into(), "65534 108191 1".into()])
    );
}

#[test]
fn ids_in_late_ranges_can_be_asked_for() {
    let sandbox = Sandbox::new();
    grant(&sandbox, &fragments(1000));
    let outcome = sandbox.output(&["--uidmap", "0:0:1", "--uidmap", "1:9995:5"], MAP);
    assert_eq!(
        (outcome.stderr.as_str(), map_lines(&outcome.stdout)),
        ("", vec!["0 1000 1".into(), "1 119984 5".into()])
    );
}

#[test]
fn a_size_or_a_full_map_that_the_kernel_does_not_take_is_refused() {
    let sandbox = Sandbox::new();
    grant(&sandbox, &fragments(300));
    for options in [["--userns", "auto:size=3001"], ["--uidmap", "0:0:3001"]] {
        let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&options));
        assert_refused(&outcome, 125, &["the kernel accepts at most 340 ranges and 4095 bytes of map"]);
    }
    assert!(!sandbox.has_mark());
}

/// In a sandbox, the kernel also accepts no more lines, and the sandbox's own map may already have that many.
#[test]
fn a_sandbox_inside_says_that_not_all_ranges_fit() {
    let sandbox = Sandbox::new();
    grant(&sandbox, &(0..400).map(|at| format!("alice:{}:2\n", 10_000 + 3 * at)).collect::<String>());
    let mut command = sandbox.alice.command("subroot");
    command.args(["-q", "run", "--cap-add=ALL", "-v/home/alice:/home/alice:suid,dev", "/", "--"]);
    command.args([
        "subroot",
        "run",
        "--userns=keep-id:uid=3,gid=0",
        "/home/alice/rootfs",
        "--",
        "cat",
        "/proc/self/uid_map",
    ]);
    let outcome = sandbox.host.output(&mut command);
    assert_warned(
        &outcome,
        &["user IDs are mapped: the kernel takes at most 340 ranges", "fix: start the container"],
    );
    assert_eq!(map_lines(&outcome.stdout).len(), 340, "{outcome:?}");
}
