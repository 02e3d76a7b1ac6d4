//! A root without mount points: they exist while it runs, and never afterwards.

use crate::running::{GONE_WITHIN, PATIENCE, Running, soon};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::chown;
use std::process::Stdio;
use subroot_tests::sandbox::{Sandbox, listing};

const BOTH: [&[&str]; 2] = [&[], &["--as-pid-1"]];
const WAIT: &str = "echo ready; read line; ls /proc/self/status /dev/null && exit 3";

fn names(sandbox: &Sandbox) -> BTreeSet<String> {
    listing(&sandbox.rootfs.path).into_keys().collect()
}

#[test]
fn nothing_is_left_by_a_complete_run() {
    let sandbox = Sandbox::bare();
    let before = names(&sandbox);
    for options in BOTH {
        assert_eq!(
            sandbox.output(options, "cat /proc/1/comm >/dev/null && ls /sys | wc -w").code(),
            0,
            "{options:?}"
        );
        assert_eq!(names(&sandbox), before, "{options:?}");
    }
}

#[test]
fn nothing_is_left_by_a_launch_that_failed() {
    let sandbox = Sandbox::bare();
    let before = names(&sandbox);
    for (options, word) in
        [(BOTH[0], "missing"), (BOTH[1], "missing"), (&["--helper", "/bin/true"][..], "true")]
    {
        assert_ne!(sandbox.host.output(&mut sandbox.run(options, &[word])).code(), 0);
        assert_eq!(names(&sandbox), before, "{options:?}");
    }
}

#[test]
fn one_of_several_missing_mount_points_is_enough() {
    for missing in ["proc", "dev", "sys"] {
        let sandbox = Sandbox::new();
        fs::remove_dir(sandbox.rootfs.path.join(missing)).expect("removing a mount point");
        let before = names(&sandbox);
        sandbox.output(&[], "[ -e /proc/self/status ] && [ -c /dev/null ] && [ -d /sys ]").ok();
        assert_eq!(names(&sandbox), before, "{missing}");
    }
}

#[test]
fn what_the_command_makes_stays_and_what_it_removes_is_gone() {
    let sandbox = Sandbox::bare();
    sandbox.output(&[], "mkdir /made && echo text > /made/file && rm -r /home").ok();
    let path = &sandbox.rootfs.path;
    assert_eq!(fs::read_to_string(path.join("made/file")).expect("what the command wrote"), "text\n");
    assert!(!path.join("home").exists() && !path.join("proc").exists());
}

#[test]
fn of_two_runs_the_first_may_end_without_harm_to_the_other() {
    for options in BOTH {
        assert_runs_do_not_disturb_each_other(2, options);
    }
}

#[test]
fn ten_runs_share_a_root() {
    assert_runs_do_not_disturb_each_other(10, BOTH[0]);
}

fn assert_runs_do_not_disturb_each_other(count: usize, options: &[&str]) {
    let sandbox = Sandbox::bare();
    let before = names(&sandbox);
    let start = || Running::new(sandbox.shell(options, WAIT).stdin(Stdio::piped()));
    let runs: Vec<Running> = (0..count).map(|_| start()).collect();
    for mut run in runs {
        std::io::Write::write_all(&mut run.input(), b"go\n").expect("telling a command to go on");
        let outcome = run.end();
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (3, ""), "{outcome:?}");
        assert_eq!(outcome.stdout, "/dev/null\n/proc/self/status\n");
    }
    assert_eq!(names(&sandbox), before);
}

#[test]
fn runs_that_start_and_end_at_the_same_time_leave_nothing() {
    let sandbox = Sandbox::bare();
    let before = names(&sandbox);
    let rootfs = sandbox.rootfs.path.display();
    let launch = format!("subroot run {rootfs} -- ls /proc/self/status");
    let script = format!("for n in $(seq 40); do {launch} & done; wait");
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(&script));
    assert_eq!((outcome.stderr.as_str(), outcome.stdout.lines().count()), ("", 40));
    assert!(soon(GONE_WITHIN, || names(&sandbox) == before), "{:?}", names(&sandbox));
}

#[test]
fn a_run_that_is_killed_does_not_disturb_another() {
    let sandbox = Sandbox::bare();
    let before = names(&sandbox);
    let mut stays = Running::new(sandbox.shell(&[], WAIT).stdin(Stdio::piped()));
    let killed = Running::new(sandbox.shell(&[], WAIT).stdin(Stdio::piped()));
    killed.signal(9);
    assert_eq!(killed.end().code(), 137);
    std::io::Write::write_all(&mut stays.input(), b"go\n").expect("telling a command to go on");
    assert_eq!(stays.end().code(), 3);
    assert!(soon(PATIENCE, || names(&sandbox) == before), "{:?}", names(&sandbox));
}

#[test]
fn a_directory_of_the_callers_own_that_is_empty_is_not_removed() {
    let sandbox = Sandbox::new();
    let before = names(&sandbox);
    sandbox.output(&[], "true").ok();
    assert_eq!(names(&sandbox), before);
    assert!(before.contains(&sandbox.rootfs.path.join("proc").display().to_string()));
}

#[test]
fn a_root_that_is_not_the_callers_is_covered() {
    let sandbox = Sandbox::bare();
    for name in ["", "bin", "etc", "tmp"] {
        chown(sandbox.rootfs.path.join(name), Some(0), Some(0)).expect("giving a directory to root");
    }
    let before = listing(&sandbox.rootfs.path);
    for options in BOTH {
        let script =
            "ls /proc/1/comm /bin/sh /dev/null; touch /new 2>/dev/null; touch /etc/new 2>/dev/null; ls -d /*";
        let seen = sandbox.output(options, script).ok();
        let all = "/bin /dev /etc /home /proc /root /run /sys /tmp /usr /var";
        assert_eq!(
            seen.split_whitespace().collect::<Vec<_>>().join(" "),
            format!("/bin/sh /dev/null /proc/1/comm {all}")
        );
        assert_eq!(listing(&sandbox.rootfs.path), before, "{options:?}");
    }
}
