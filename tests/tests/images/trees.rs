//! `subroot rm` and `subroot du`.

use crate::subroot;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::PathBuf;
use subroot_tests::running::Running;
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::{Host, User};

/// A tree of a subordinate ID that alice herself can neither read nor remove.
fn tree(alice: &User) -> PathBuf {
    let dir = alice.home.join("tree");
    fs::create_dir_all(dir.join("d/e")).expect("directories");
    fs::write(dir.join("d/file"), "12345").expect("a file");
    fs::hard_link(dir.join("d/file"), dir.join("d/link")).expect("a link");
    symlink("/etc", dir.join("d/out")).expect("a symlink");
    for name in ["d/file", "d/e", "d", ""] {
        chown(dir.join(name), Some(100_005), Some(100_005)).expect("giving it away");
    }
    for name in ["d", ""] {
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o700)).expect("shutting it");
    }
    dir
}

#[test]
fn a_tree_of_subordinate_ids_is_measured_and_removed() {
    let host = Host::new();
    let alice = host.user("alice");
    let dir = tree(&alice);
    let measured = host.output(&mut subroot(&alice, &["du", "--json", "tree"])).ok();
    let measured: serde_json::Value = serde_json::from_str(&measured).expect("JSON");
    assert_eq!(measured["entries"], 6);
    assert!(measured["apparent"].as_u64().expect("a size") >= 9 && measured["disk"].is_u64(), "{measured}");
    assert!(host.output(&mut subroot(&alice, &["du", "tree"])).ok().starts_with("entries   6\n"));
    assert_ne!(host.output(&mut alice.shell("rm -rf tree")).code(), 0);
    host.output(&mut subroot(&alice, &["rm", "tree"])).ok();
    assert!(!dir.exists() && PathBuf::from("/etc/passwd").exists());
}

#[test]
fn what_is_needed_is_refused_and_nothing_is_removed() {
    let host = Host::new();
    let alice = host.user("alice");
    let dir = tree(&alice);
    symlink("tree", alice.home.join("link")).expect("a symlink");
    for wrong in [".", "..", "/", "./link", "/home/alice", "/home", "/proc", "./missing", "/etc/passwd"] {
        let outcome = host.output(&mut subroot(&alice, &["rm", "tree", wrong]));
        assert_refused(&outcome, 125, &["removing"]);
        assert!(dir.join("d/file").exists(), "{wrong}");
    }
}

#[test]
fn what_cannot_be_removed_is_named() {
    let host = Host::new();
    let alice = host.user("alice");
    let dir = tree(&alice);
    fs::create_dir(dir.join("d/foreign")).expect("a directory");
    fs::write(dir.join("d/foreign/file"), "").expect("a file");
    let outcome = host.output(&mut subroot(&alice, &["rm", "tree"]));
    assert_eq!(outcome.code(), 1, "{outcome:?}");
    assert!(outcome.stderr.contains("removing /home/alice/tree/d/foreign/file: "), "{outcome:?}");
    assert!(dir.join("d/foreign/file").exists() && !dir.join("d/file").exists());
}

#[test]
fn everything_that_remains_is_named_once() {
    let host = Host::new();
    let alice = host.user("alice");
    let dir = tree(&alice);
    for number in 10..60 {
        let below = dir.join(format!("d/{number}/x"));
        fs::create_dir_all(&below).expect("directories");
        chown(below.parent().expect("a directory"), Some(100_005), Some(100_005)).expect("giving it away");
        fs::write(below.join("file"), "").expect("a file");
    }
    let outcome = host.output(&mut subroot(&alice, &["rm", "tree"]));
    assert_eq!(outcome.code(), 1, "{outcome:?}");
    let mut named: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("/file: ")).collect();
    named.sort_unstable();
    let expected: Vec<String> =
        (10..60).map(|number| format!("removing /home/alice/tree/d/{number}/x/file: ")).collect();
    assert_eq!(named.len(), expected.len(), "{outcome:?}");
    assert!(named.iter().zip(&expected).all(|(line, path)| line.contains(path)), "{outcome:?}");
    assert!(!dir.join("d/file").exists() && dir.join("d/10/x/file").exists());
}

#[test]
fn what_a_running_sandbox_uses_is_refused() {
    let sandbox = Sandbox::new();
    let running = Running::new(&mut sandbox.shell(&["--name", "user"], "echo ready; exec sleep 1000"));
    let rootfs = sandbox.rootfs.path.display().to_string();
    let outcome = sandbox.host.output(&mut subroot(&sandbox.alice, &["rm", &rootfs]));
    // A sandbox of another test can have the same path, in another mount namespace.
    assert_refused(&outcome, 125, &["the running sandbox ", " uses it"]);
    assert!(sandbox.rootfs.path.join("bin").exists());
    running.signal(15);
}

#[test]
fn a_word_that_names_a_directory_and_an_ended_sandbox_is_refused() {
    let sandbox = Sandbox::new();
    let name = format!("tree-{}", std::process::id());
    let dir = sandbox.alice.home.join(&name);
    let rootfs = sandbox.rootfs.path.display().to_string();
    let says = |words: &[&str]| sandbox.host.output(&mut subroot(&sandbox.alice, words));
    says(&["run", "-d", "--rm=false", "--name", &name, &rootfs, "--", "true"]).ok();
    says(&["wait", &name]).ok();
    sandbox.host.output(&mut sandbox.alice.shell(&format!("mkdir {name}"))).ok();
    assert_refused(&says(&["rm", &name]), 125, &["write ./ before"]);
    assert!(dir.exists());
    says(&["rm", &format!("./{name}")]).ok();
    assert!(!dir.exists());
    says(&["rm", &name]).ok();
    assert_refused(&says(&["rm", &name]), 125, &["no ended sandbox has that name"]);
}
