//! `--group-add` and `--groups`.

use crate::sandbox::{Sandbox, assert_refused};
use std::process::Command;
use subroot_tests::{Outcome, Step, start_with};

/// Supplementary groups of alice's.
const GROUPS: [u32; 2] = [2500, 2501];

/// Runs a launch by alice as a member of these groups.
fn as_member(sandbox: &Sandbox, options: &[&str], script: &str) -> Outcome {
    let run = sandbox.shell(options, script);
    let mut command: Command = sandbox.host.user("root").command(run.get_program());
    command.args(run.get_args()).current_dir("/home/alice").env("HOME", "/home/alice");
    let steps = vec![Step::Groups(GROUPS.to_vec()), Step::Become(1000, 1000)];
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

#[test]
fn otherwise_it_is_said_that_they_are_not_granted() {
    let sandbox = Sandbox::new();
    let outcome = as_member(&sandbox, &["--groups", "keep"], "touch /mark");
    assert_refused(&outcome, 125, &["gid range", "not allowed"]);
    assert!(!sandbox.has_mark());
}
