//! The harness itself: each test has its own host, and the programs in it work.

use std::fs;
use std::path::Path;
use subroot_tests::{Host, Maps, Rootfs, SubordinateIds, Target, skip};

#[test]
fn a_user_keeps_the_uid_and_has_no_other_groups() {
    let host = Host::new();
    let identity = host.output(&mut host.user("bob").shell("id; pwd; env | sort"));
    let expected = "uid=1001(bob) gid=1001(bob) groups=1001(bob)\n/home/bob\nHOME=/home/bob\nLANG=C.UTF-8\nLOGNAME=bob\n";
    assert!(identity.stdout.starts_with(expected), "{identity:?}");
}

#[test]
fn what_one_test_writes_no_other_test_sees() {
    let before = fs::read("/etc/passwd").expect("reading the passwd outside");
    {
        let host = Host::new();
        host.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
        host.write("/tmp/left-behind", "");
        assert_eq!(fs::read_to_string("/etc/passwd").expect("the world's passwd"), "root:x:0:0::/:/bin/sh\n");
    }
    assert_eq!(fs::read("/etc/passwd").expect("the passwd outside"), before);
    assert!(!Path::new("/tmp/left-behind").exists());
}

#[test]
fn the_host_has_a_working_newuidmap_of_shadows() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    if !Path::new("/usr/bin/newuidmap").exists() {
        skip!("no newuidmap: install uidmap");
    }
    let pid = target.pid().to_string();
    host.output(alice.command("newuidmap").args([&pid, "0", "100000", "65536"])).ok();
    assert_eq!(target.maps(), Maps::new("0 100000 65536", "", "allow"));
}

#[test]
fn a_hidden_program_is_not_there() {
    let host = Host::new();
    host.hide("/usr/bin/newuidmap");
    assert_ne!(host.output(&mut host.user("alice").shell("newuidmap")).code(), 1);
}

#[test]
fn a_busybox_root_is_complete_and_its_users() {
    let host = Host::new();
    let rootfs = Rootfs::busybox_without(&host.user("alice"), &["proc"]);
    let sh = host.output(host.user("alice").command(rootfs.path.join("bin/sh")).args(["-c", "stat -c %u ."]));
    assert_eq!(sh.ok(), "1000\n");
    assert!(!rootfs.path.join("proc").exists() && rootfs.path.join("etc/passwd").exists());
}

#[test]
fn a_debian_root_belongs_to_its_users_ids() {
    let host = Host::new();
    let alice = host.user("alice");
    let Some(rootfs) = Rootfs::debian(&host, &alice, SubordinateIds::after(&alice, 100_000)) else {
        skip!("no Debian root: tests/run makes one where mmdebstrap works");
    };
    let list = format!("cd {} && stat -c %u usr/bin/apt-get && stat -c %g etc/shadow", rootfs.path.display());
    assert_eq!(host.output(&mut alice.shell(&list)).ok(), "1000\n100041\n");
}
