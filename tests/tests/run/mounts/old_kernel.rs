//! Kernels and containers without mount_setattr(2), the new mount API, openat2(2) or clone3(2). They are
//! simulated by an outer sandbox whose filter makes these calls fail with ENOSYS, or with EPERM as older
//! filters of docker and podman do. The outer sandbox uses the host's root without an overlay, because
//! kernels before 5.11 have none.

use crate::mounts::hostile::{SWAP, marked_dir};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use std::os::unix::fs::{chown, symlink};
use subroot_tests::Outcome;
use subroot_tests::sandbox::{Sandbox, assert_refused, give, listing};

/// Before Linux 5.12, and without any of the new mount API, as under some containers' filters.
const MISSING: [&str; 2] =
    [r#""mount_setattr""#, r#""mount_setattr", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount""#];

const ERRNOS: [Errno; 2] = [Errno::ENOSYS, Errno::EPERM];

/// The outcome of a shell script in alice's root on such a kernel.
fn output(sandbox: &Sandbox, missing: &str, options: &[&str], script: &str) -> Outcome {
    output_of(sandbox, missing, Errno::ENOSYS, options, script)
}

fn output_of(sandbox: &Sandbox, missing: &str, errno: Errno, options: &[&str], script: &str) -> Outcome {
    let inner = ["--", "subroot", "run"];
    let words = [&inner, options, &["/home/alice/rootfs", "--", "sh", "-c", script]].concat();
    output_around(sandbox, missing, errno, &words)
}

/// The outcome of a command in such an outer sandbox.
fn output_around(sandbox: &Sandbox, missing: &str, errno: Errno, words: &[&str]) -> Outcome {
    let errno = errno as i32;
    let rule = format!(r#"{{"names": [{missing}], "action": "SCMP_ACT_ERRNO", "errnoRet": {errno}}}"#);
    output_with_rules(sandbox, &rule, words)
}

/// The same with any filter rules.
fn output_with_rules(sandbox: &Sandbox, rules: &str, words: &[&str]) -> Outcome {
    let filter = format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rules}]}}"#);
    std::fs::write("/home/alice/old.json", filter).expect("writing a profile");
    give("/home/alice/old.json".as_ref(), &sandbox.alice, 0o644);
    let around = [
        "run",
        "--cap-add=ALL",
        "--security-opt=seccomp=/home/alice/old.json",
        "-v/home/alice:/home/alice:suid,dev",
        "/",
    ];
    sandbox.host.output(sandbox.alice.command("subroot").args(around).args(words))
}

#[test]
fn mounts_have_their_attributes_all_the_same() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let script = "cat /srv/x; touch /srv/y 2>/dev/null || echo read-only; for place in /srv /proc; do
        grep \" $place \" /proc/self/mountinfo | head -n 1 | cut -d' ' -f5,6; done; touch /tmp/z && rm /tmp/z && echo wrote";
    let expected =
        "x\nread-only\n/srv ro,nosuid,nodev,noexec,relatime\n/proc rw,nosuid,nodev,noexec,relatime\nwrote\n";
    for (missing, errno) in MISSING.iter().flat_map(|missing| ERRNOS.map(|errno| (missing, errno))) {
        let outcome = output_of(&sandbox, missing, errno, &["-v", "/home/alice/data:/srv:ro,noexec"], script);
        assert_eq!((outcome.stdout.as_str(), outcome.code()), (expected, 0), "{missing}: {outcome:?}");
    }
}

/// Before Linux 5.9 each open descriptor is closed separately, even one above a limit that was lowered later.
#[test]
fn no_descriptor_is_left_open() {
    let sandbox = Sandbox::new();
    let inner =
        "exec 500</etc/passwd; ulimit -n 100; exec subroot run /home/alice/rootfs -- ls /proc/self/fd";
    let words = ["--", "bash", "-c", inner];
    let missing = r#""close_range""#;
    assert_eq!(output_around(&sandbox, missing, Errno::ENOSYS, &words).ok(), "0\n1\n2\n3\n");
}

