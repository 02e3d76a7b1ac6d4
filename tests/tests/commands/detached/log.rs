//! The log of a detached sandbox.

use crate::detached::{LIMIT, detach, directory, small_disk};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use subroot_tests::Started;
use subroot_tests::running::{Running, soon};
use subroot_tests::sandbox::Sandbox;

#[test]
fn both_streams_are_in_it_in_their_order_and_unchanged() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &[], "printf 'a\\033[31m\\n'; echo b >&2; printf 'c\\001\\377'");
    assert_eq!(sandbox.says(&["wait", &name]).ok(), "0\n");
    let mut command = sandbox.subroot(&["logs", &name]);
    let printed = command.stdin(Stdio::null()).output().expect("the log").stdout;
    assert_eq!(printed, b"a\x1b[31m\nb\nc\x01\xff");
    assert_eq!(sandbox.says(&["logs", &name]).stderr, "");
    assert_eq!(sandbox.says(&["logs", "-n", "2", &name]).stdout.lines().next(), Some("b"));
}

#[test]
fn only_its_user_can_read_it() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &[], "umask 0; echo secret");
    let dir = directory(&sandbox).join(&name);
    let mode = |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join("log")), mode(&dir.join("record"))), (0o700, 0o600, 0o600));
}

#[test]
fn it_is_followed_until_the_end() {
    let sandbox = Sandbox::new();
    let script = "echo ready; until [ -e /go ]; do sleep 0.05; done; echo more; exit 3";
    let name = detach(&sandbox, &["--rm"], script);
    let mut follower = Running::new(&mut sandbox.subroot(&["logs", "-f", &name]));
    sandbox.add("go", "", 0o644);
    assert_eq!(follower.line(), "more");
    assert_eq!(follower.end().code(), 0);
    let gone = sandbox.says(&["logs", &name]);
    assert!(gone.stderr.contains("no sandbox has that name"), "{gone:?}");
}

/// Followers that begin at any instant around the end get everything or the message that it has ended.
#[test]
fn a_follower_at_the_end_misses_nothing() {
    let sandbox = Sandbox::new();
    for round in 0..30_u64 {
        let name = detach(&sandbox, &[], "sleep 0.05; echo all; echo of it");
        std::thread::sleep(std::time::Duration::from_millis(2 * round));
        let followed = Started::new(&mut sandbox.subroot(&["logs", "-f", &name])).end_within(LIMIT);
        assert_eq!(followed.ok(), "all\nof it\n", "round {round}");
        assert_eq!(sandbox.says(&["wait", &name]).ok(), "0\n", "round {round}");
    }
}

/// The bound is that of two files, and the follower reads across their change.
#[test]
fn it_is_limited_and_a_follower_reads_all() {
    let sandbox = Sandbox::new();
    let script = "until [ -e /go ]; do sleep 0.05; done; \
        n=0; while [ $n -lt 30 ]; do yes 0123456789abcde | head -c 1000000; n=$((n + 1)); sleep 0.1; done; echo; echo last";
    let name = detach(&sandbox, &[], script);
    let follower = Started::new(&mut sandbox.subroot(&["logs", "-f", &name]));
    sandbox.add("go", "", 0o644);
    let followed = follower.end_within(LIMIT * 2).ok();
    let dir = directory(&sandbox).join(&name);
    let sizes = ["log", "log.1"].map(|file| fs::metadata(dir.join(file)).expect("a file").len());
    assert!(sizes.iter().all(|size| *size <= 8 << 20) && sizes[1] == 8 << 20, "{sizes:?}");
    assert_eq!(fs::read_dir(&dir).expect("the directory").count(), 3);
    let printed = sandbox.says(&["logs", &name]);
    let note = "subroot: the log begins later than the output: it keeps only the last 8 to 16 MiB\n";
    assert_eq!(printed.stderr, note);
    let kept = printed.stdout;
    assert_eq!(kept.len() as u64, sizes[0] + sizes[1]);
    assert!(kept.ends_with("\nlast\n") && followed.ends_with(&kept), "the end is missing");
    assert_eq!(followed.len(), 30_000_006, "the follower misses something");
    let last = sandbox.says(&["logs", "--tail", "1", &name]);
    assert_eq!((last.stdout.as_str(), last.stderr.as_str()), ("last\n", ""));
}

#[test]
fn a_full_disk_does_not_stop_the_command_and_the_log_says_so() {
    let sandbox = Sandbox::new();
    let state = small_disk(&sandbox, "200k", 100_000);
    let script =
        "yes | head -c 300000; touch /full; until [ -e /go ]; do sleep 0.05; done; echo after; exit 4";
    let mut command = sandbox.shell(&["-d", "--name", "full"], script);
    sandbox.host.output(command.env("XDG_STATE_HOME", &state)).ok();
    assert!(soon(LIMIT, || sandbox.rootfs.path.join("full").exists()), "the command waits");
    std::thread::sleep(std::time::Duration::from_millis(500));
    fs::remove_file(state.join("filler")).expect("making room");
    sandbox.add("go", "", 0o644);
    let says =
        |words: &[&str]| sandbox.host.output(sandbox.subroot(words).env("XDG_STATE_HOME", &state)).ok();
    assert_eq!(says(&["wait", "full"]), "4\n");
    let log = says(&["logs", "full"]);
    assert!(log.contains("bytes of output could not be written to this log\nafter\n"), "{}", log.len());
}

/// The command has a pipe, and no descriptor of the log.
#[test]
fn the_command_cannot_reach_it() {
    let sandbox = Sandbox::new();
    let name =
        detach(&sandbox, &[], "for n in 0 1 2 3; do readlink /proc/self/fd/$n || true; done; ls /proc/$$/fd");
    sandbox.says(&["wait", &name]).ok();
    let seen = sandbox.says(&["logs", &name]).ok();
    let lines: Vec<&str> = seen.lines().collect();
    assert!(
        lines[0].ends_with("null") && lines[1..3].iter().all(|line| line.starts_with("pipe:[")),
        "{seen}"
    );
    assert!(!seen.contains("log"), "{seen}");
}

#[test]
fn it_is_printed_to_its_end_while_the_command_writes() {
    let sandbox = Sandbox::new();
    let name = detach(&sandbox, &[], "exec dd if=/dev/zero bs=1M");
    let older = directory(&sandbox).join(&name).join("log.1");
    assert!(soon(LIMIT, || older.exists()), "nothing is written");
    let printed = Started::new(&mut sandbox.subroot(&["logs", "-n", "1", &name])).end_within(LIMIT);
    assert_eq!(printed.code(), 0, "{printed:?}");
    assert_eq!(sandbox.says(&["stop", &name]).code(), 0);
}
