//! A kernel without mount_setattr(2), as before Linux 5.12: a sandbox around ours whose filter answers ENOSYS to that call.

use crate::sandbox::{Sandbox, give};
use subroot_tests::Outcome;

const FILTER: &str = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["mount_setattr"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}"#;

/// What becomes of a line of the shell's in alice's root, on such a kernel.
fn output(sandbox: &Sandbox, options: &[&str], script: &str) -> Outcome {
    std::fs::write("/home/alice/old.json", FILTER).expect("writing a profile");
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
    let outcome = output(&sandbox, &["-v", "/home/alice/data:/srv:ro,noexec"], script);
    let expected =
        "x\nread-only\n/srv ro,nosuid,nodev,noexec,relatime\n/proc rw,nosuid,nodev,noexec,relatime\nwrote\n";
    assert_eq!((outcome.stdout.as_str(), outcome.code()), (expected, 0), "{outcome:?}");
}

#[test]
fn a_root_can_be_read_only_and_covered() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        let script = "touch /x /etc/x 2>/dev/null || echo read-only; touch /tmp/y && echo but memory";
        let outcome = output(&sandbox, &["--read-only"], script);
        assert_eq!((outcome.stdout.as_str(), outcome.code()), ("read-only\nbut memory\n", 0), "{outcome:?}");
    }
}
