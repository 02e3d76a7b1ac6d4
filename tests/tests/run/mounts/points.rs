//! Missing mount points: created for the run or covered, and removed with it.

use nix::libc;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use subroot_tests::running::Running;
use subroot_tests::sandbox::{Sandbox, listing};
use subroot_tests::{Step, as_root_first};

#[test]
fn every_kind_of_missing_place_is_made_and_gone_again() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let before = listing(&sandbox.rootfs.path);
    for target in ["/srv", "/a/b/c", "/usr/local/share/data", "/tmp/deep/down"] {
        let volume = format!("/home/alice/data:{target}");
        assert_eq!(sandbox.prints(&["-v", &volume], &format!("cat {target}/x")), "x\n");
        assert_eq!(listing(&sandbox.rootfs.path), before, "{target}");
        let volume = format!("/home/alice/data/x:{target}/file");
        assert_eq!(sandbox.prints(&["-v", &volume], &format!("cat {target}/file")), "x\n");
        assert_eq!(listing(&sandbox.rootfs.path), before, "{target}/file");
    }
}

#[test]
fn targets_may_lie_in_each_other_in_any_order() {
    let sandbox = Sandbox::new();
    sandbox.dir("one", &[("x", "1\n")]);
    sandbox.dir("two", &[("x", "2\n")]);
    let (outer, inner) = ("/home/alice/one:/a", "/home/alice/two:/a/b/c");
    let before = (listing(&sandbox.rootfs.path), listing("/home/alice/one".as_ref()));
    for options in [["-v", outer, "-v", inner], ["-v", inner, "-v", outer]] {
        assert_eq!(sandbox.prints(&options, "cat /a/x /a/b/c/x"), "1\n2\n");
    }
    assert_eq!((listing(&sandbox.rootfs.path), listing("/home/alice/one".as_ref())), before);
    assert_eq!(sandbox.prints(&["--tmpfs", "/a", "-v", inner], "cat /a/b/c/x; ls /a"), "2\nb\n");
}

/// A directory of a subordinate ID: alice cannot create anything in it outside.
#[test]
fn a_directory_that_is_not_the_callers_is_covered() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let var = sandbox.rootfs.path.join("var");
    sandbox.add("var/there", "there\n", 0o644);
    chown(&var, Some(100_005), Some(100_005)).expect("giving a directory away");
    let before = listing(&sandbox.rootfs.path);
    let script = "cat /var/a/b/x /var/there; stat -c %a /var; touch /var/new 2>/dev/null || echo read-only";
    let seen = sandbox.prints(&["-v", "/home/alice/data:/var/a/b"], script);
    assert_eq!(seen, "x\nthere\n755\nread-only\n");
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn symlinks_lead_on_inside_of_the_root() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let root = &sandbox.rootfs.path;
    for (link, target) in [("absolute", "/usr"), ("relative", "usr/../home"), ("out", "../../../../tmp")] {
        symlink(target, root.join(link)).expect("a symlink");
        let before = listing(root);
        let script = format!("cat /{link}/made/x");
        assert_eq!(
            sandbox.prints(&["-v", &format!("/home/alice/data:/{link}/made")], &script),
            "x\n",
            "{link}"
        );
        assert_eq!(listing(root), before, "{link}");
    }
    assert!(!fs::exists("/tmp/made").expect("looking into /tmp"));
}

#[test]
fn a_symlink_that_leads_nowhere_is_followed_to_where_it_would() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let root = &sandbox.rootfs.path;
    fs::remove_file(root.join("etc/resolv.conf")).expect("removing a file");
    symlink("../run/resolver/resolv.conf", root.join("etc/resolv.conf")).expect("a symlink");
    let before = listing(root);
    let script = "cat /etc/resolv.conf; readlink /etc/resolv.conf; touch /run/other";
    let seen = sandbox.prints(&["-v", "/home/alice/data/x:/etc/resolv.conf"], script);
    assert_eq!(seen, "x\n../run/resolver/resolv.conf\n");
    fs::remove_file(root.join("run/other")).expect("what was written");
    assert_eq!(listing(root), before);
}

#[test]
fn a_mount_that_a_symlink_leads_over_the_directory_of_others_takes_what_comes_later() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    sandbox.dir("cover", &[]);
    let root = &sandbox.rootfs.path;
    for dir in [root.join("mnt/x/a"), root.join("mnt/x/b"), "/home/alice/cover/b".into()] {
        sandbox.host.make_dir(dir, &sandbox.alice);
    }
    symlink("/mnt/x", root.join("mnt/x/link")).expect("a symlink");
    let volumes = ["-v./data:/mnt/x/a", "-v./cover:/mnt/x/link", "-v./data:/mnt/x/b"];
    assert_eq!(sandbox.prints(&volumes, "cat /mnt/x/b/x"), "x\n");
}

