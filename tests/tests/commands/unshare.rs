//! `subroot unshare`: only the mapping, for files of the caller's subordinate IDs.

use std::fs;
use std::os::unix::fs::chown;
use std::process::Command;
use subroot_tests::running::{Running, assert_all_gone, unique_word};
use subroot_tests::sandbox::{FULL_MAP, assert_refused, give, map_lines};
use subroot_tests::{Host, User};

fn unshare(user: &User, words: &[&str]) -> Command {
    let mut command = user.command("subroot");
    command.args(["unshare", "--"]).args(words);
    command
}

#[test]
fn the_caller_is_root_with_all_granted_ids_in_the_hosts_own_root() {
    let host = Host::new();
    let alice = host.user("alice");
    let script =
        "id -u; id -g; pwd; echo $HOME; cat /proc/self/uid_map /proc/self/gid_map; ls /home/alice/mine";
    fs::write(alice.home.join("mine"), "").expect("writing a file");
    let seen = host.output(&mut unshare(&alice, &["sh", "-c", script])).ok();
    let lines = map_lines(&seen);
    assert_eq!(lines[..4], ["0", "0", "/home/alice", "/home/alice"]);
    assert_eq!(lines[4..], [&FULL_MAP[..], &FULL_MAP, &["/home/alice/mine"]].concat());
}

#[test]
fn files_of_subordinate_ids_can_be_listed_changed_and_removed() {
    let host = Host::new();
    let alice = host.user("alice");
    let dir = alice.home.join("theirs");
    fs::create_dir(&dir).expect("making a directory");
    fs::write(dir.join("file"), "text").expect("writing a file");
    for path in [dir.clone(), dir.join("file")] {
        chown(&path, Some(100_005), Some(100_005)).expect("giving it away");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("shutting it");
    }
    assert_ne!(host.output(&mut alice.shell("rm -rf theirs")).code(), 0);
    assert_eq!(host.output(&mut unshare(&alice, &["stat", "-c", "%u:%g", "theirs/file"])).ok(), "6:6\n");
    host.output(&mut unshare(&alice, &["chown", "0:0", "theirs/file"])).ok();
    host.output(&mut unshare(&alice, &["rm", "-r", "theirs"])).ok();
    assert!(!dir.exists());
}

#[test]
fn files_of_others_are_as_shut_as_ever() {
    let host = Host::new();
    let (alice, bob) = (host.user("alice"), host.user("bob"));
    let path = bob.home.join("file");
    fs::write(&path, "text").expect("writing a file");
    give(&path, &bob, 0o600);
    assert_ne!(host.output(&mut unshare(&alice, &["cat", "/home/bob/file"])).code(), 0);
    assert_ne!(host.output(&mut unshare(&alice, &["rm", "-f", "/home/bob/file"])).code(), 0);
    assert!(path.exists());
}

#[test]
fn everything_dies_with_the_launcher() {
    let host = Host::new();
    let word = unique_word();
    let running =
        Running::new(&mut unshare(&host.user("alice"), &["sh", "-c", "echo ready; exec sleep $0", &word]));
    running.signal(9);
    assert_all_gone(&word);
}

#[test]
fn the_status_and_signals_are_the_commands() {
    let host = Host::new();
    let alice = host.user("alice");
    assert_eq!(host.output(&mut unshare(&alice, &["sh", "-c", "exit 9"])).code(), 9);
    assert_eq!(host.output(&mut unshare(&alice, &["sh", "-c", "kill -9 $$"])).code(), 137);
    let running = Running::new(&mut unshare(&alice, &["sh", "-c", "echo ready; exec sleep 1000"]));
    running.signal(15);
    assert_eq!(running.end().code(), 143);
    let outcome = host.output(&mut unshare(&alice, &["no-such-command"]));
    assert_refused(&outcome, 127, &["running no-such-command", "not found"]);
    assert!(!outcome.stderr.contains("rootfs"), "{outcome:?}");
}

#[test]
fn a_mount_made_there_stays_there() {
    let host = Host::new();
    let before = subroot_tests::sandbox::mounts();
    let words = ["sh", "-c", "mount -t tmpfs none ~ && touch ~/inside && ls ~"];
    assert_eq!(host.output(&mut unshare(&host.user("alice"), &words)).ok(), "inside\n");
    assert_eq!(subroot_tests::sandbox::mounts(), before);
}
