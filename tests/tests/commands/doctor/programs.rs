//! Why a command was not started, with the fix.

use subroot_tests::sandbox::{Sandbox, assert_refused};

#[test]
fn each_reason_has_its_words_and_its_fix() {
    let sandbox = Sandbox::new();
    let mut foreign = vec![0_u8; 120];
    foreign[..20].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0");
    sandbox.add("etc/foreign", &foreign, 0o755);
    sandbox.add("etc/plain", "text\n", 0o644);
    sandbox.add("etc/script", "#!/opt/none/python3\n", 0o755);
    sandbox.add("etc/dos", "#!/bin/sh\r\n", 0o755);
    for (word, status, said, fix) in [
        ("no-such-program", 127, "running no-such-program: command not found", "install it there"),
        ("/etc/plain", 126, "running /etc/plain: not executable (Permission denied)", "chmod +x"),
        ("/etc/foreign", 126, "running /etc/foreign: it is a program for riscv64", "qemu-user-static"),
        ("/etc/script", 126, "its interpreter /opt/none/python3 does not exist", "install it in the rootfs"),
        ("/etc/dos", 126, "its interpreter /bin/sh\\r does not exist", "carriage return"),
    ] {
        let outcome = sandbox.host.output(&mut sandbox.run(&[], &[word]));
        assert_refused(&outcome, status, &[said]);
        let second = outcome.stderr.lines().nth(1).unwrap_or_default();
        assert!(second.starts_with("subroot: fix: ") && second.contains(fix), "{word}: {outcome:?}");
    }
    let outcome = sandbox.output(&["-t", "--dev", "none"], "true");
    assert_refused(&outcome, 125, &["/dev/ptmx is not there"]);
    assert!(outcome.stderr.contains("fix: leave --dev none out"), "{outcome:?}");
}

#[test]
fn a_loader_that_is_not_there_is_named_with_its_fix() {
    let sandbox = Sandbox::new();
    let dynamic = std::fs::read("/usr/bin/env").expect("a dynamic program of the host");
    sandbox.add("etc/dynamic", dynamic, 0o755);
    let outcome = sandbox.host.output(&mut sandbox.run(&[], &["/etc/dynamic"]));
    assert_refused(&outcome, 126, &["its ELF loader /lib", "does not exist"]);
    assert!(outcome.stderr.contains("fix: install the C library"), "{outcome:?}");
}