/// All kinds of mounts of a launch: memory, overlays, devices, a covered root, and files.
#[test]
fn everything_else_is_mounted_too() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        sandbox.dir("data", &[("x", "x\n")]);
        let options = [
            "--tmpfs",
            "/mnt:mode=700",
            "-v",
            "/home/alice/data/x:/etc/one",
            "-v",
            "/home/alice/data:/a/b:O",
        ];
        let script = "stat -c %a /mnt; cat /etc/one; echo y >/a/b/y; cat /a/b/x; head -c 2 /dev/zero | wc -c; tty; ls /dev/pts/ptmx; ls /proc/1/comm;
            grep -c staging /proc/self/mountinfo; ls /proc/self/task | wc -l";
        let expected = "700\nx\nx\n2\nnot a tty\n/dev/pts/ptmx\n/proc/1/comm\n0\n1\n";
        for errno in ERRNOS {
            let outcome = output_of(&sandbox, MISSING[1], errno, &options, script);
            assert_eq!(outcome.stdout, expected, "{outcome:?}");
            assert!(!std::fs::exists("/home/alice/data/y").expect("looking"));
            let overlay = &["--overlay"];
            let outcome = output_of(&sandbox, MISSING[1], errno, overlay, "touch /new && echo wrote");
            assert_eq!(outcome.stdout, "wrote\n", "{outcome:?}");
            assert!(!sandbox.rootfs.path.join("new").exists());
        }
    }
}

#[test]
fn a_root_can_be_read_only_and_covered() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        let script = "touch /x /etc/x 2>/dev/null || echo read-only; touch /tmp/y && echo but memory";
        for (missing, errno) in MISSING.iter().flat_map(|missing| ERRNOS.map(|errno| (missing, errno))) {
            let outcome = output_of(&sandbox, missing, errno, &["--read-only"], script);
            let expected = ("read-only\nbut memory\n", 0);
            assert_eq!((outcome.stdout.as_str(), outcome.code()), expected, "{missing}: {outcome:?}");
        }
    }
}

/// To be changed, a mount is looked up by its path, and a covered mount cannot be reached by one.
#[test]
fn mounts_that_others_cover_do_not_stand_in_the_way() {
    let sandbox = Sandbox::new();
    let data = sandbox.dir("data", &[("x", "x\n")]);
    for inner in ["a/b", "a", "c", "c"].map(|name| data.join(name)) {
        std::fs::create_dir_all(&inner).expect("a directory");
        mount(Some("tmpfs"), &inner, Some("tmpfs"), MsFlags::empty(), Some("mode=777")).expect("mounting");
    }
    let script = "for place in /srv /srv/a /srv/c; do touch $place/y 2>/dev/null || echo read-only; done";
    for missing in MISSING {
        let outcome = output(&sandbox, missing, &["-v", "/home/alice/data:/srv:ro"], script);
        assert_eq!(outcome.stdout, "read-only\n".repeat(3), "{missing}: {outcome:?}");
    }
}

/// Before Linux 5.9 there is no close_range(2).
#[test]
fn descriptors_are_closed_all_the_same() {
    let sandbox = Sandbox::new();
    let seen = output(&sandbox, r#""close_range""#, &[], "ls /proc/self/fd | tr '\\n' ' '");
    assert_eq!(seen.stdout, "0 1 2 3 ", "{seen:?}");
    let around = "exec 7</etc/passwd 9</etc/group; exec subroot run --cap-add=ALL --security-opt=seccomp=/home/alice/old.json --";
    let line = format!(
        "{around} sh -c 'exec 8</etc/passwd; exec subroot run /home/alice/rootfs -- ls /proc/self/fd'"
    );
    let seen = sandbox.host.output(&mut sandbox.alice.shell(&line));
    assert_eq!(seen.stdout, "0\n1\n2\n3\n", "{seen:?}");
}

#[test]
fn a_symlink_as_the_last_name_leads_on_inside_of_the_root() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    symlink("/srv", sandbox.rootfs.path.join("etc/link")).expect("a symlink");
    let options = ["-v", "/home/alice/data:/etc/link"];
    assert_eq!(sandbox.prints(&options, "cat /srv/x"), "x\n");
    for missing in MISSING {
        let outcome = output(&sandbox, missing, &options, "cat /srv/x");
        assert_eq!(outcome.stdout, "x\n", "without {missing}: {outcome:?}");
    }
}

