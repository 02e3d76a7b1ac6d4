//! `--tmpfs`, and the other filesystems of `--mount`.

use subroot_tests::sandbox::Sandbox;

#[test]
fn memory_is_empty_and_gone_at_the_end() {
    let sandbox = Sandbox::new();
    let script = "ls -A /var/cache; echo x >/var/cache/y; stat -c %a /var/cache; grep ' /var/cache ' /proc/self/mountinfo | cut -d' ' -f6";
    let seen = sandbox.prints(&["--tmpfs", "/var/cache"], script);
    assert_eq!(seen, "1777\nrw,nosuid,nodev,noexec,relatime\n");
    assert!(!sandbox.rootfs.path.join("var/cache").exists());
}

#[test]
fn its_size_mode_and_attributes_can_be_chosen() {
    let sandbox = Sandbox::new();
    for options in [
        ["--tmpfs", "/srv:size=64k,mode=700,exec"].as_slice(),
        &["--mount", "type=tmpfs,target=/srv,tmpfs-size=64k,tmpfs-mode=700,exec"],
    ] {
        let script = "stat -c %a /srv; head -c 100000 /dev/zero >/srv/x 2>/dev/null || echo full; cp /bin/busybox /bin/true 2>/dev/null;
            grep -c ' /srv .*noexec' /proc/self/mountinfo || true";
        assert_eq!(sandbox.prints(options, script), "700\nfull\n0\n", "{options:?}");
    }
}

#[test]
fn other_file_systems_are_of_the_sandboxs_own_namespaces() {
    let sandbox = Sandbox::new();
    let options = [
        "--mount",
        "type=proc,target=/mnt/proc",
        "--mount",
        "type=devpts,target=/mnt/pts",
        "--mount",
        "type=mqueue,target=/mnt/mqueue",
    ];
    let script = "ls -d /mnt/proc/1 /mnt/pts/ptmx; ls -A /mnt/mqueue | wc -l; cat /mnt/proc/1/comm";
    assert_eq!(sandbox.prints(&options, script), "/mnt/proc/1\n/mnt/pts/ptmx\n0\nsubroot-init\n");
}

#[test]
fn what_a_launch_always_mounts_can_be_replaced() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.prints(&["--tmpfs", "/dev"], "ls -A /dev | wc -l"), "0\n");
    assert_eq!(sandbox.prints(&["--tmpfs", "/dev/shm:mode=700"], "stat -c %a /dev/shm"), "700\n");
    assert_eq!(sandbox.prints(&["--dev", "none", "--proc", "none"], "ls -A /dev /proc | wc -l"), "3\n");
    assert_eq!(sandbox.prints(&["--dev", "bind"], "ls -d /dev/null"), "/dev/null\n");
    let script = "echo x >/dev/null; head -c 3 /dev/zero | wc -c";
    assert_eq!(sandbox.prints(&["-v", "/dev:/dev"], script), "3\n");
}

#[test]
fn what_podman_masks_is_masked_on_request() {
    let sandbox = Sandbox::new();
    let script = "wc -c </proc/keys; echo x 2>/dev/null >/proc/sys/kernel/domainname || echo read-only; ls -A /sys/firmware | wc -l";
    assert_eq!(sandbox.prints(&["--security-opt", "mask=default"], script), "0\nread-only\n0\n");
    assert_eq!(
        sandbox.prints(&["--security-opt", "mask=/etc/group:/usr"], "wc -c </etc/group; ls -A /usr | wc -l"),
        "0\n0\n"
    );
}
