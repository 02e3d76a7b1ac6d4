//! Kernels and containers without mount_setattr(2) or the new mount API: a sandbox around ours whose filter answers ENOSYS to
//! those calls.

use crate::sandbox::{Sandbox, give};
use subroot_tests::Outcome;

/// Before Linux 5.12, and without the new mount API at all, as some containers' filters have it.
const MISSING: [&str; 2] =
    [r#""mount_setattr""#, r#""mount_setattr", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount""#];

/// What becomes of a line of the shell's in alice's root, on such a kernel.
fn output(sandbox: &Sandbox, missing: &str, options: &[&str], script: &str) -> Outcome {
    let filter = format!(
        r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
            {{"names": [{missing}], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}}]}}"#
    );
    std::fs::write("/home/alice/old.json", filter).expect("writing a profile");
    give("/home/alice/old.json".as_ref(), &sandbox.alice, 0o644);
    let around = [
        "run",
        "--cap-add=ALL",
        "--security-opt=seccomp=/home/alice/old.json",
        "-v/home/alice:/home/alice:suid,dev",
        "--",
    ];
    let inner = ["subroot", "run"];
    let words = [&around[..], &inner, options, &["/home/alice/rootfs", "--", "sh", "-c", script]].concat();
    sandbox.host.output(sandbox.alice.command("subroot").args(words))
}

#[test]
fn mounts_have_their_attributes_all_the_same() {
    let sandbox = Sandbox::new();
    sandbox.folder("data", &[("x", "x\n")]);
    let script = "cat /srv/x; touch /srv/y 2>/dev/null || echo read-only; for place in /srv /proc; do
        grep \" $place \" /proc/self/mountinfo | head -n 1 | cut -d' ' -f5,6; done; touch /tmp/z && rm /tmp/z && echo wrote";
    let expected =
        "x\nread-only\n/srv ro,nosuid,nodev,noexec,relatime\n/proc rw,nosuid,nodev,noexec,relatime\nwrote\n";
    for missing in MISSING {
        let outcome = output(&sandbox, missing, &["-v", "/home/alice/data:/srv:ro,noexec"], script);
        assert_eq!((outcome.stdout.as_str(), outcome.code()), (expected, 0), "{missing}: {outcome:?}");
    }
}

/// What a launch mounts at most: memory, overlays, devices, a covered root, and files.
#[test]
fn everything_else_is_mounted_too() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        sandbox.folder("data", &[("x", "x\n")]);
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
        let outcome = output(&sandbox, MISSING[1], &options, script);
        let expected = "700\nx\nx\n2\nnot a tty\n/dev/pts/ptmx\n/proc/1/comm\n0\n1\n";
        assert_eq!(outcome.stdout, expected, "{outcome:?}");
        assert!(!std::fs::exists("/home/alice/data/y").expect("looking"));
        let outcome = output(&sandbox, MISSING[1], &["--overlay"], "touch /new && echo wrote");
        assert_eq!(outcome.stdout, "wrote\n", "{outcome:?}");
        assert!(!sandbox.rootfs.path.join("new").exists());
    }
}

#[test]
fn a_root_can_be_read_only_and_covered() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        let script = "touch /x /etc/x 2>/dev/null || echo read-only; touch /tmp/y && echo but memory";
        for missing in MISSING {
            let outcome = output(&sandbox, missing, &["--read-only"], script);
            let expected = ("read-only\nbut memory\n", 0);
            assert_eq!((outcome.stdout.as_str(), outcome.code()), expected, "{missing}: {outcome:?}");
        }
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