#[test]
fn directories_on_the_way_are_as_mkdir_makes_them() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    let before = listing(&sandbox.rootfs.path);
    let script = "umask 077; subroot run -v ./data:/srv/a/b ./rootfs -- stat -c %a /srv /srv/a";
    assert_eq!(sandbox.host.output(&mut sandbox.alice.shell(script)).ok(), "755\n755\n");
    assert_eq!(listing(&sandbox.rootfs.path), before);
    // On a filesystem without user.* attributes, the sticky bit is the mark.
    let mut command =
        sandbox.run(&["-v", "/home/alice/data:/srv/a/b"], &["stat", "-c", "%a", "/srv", "/srv/a"]);
    let filter = vec![Step::FailCallOfAll(libc::SYS_fsetxattr, libc::EOPNOTSUPP)];
    let outcome = sandbox.host.output(as_root_first(&mut command, &sandbox.alice, filter));
    assert_eq!(outcome.ok(), "1755\n1755\n");
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn what_the_command_changes_about_a_created_directory_does_not_keep_it() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    let before = listing(&sandbox.rootfs.path);
    for script in [
        "chmod 700 /srv /srv/a",
        "chown 5:5 /srv/a",
        "chown 5:5 /srv /srv/a && chmod 700 /srv",
        "touch -d 2001-01-01 /srv; touch /srv/x && rm /srv/x",
        "umount /srv/a/b && chmod 755 /srv/a/b",
    ] {
        let options = ["--cap-add", "SYS_ADMIN", "-v", "/home/alice/data:/srv/a/b"];
        assert_eq!(sandbox.prints(&options, script), "", "{script}");
        assert_eq!(listing(&sandbox.rootfs.path), before, "{script}");
    }
}

#[test]
fn what_the_command_makes_in_a_created_directory_stays() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    let script = "echo kept >/srv/x; mkdir /srv/a/own";
    assert_eq!(sandbox.prints(&["-v", "/home/alice/data:/srv/a/b"], script), "");
    assert_eq!(sandbox.prints(&[], "cat /srv/x; ls /srv /srv/a"), "kept\n/srv:\na\nx\n\n/srv/a:\nown\n");
}

#[test]
fn of_two_runs_the_last_removes_what_both_use() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    let before = listing(&sandbox.rootfs.path);
    let options = ["-v", "/home/alice/data:/srv/deep"];
    let script = "echo ready; exec sleep 1000";
    let (one, two) = (sandbox.shell(&options, script), sandbox.shell(&options, script));
    let mut running = [one, two].map(|mut command| Some(Running::new(&mut command)));
    for (at, running) in running.iter_mut().enumerate() {
        let running = running.take().expect("a launch");
        running.signal(15);
        assert_eq!(running.end().code(), 143);
        assert_eq!(sandbox.rootfs.path.join("srv/deep").exists(), at == 0);
    }
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn killed_launches_leave_nothing() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "")]);
    let before = listing(&sandbox.rootfs.path);
    for round in 0..60_u64 {
        let options = ["-v", "/home/alice/data:/srv/deep/down", "-v", "/home/alice/data/x:/etc/x"];
        let mut launch = subroot_tests::Started::new(&mut sandbox.shell(&options, "sleep 1000"));
        std::thread::sleep(std::time::Duration::from_micros(round * 300));
        launch.child().kill().expect("killing the launcher");
        launch.child().wait().expect("waiting for it");
    }
    let is_as_before = || listing(&sandbox.rootfs.path) == before;
    assert!(subroot_tests::running::soon(subroot_tests::running::GONE_WITHIN, is_as_before));
}

#[test]
fn a_umask_does_not_keep_others_from_getting_there() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    fs::set_permissions("/home/alice/data", Permissions::from_mode(0o755)).expect("a mode");
    let root = sandbox.rootfs.path.display();
    let line = format!("umask 077; subroot run -u 5 -v ./data:/srv/a/b {root} -- cat /srv/a/b/x");
    assert_eq!(sandbox.host.output(&mut sandbox.alice.shell(&line)).ok(), "x\n");
}

#[test]
fn a_umask_does_not_keep_others_from_what_is_made_in_memory() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    fs::set_permissions("/home/alice/data", Permissions::from_mode(0o755)).expect("a mode");
    let root = sandbox.rootfs.path.display();
    for options in ["--overlay -v ./data:/var/a/b", "--tmpfs /var/a -v ./data:/var/a/b", "-v ./data:/dev/a/b"]
    {
        let target = options.rsplit(':').next().expect("a target");
        let line = format!("umask 077; subroot run -u 5 {options} {root} -- cat {target}/x");
        assert_eq!(sandbox.host.output(&mut sandbox.alice.shell(&line)).ok(), "x\n", "{options}");
    }
}
