//! `--overlay`, discarded and kept, and `--mount type=overlay`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;
use subroot_tests::running::Running;
use subroot_tests::sandbox::{Sandbox, assert_refused, listing};

#[test]
fn changes_are_thrown_away() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        let before = listing(&sandbox.rootfs.path);
        let script = "rm /etc/group; mkdir /new; echo x >/etc/passwd; ls -d /new /etc/group 2>/dev/null; cat /etc/passwd";
        assert_eq!(sandbox.prints(&["--overlay"], script), "/new\nx\n");
        assert_eq!(listing(&sandbox.rootfs.path), before);
        assert_eq!(sandbox.prints(&["--overlay"], "ls -d /new 2>/dev/null; echo gone"), "gone\n");
    }
}

#[test]
fn changes_are_kept_and_come_back() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        let before = listing(&sandbox.rootfs.path);
        let kept = sandbox.dir("kept", &[]);
        let script = "rm /etc/group; mkdir -p /srv/new; echo x >/srv/new/x";
        let options = ["--overlay=/home/alice/kept", "-v", "/etc/passwd:/some/where/passwd"];
        assert_eq!(sandbox.prints(&options, script), "");
        let script = "cat /srv/new/x; ls /etc/group 2>/dev/null; ls /some/where";
        assert_eq!(sandbox.prints(&options, script), "x\npasswd\n");
        assert_eq!(listing(&sandbox.rootfs.path), before);
        let names = |dir| fs::read_dir(kept.join(dir)).expect("a directory").count();
        assert_eq!(names("upper"), 2, "etc and srv, and no mount point");
    }
}

/// The top directory of an overlay is that of the layer that keeps the changes.
#[test]
fn the_top_keeps_the_mode_of_the_rootfs_whatever_the_umask_is() {
    let sandbox = Sandbox::new();
    sandbox.dir("kept", &[]);
    let root = sandbox.rootfs.path.display();
    for mode in [0o755, 0o711] {
        fs::set_permissions(&sandbox.rootfs.path, Permissions::from_mode(mode)).expect("a mode");
        for options in ["--overlay=kept", "--overlay=kept", "--overlay"] {
            let line = format!("umask 077; subroot run -u 5 {options} {root} -- stat -c %a /");
            let seen = sandbox.host.output(&mut sandbox.alice.shell(&line)).ok();
            assert_eq!(seen, format!("{mode:o}\n"), "{options}");
        }
        sandbox.host.output(&mut sandbox.alice.shell("subroot unshare -- rm -r kept/upper kept/work")).ok();
    }
}

/// A directory that two overlays change has undefined content.
#[test]
fn a_directory_for_them_is_one_sandboxs_at_a_time() {
    let sandbox = Sandbox::new();
    sandbox.dir("kept", &[]);
    let kept = "--overlay=/home/alice/kept";
    let waiting = |script| Running::new(sandbox.shell(&[kept], script).stdin(Stdio::piped()));
    let mut first = waiting("echo ready; read line; echo x >/x");
    assert_refused(
        &sandbox.output(&[kept], "true"),
        125,
        &["--overlay", "another sandbox", "/home/alice/kept"],
    );
    std::io::Write::write_all(&mut first.input(), b"\n").expect("telling it to go on");
    assert_eq!(first.end().code(), 0);
    assert_eq!(sandbox.prints(&[kept], "cat /x"), "x\n");
    let first = waiting("echo ready; read line");
    first.signal(9);
    first.end();
    assert_eq!(sandbox.prints(&[kept], "cat /x"), "x\n");
}

#[test]
fn a_directory_for_them_may_be_in_the_rootfs() {
    let sandbox = Sandbox::new();
    let kept = format!("--overlay={}", sandbox.dir("rootfs/changes", &[]).display());
    assert_eq!(sandbox.prints(&[&kept], "echo x >/new; cat /new"), "x\n");
    assert_eq!(sandbox.prints(&[&kept], "cat /new"), "x\n");
    assert_eq!(fs::read_to_string("/home/alice/rootfs/changes/upper/new").expect("the change"), "x\n");
    assert!(!sandbox.rootfs.path.join("new").exists());
}

#[test]
fn a_directory_for_them_that_cannot_be_used_is_named() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.output(&["--overlay=/home/alice/not/here"], "touch /mark");
    assert_refused(&outcome, 125, &["/home/alice/not/here", "No such file"]);
    fs::create_dir("/home/alice/roots").expect("a directory of the host's root");
    let outcome = sandbox.output(&["--overlay=/home/alice/roots"], "touch /mark");
    assert_refused(&outcome, 125, &["/home/alice/roots", "Permission denied"]);
    symlink("/home", sandbox.dir("led", &[]).join("upper")).expect("a symlink");
    let outcome = sandbox.output(&["--overlay=/home/alice/led"], "touch /mark");
    assert_refused(&outcome, 125, &["/home/alice/led", "Not a directory"]);
    assert!(!sandbox.has_mark());
}

#[test]
fn directories_can_be_put_over_each_other() {
    let sandbox = Sandbox::new();
    sandbox.dir("one", &[("a", "1\n"), ("b", "1\n")]);
    sandbox.dir("two", &[("b", "2\n"), ("c", "2\n")]);
    let word = "type=overlay,lowerdir=/home/alice/one:/home/alice/two,target=/srv";
    assert_eq!(
        sandbox.prints(
            &["--mount", word],
            "cat /srv/a /srv/b /srv/c; touch /srv/x 2>/dev/null || echo read-only"
        ),
        "1\n1\n2\nread-only\n"
    );
    let (upper, _work) = (sandbox.dir("upper", &[]), sandbox.dir("work", &[]));
    let word = "type=overlay,lowerdir=/home/alice/one,upperdir=/home/alice/upper,workdir=/home/alice/work,target=/srv";
    assert_eq!(sandbox.prints(&["--mount", word], "echo new >/srv/n; cat /srv/a"), "1\n");
    assert_eq!(fs::read_to_string(upper.join("n")).expect("the change"), "new\n");
}

#[test]
fn an_overlay_needs_a_rootfs() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.host.output(&mut sandbox.alice.shell("subroot run --overlay -- true"));
    assert_refused(&outcome, 125, &["--overlay", "needs a ROOTFS"]);
}