/// Before Linux 5.6 there is no openat2(2), and a filter may return EPERM instead of ENOSYS.
#[test]
fn paths_are_looked_up_name_by_name_all_the_same() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        sandbox.dir("data", &[("x", "x\n")]);
        let root = &sandbox.rootfs.path;
        for (link, target) in [("absolute", "/usr"), ("relative", "usr/../home"), ("out", "../../../tmp")] {
            symlink(target, root.join(link)).expect("a symlink");
        }
        symlink("/usr", root.join("etc/absolute")).expect("a symlink");
        std::fs::remove_file(root.join("etc/resolv.conf")).expect("removing a file");
        symlink("../run/resolver/resolv.conf", root.join("etc/resolv.conf")).expect("a symlink");
        let before = listing(root);
        for errno in [Errno::ENOSYS, Errno::EPERM] {
            for target in [
                "/absolute/made",
                "/etc/absolute/made",
                "/relative/made",
                "/out/made",
                "/etc/resolv.conf",
                "/home",
                "/a/b",
            ] {
                let volume = format!("/home/alice/data:{target}");
                let script = format!("cat {target}/x");
                let outcome = output_of(&sandbox, r#""openat2""#, errno, &["-v", &volume], &script);
                assert_eq!(outcome.stdout, "x\n", "{target}: {outcome:?}");
                assert_eq!(listing(root), before, "{target}");
            }
        }
        assert!(!std::fs::exists("/tmp/made").expect("looking into /tmp"));
    }
}

