//! `--group-add` and `--groups`.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use subroot_tests::sandbox::{Sandbox, assert_refused, assert_warned, map_lines};
use subroot_tests::{Install, Outcome, Step, is_nested, skip, start_with};

/// alice's supplementary groups.
const GROUPS: [u32; 2] = [2500, 2501];

/// Runs a launch by alice as a member of these groups.
fn as_member(sandbox: &Sandbox, options: &[&str], script: &str) -> Outcome {
    by_member(sandbox, &sandbox.shell(options, script))
}

/// The same in the host's own system.
fn as_member_of_the_host(sandbox: &Sandbox, options: &[&str], script: &str) -> Outcome {
    let mut run = sandbox.alice.command("subroot");
    by_member(sandbox, run.arg("run").args(options).args(["--", "sh", "-c", script]))
}

fn by_member(sandbox: &Sandbox, run: &Command) -> Outcome {
    by_member_of(sandbox, run, &GROUPS)
}

fn by_member_of(sandbox: &Sandbox, run: &Command, groups: &[u32]) -> Outcome {
    let mut command: Command = sandbox.host.user("root").command(run.get_program());
    command.args(run.get_args()).current_dir("/home/alice").env("HOME", "/home/alice");
    let steps = vec![Step::Groups(groups.to_vec()), Step::Become(1000, 1000)];
    sandbox.host.output(start_with(&mut command, steps))
}

#[test]
fn groups_of_the_rootfs_are_added() {
    let sandbox = Sandbox::new();
    sandbox.add("etc/group", "root:x:0:\ndisk:x:6:\n", 0o644);
    assert_eq!(sandbox.prints(&["--group-add", "disk", "--group-add", "77"], "id -G"), "0 6 77\n");
    assert_eq!(sandbox.prints(&["-u", "5:5", "--group-add", "disk"], "id -G"), "5 6\n");
    assert_refused(&sandbox.output(&["--group-add", "none"], "true"), 125, &["looking up group none"]);
    let outcome = sandbox.output(&["--group-add", "keep-groups", "--group-add", "disk"], "true");
    assert_refused(&outcome, 125, &["--group-add"]);
}

#[test]
fn ones_own_groups_are_dropped_unless_they_are_kept() {
    let sandbox = Sandbox::new();
    assert_eq!(as_member(&sandbox, &[], "id -G").ok(), "0\n");
    let kept = as_member(&sandbox, &["--group-add", "keep-groups"], "id -G; cat /proc/self/setgroups");
    assert_eq!(kept.ok(), "0 65534 65534\nallow\n");
}

#[test]
fn ones_own_groups_are_mapped_where_the_administrator_allows_it() {
    let sandbox = Sandbox::new();
    sandbox.host.configure_mapper("own-groups = yes\n");
    let script = "id -G; cat /proc/self/setgroups; touch /tmp/x && chgrp 2500 /tmp/x && stat -c %g /tmp/x";
    let outcome = as_member(&sandbox, &["--groups", "keep"], script);
    assert_eq!(
        (outcome.stderr.as_str(), outcome.stdout.as_str()),
        ("", "0 2500 2501\ndeny\n2500\n"),
        "{outcome:?}"
    );
}

/// Without other IDs than the caller's own, as on a host that grants none.
#[test]
fn they_can_be_all_that_is_mapped_apart_from_ones_own_ids() {
    let sandbox = Sandbox::new();
    sandbox.host.configure_mapper("own-groups = yes\n");
    let outcome = as_member(
        &sandbox,
        &["--groups", "keep", "--userns", "host-id"],
        "id -u; id -G; cat /proc/self/gid_map",
    );
    assert_eq!(map_lines(&outcome.ok()), ["1000", "1000 2500 2501", "1000 1000 1", "2500 2500 2"]);
}

/// In a user namespace that maps only one of the two; only that one is requested there.
#[test]
fn they_stay_in_a_sandbox_inside_as_far_as_they_have_ids_there() {
    let sandbox = Sandbox::new();
    sandbox.host.configure_mapper("own-groups = yes\n");
    let inner = "exec subroot run --cap-add ALL --groups keep --userns auto:size=10 -- sh -c 'id -G; cat /proc/self/gid_map'";
    let outcome = as_member_of_the_host(&sandbox, &["--cap-add", "ALL", "--groups", "keep"], inner);
    assert!(outcome.stdout.starts_with("0 2500 2501\n"), "{outcome:?}");
    assert!(map_lines(&outcome.stdout).contains(&"2501 2501 1".to_owned()), "{outcome:?}");
}

/// Each user gets a specific message, which names what was requested.
#[test]
fn groups_that_cannot_be_set_are_named() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.output(&["--group-add", "70000"], "touch /mark");
    assert_refused(&outcome, 125, &["adding groups 70000: the ID of one of them is not mapped here"]);
    for file in ["/etc/subuid", "/etc/subgid"] {
        sandbox.host.write(file, "");
    }
    for (options, said) in [
        (["--group-add", "7"].as_slice(), "adding groups 7: setgroups is denied here"),
        (&["-u", "33", "--group-add", "7"], "becoming user 33"),
        (&["-u", "33"], "becoming user 33"),
    ] {
        let outcome = sandbox.output(options, "touch /mark");
        assert!(outcome.code() == 125 && outcome.stderr.contains(said), "{options:?}: {outcome:?}");
    }
    assert!(!sandbox.has_mark());
}

