//! `--read-only`: it binds root inside too, and covers all mounts in the root (property L8).

use nix::mount::{MsFlags, mount};
use std::fs;
use subroot_tests::sandbox::Sandbox;

const TRIES: &str = "for file in /x /etc/x /bin/x; do touch $file 2>/dev/null && echo wrote $file; done;
    mount -o remount,rw / 2>/dev/null && echo remounted; mount -o remount,bind,rw / 2>/dev/null && echo rebound;
    chmod 777 /etc 2>/dev/null && echo changed; echo done";

#[test]
fn nothing_of_the_root_can_be_written() {
    for make in [Sandbox::new, Sandbox::bare] {
        let sandbox = make();
        let before = subroot_tests::sandbox::listing(&sandbox.rootfs.path);
        assert_eq!(sandbox.prints(&["--read-only"], TRIES), "done\n");
        assert_eq!(subroot_tests::sandbox::listing(&sandbox.rootfs.path), before);
    }
}

#[test]
fn there_is_room_for_what_programs_write_unless_that_is_taken_too() {
    let sandbox = Sandbox::new();
    let script = "touch /tmp/x /run/x && echo wrote; cp /bin/busybox /tmp/busybox && /tmp/busybox echo ran";
    assert_eq!(sandbox.prints(&["--read-only"], script), "wrote\nran\n");
    assert!(!sandbox.rootfs.path.join("tmp/x").exists());
    let script = "touch /tmp/x 2>/dev/null || echo refused; touch /dev/shm/x && echo but memory";
    assert_eq!(sandbox.prints(&["--read-only", "--read-only-tmpfs=false"], script), "refused\nbut memory\n");
}

#[test]
fn what_is_mounted_in_the_root_is_read_only_too() {
    let sandbox = Sandbox::new();
    let place = sandbox.rootfs.path.join("usr");
    mount(Some("tmpfs"), &place, Some("tmpfs"), MsFlags::empty(), Some("mode=777")).expect("mounting");
    assert_eq!(sandbox.prints(&["--read-only"], "touch /usr/x 2>/dev/null || echo refused"), "refused\n");
}

#[test]
fn a_volume_in_it_can_be_written() {
    let sandbox = Sandbox::new();
    let data = sandbox.dir("data", &[]);
    assert_eq!(
        sandbox.prints(&["--read-only", "-v", "/home/alice/data:/srv"], "echo x >/srv/x; cat /srv/x"),
        "x\n"
    );
    assert_eq!(fs::read_to_string(data.join("x")).expect("the file"), "x\n");
    assert!(!sandbox.rootfs.path.join("srv").exists());
}