#[test]
fn symlinks_lead_no_farther_then() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let root = &sandbox.rootfs.path;
    symlink("nothere/../../evil", root.join("link")).expect("a symlink");
    symlink("loop", root.join("loop")).expect("a symlink");
    let refuses = |target: &str, why: &str, options: &[&str]| {
        let volume = format!("/home/alice/data:{target}");
        let options = [options, &["-v", &volume]].concat();
        let outcome = output(&sandbox, r#""openat2""#, &options, "touch /mark");
        assert_refused(&outcome, 125, &[target, why]);
        assert!(!std::fs::exists("/home/alice/evil").expect("looking beside the root"));
    };
    for options in [[].as_slice(), &["--overlay"]] {
        refuses("/link", "No such file", options);
        refuses("/loop/x", "Too many levels", options);
        refuses("/etc/group", "Not a directory", options);
    }
    let marked = marked_dir(&sandbox);
    let outcome = output(&sandbox, r#""openat2""#, &["-v", "/home/alice/data:/a/b"], SWAP);
    assert_eq!((outcome.code(), marked.exists()), (0, true), "{outcome:?}");
    chown(root, Some(100_005), Some(100_005)).expect("giving a directory away");
    refuses("/link", "No such file", &[]);
}

/// Before Linux 5.3 there is no clone3(2), and a filter may return EPERM instead of ENOSYS.
#[test]
fn processes_are_made_all_the_same() {
    let sandbox = Sandbox::new();
    for errno in [Errno::ENOSYS, Errno::EPERM] {
        let outcome = output_of(&sandbox, r#""clone3""#, errno, &[], "echo $$; exit 7");
        assert_eq!((outcome.stdout.as_str(), outcome.code()), ("2\n", 7), "{outcome:?}");
    }
}

#[test]
fn with_none_of_them_everything_works() {
    let sandbox = Sandbox::bare();
    sandbox.dir("data", &[("x", "x\n")]);
    let missing = format!(r#"{}, "openat2", "clone3", "close_range""#, MISSING[1]);
    let options = ["--read-only", "-v", "/home/alice/data:/a/b:ro", "--tmpfs", "/a/b/c", "-u", "5"];
    let outcome = output(&sandbox, &missing, &options, "cat /a/b/x; touch /a/b/c/y && echo wrote; id -u");
    assert_eq!((outcome.stdout.as_str(), outcome.code()), ("x\nwrote\n5\n", 0), "{outcome:?}");
}

/// If a protection cannot be applied, the launch fails, or what it protects is left out. Here a remount is
/// refused (EINVAL).
#[test]
fn what_cannot_be_made_read_only_is_not_left_attached() {
    const NO_REMOUNT: &str = r#"{"names": ["mount_setattr"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
        {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22,
            "args": [{"index": 3, "value": 32, "valueTwo": 32, "op": "SCMP_CMP_MASKED_EQ"}]}"#;
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    let run = |options: &[&str], script: &str| {
        let words =
            [&["--", "subroot", "run"], options, &["/home/alice/rootfs", "--", "sh", "-c", script]].concat();
        output_with_rules(&sandbox, NO_REMOUNT, &words)
    };
    for options in [&["-v", "/home/alice/data:/srv:ro"][..], &["--read-only"]] {
        let outcome = run(options, "touch /srv/mark /mark; echo ran");
        let last = outcome.stderr.lines().last().expect("a line");
        assert!(outcome.code() == 125 && outcome.stdout.is_empty(), "{outcome:?}");
        assert!(last.starts_with("subroot: m") && last.ends_with(": Invalid argument"), "{outcome:?}");
    }
    // If the mount cannot be detached either, the launch fails, and no start is reported.
    let stuck = format!(
        r#"{NO_REMOUNT}, {{"names": ["umount2"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22,
        "args": [{{"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}}]}}"#
    );
    let inner = "subroot run --json-status 3 /home/alice/rootfs -- echo ran 3>&1";
    let outcome = output_with_rules(&sandbox, &stuck, &["--", "sh", "-c", inner]);
    let line = "subroot: detaching a mount that could not be given its attributes: Invalid argument\n";
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (125, line));
    assert!(outcome.stdout.starts_with(r#"{"event":"failed","#), "{outcome:?}");
    // /sys is left out, and a warning says so.
    let outcome = run(&[], "cat /proc/self/mountinfo");
    assert_eq!(outcome.stderr, "subroot: the sandbox has no /sys: mounting it: Invalid argument\n");
    let mounts = outcome.ok();
    assert!(mounts.contains(" /proc ") && !mounts.contains(" /sys "), "{mounts}");
}

#[test]
fn what_options_make_is_made() {
    let sandbox = Sandbox::new();
    let before = listing(&sandbox.rootfs.path);
    let options =
        ["--dir=/new:mode=0700", "--dir=/tmp/x", "--symlink=bin:/b", "--symlink=x:/tmp/l", "--file=0:/f:ro"];
    let script = "touch /new/x && stat -c %a /new && ls -d /tmp/x && readlink /b && readlink /tmp/l && stat -c %s /f; touch /f 2>/dev/null || echo ro";
    for missing in MISSING {
        let outcome = output(&sandbox, missing, &options, script);
        assert_eq!(outcome.ok(), "700\n/tmp/x\nbin\nx\n0\nro\n", "{missing}");
        assert_eq!(listing(&sandbox.rootfs.path), before, "{missing}");
    }
}

#[test]
fn an_empty_root_is_filled() {
    let sandbox = Sandbox::new();
    let bin = "--volume=/home/alice/rootfs/bin:/usr/bin:ro";
    let words =
        ["--", "subroot", "run", "--empty-root", "--read-only", bin, "--symlink=usr/bin:/bin", "--dir=/tmp"];
    let script = "echo /*; touch /x /usr/bin/x 2>/dev/null || touch /tmp/x";
    for missing in MISSING {
        let words = [&words[..], &["--", "sh", "-c", script]].concat();
        let outcome = output_around(&sandbox, missing, Errno::ENOSYS, &words);
        assert_eq!(outcome.ok(), "/bin /dev /proc /sys /tmp /usr\n", "{missing}");
    }
}