#[test]
fn otherwise_it_is_said_that_they_are_not_granted() {
    let sandbox = Sandbox::new();
    let refused = |options: &[&str], said: &[&str]| {
        assert_refused(
            &as_member(&sandbox, &[&["--groups", "keep"], options].concat(), "touch /mark"),
            125,
            said,
        );
        assert!(!sandbox.has_mark());
    };
    for options in [[].as_slice(), &["--userns", "host-id"], &["--userns", "auto:size=1"]] {
        refused(options, &["--groups keep", "group 2500", "/etc/subgid", "own-groups = yes"]);
    }
    sandbox.host.configure_mapper("own-groups = yes\n");
    sandbox.host.install_mapper(Install::None);
    refused(&[], &["mapping IDs: ", "CAP_SETUID is missing", "; /usr/bin/newgidmap: ", "not allowed"]);
    sandbox.host.remove("/usr/libexec/subroot/newidmap-helper");
    for name in ["/usr/bin/newuidmap", "/usr/bin/newgidmap"] {
        sandbox.host.hide(name);
    }
    refused(&[], &["reading --groups keep: these IDs are not yours (no mapper is installed"]);
}

/// Single IDs with gaps between them, more than the kernel accepts.
fn fragments() -> String {
    (0..400).map(|at| format!("alice:{}:1\n", 10_000 + 3 * at)).collect()
}

#[test]
fn of_too_many_ranges_as_many_as_fit_are_mapped_around_them() {
    let sandbox = Sandbox::new();
    sandbox.host.configure_mapper("own-groups = yes\n");
    sandbox.host.write("/etc/subgid", fragments());
    let map = |options: &[&str]| as_member(&sandbox, options, "cat /proc/self/gid_map");
    let count = |outcome: &Outcome| -> u32 {
        let last = |line: &String| line.rsplit(' ').next().and_then(|word| word.parse::<u32>().ok());
        map_lines(&outcome.stdout).iter().filter_map(last).sum()
    };
    let kept = map(&["--groups", "keep"]);
    assert_warned(&kept, &[&format!("only {} of 403 group IDs are mapped", count(&kept)), "fix: as root: "]);
    assert!(map_lines(&kept.stdout).contains(&"2500 2500 2".to_owned()), "{kept:?}");
    // A requested size is not reduced to as many IDs as fit without the groups.
    let all = map(&[]);
    let size = format!("auto:size={}", count(&all));
    assert_eq!((count(&all), count(&kept)), (340, 340));
    assert_eq!(count(&map(&["--userns", &size])), count(&all));
    let refused = map(&["--userns", &size, "--groups", "keep"]);
    assert_refused(&refused, 125, &["the kernel accepts at most 340 ranges and 4095 bytes of map"]);
}

#[test]
fn groups_that_a_line_grants_are_mapped_once() {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/subgid", "alice:2500:2\nalice:100000:65536\n");
    let outcome = as_member(&sandbox, &["--groups", "keep"], "id -G; cat /proc/self/gid_map");
    let map = ["0 2500 2501", "0 1000 1", "1 100000 2499", "2500 2500 2", "2502 102501 63035"];
    assert_eq!((outcome.stderr.as_str(), map_lines(&outcome.stdout)), ("", map.map(String::from).to_vec()));
}

/// Grants that cannot be read are unknown: the mapper reports why it refuses.
#[test]
fn what_cannot_be_read_is_not_said_to_be_missing() {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/subgid", "alice:2500:2\nalice:100000:65536\n");
    std::fs::set_permissions("/etc/subgid", std::fs::Permissions::from_mode(0o600))
        .expect("closing the file");
    let outcome = as_member(&sandbox, &["--groups", "keep"], "id -G");
    assert_refused(&outcome, 125, &["reading /etc/subgid: Permission denied"]);
}

/// That setgroups is also denied is not the cause here.
#[test]
fn a_user_without_an_id_inside_is_named_for_that() {
    let sandbox = Sandbox::new();
    let options = ["--uidmap", "0:0:1", "--gidmap", "0:0:1", "-u", "5:5"];
    assert_refused(&sandbox.output(&options, "true"), 125, &["becoming user 5", "is not mapped here"]);
}

#[test]
fn more_groups_than_a_map_takes_are_refused_with_the_limit() {
    let sandbox = Sandbox::new();
    if is_nested() {
        skip!("needs IDs of ten digits");
    }
    sandbox.host.configure_mapper("own-groups = yes\n");
    let groups: Vec<u32> = (0..200).map(|number| 2_000_000_000 + 2 * number).collect();
    let outcome = by_member_of(&sandbox, &sandbox.shell(&["--groups", "keep"], "true"), &groups);
    assert_refused(
        &outcome,
        125,
        &["--groups keep: group 2000000", "at most 340 ranges and 4095 bytes of map"],
    );
}
