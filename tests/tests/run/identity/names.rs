//! localhost, the host's name and the sandbox's own resolve, whatever files for names the root has.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use subroot_tests::running::{Running, unique_word};
use subroot_tests::sandbox::{Sandbox, listing};

const HOSTS: &str = "127.0.0.1 localhost\n10.1.2.3 host.example HOST\n";

/// A host with this name in its own file, and a root without files for names.
fn without_names() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/hosts", HOSTS.replace("HOST", &own_name()));
    sandbox.host.write("/etc/resolv.conf", "nameserver 10.1.1.1\n");
    for name in ["hosts", "resolv.conf"] {
        fs::remove_file(sandbox.rootfs.path.join("etc").join(name)).expect("removing a file");
    }
    sandbox
}

fn own_name() -> String {
    nix::unistd::gethostname().expect("own name").into_string().expect("UTF-8")
}

#[test]
fn a_root_without_these_files_has_the_hosts_for_the_run() {
    type Make = fn(&Path, &str);
    let shapes: [(&str, Make); 6] = [
        ("missing", |_, _| {}),
        ("empty", |etc, name| fs::write(etc.join(name), "").expect("a file")),
        ("dangling", |etc, name| symlink(format!("no-{name}"), etc.join(name)).expect("a symlink")),
        ("in /run", |etc, name| symlink(format!("../run/a/b/{name}"), etc.join(name)).expect("a symlink")),
        ("absolute", |etc, name| symlink(format!("/run/c/{name}"), etc.join(name)).expect("a symlink")),
        // Of the host, but not of the root.
        ("the host's", |etc, name| {
            symlink(format!("/home/alice/{name}"), etc.join(name)).expect("a symlink")
        }),
    ];
    let sandbox = without_names();
    let etc = sandbox.rootfs.path.join("etc");
    for name in ["hosts", "resolv.conf"] {
        fs::write(Path::new("/home/alice").join(name), "secret\n").expect("a file of the host");
    }
    let expected = format!("{}nameserver 10.1.1.1\n", HOSTS.replace("HOST", &own_name()));
    for (shape, make) in shapes {
        ["hosts", "resolv.conf"].iter().for_each(|name| make(&etc, name));
        let before = listing(&sandbox.rootfs.path);
        for options in [[].as_slice(), &["--read-only"], &["--overlay"], &["--userns", "host-id"]] {
            let seen = sandbox.prints(options, "cat /etc/hosts /etc/resolv.conf");
            assert_eq!(seen, expected, "{shape} {options:?}");
        }
        assert_eq!(listing(&sandbox.rootfs.path), before, "{shape}");
        // Error ignored: it is missing.
        ["hosts", "resolv.conf"].iter().for_each(|name| drop(fs::remove_file(etc.join(name))));
    }
    fs::remove_dir_all(&etc).expect("removing etc");
    let before = listing(&sandbox.rootfs.path);
    assert_eq!(sandbox.prints(&[], "cat /etc/hosts /etc/resolv.conf"), expected);
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn own_entries_are_kept_and_missing_names_are_added() {
    let sandbox = without_names();
    sandbox.add("etc/hosts", "10.9.9.9 db # not localhost", 0o644);
    let own = own_name();
    let expected = format!(
        "10.9.9.9 db # not localhost\n127.0.0.1 localhost\n::1 localhost\n10.1.2.3 host.example {own}\n"
    );
    assert_eq!(sandbox.prints(&[], "cat /etc/hosts"), expected);
    assert_eq!(
        sandbox.prints(&[], "echo 10.9.9.8 more >>/etc/hosts; tail -n 1 /etc/hosts"),
        "10.9.9.8 more\n"
    );
    assert_eq!(
        fs::read_to_string(sandbox.rootfs.path.join("etc/hosts")).expect("hosts"),
        "10.9.9.9 db # not localhost"
    );
    sandbox.add("etc/hosts", format!("::1 LocalHost\n10.9.9.9 db {own}\n"), 0o644);
    assert_eq!(sandbox.prints(&[], "grep -c ' /etc/hosts ' /proc/self/mountinfo || true"), "0\n");
}

#[test]
fn a_name_of_its_own_resolves() {
    let sandbox = without_names();
    let last = |options: &[&str]| sandbox.prints(options, "tail -n 1 /etc/hosts");
    assert_eq!(last(&["-h", "box.example"]), "127.0.1.1 box.example box\n");
    assert_eq!(last(&["--name", "web"]), "127.0.1.1 web\n");
    let mut command = sandbox.subroot(&["run", "-h", "box", "--", "tail", "-n", "1", "/etc/hosts"]);
    assert_eq!(sandbox.host.output(&mut command).ok(), "127.0.1.1 box\n");
}

/// Jobs on several hosts need the address that the other hosts know.
#[test]
fn the_hosts_name_is_left_to_dns_if_only_dns_knows_it() {
    let sandbox = without_names();
    sandbox.host.write("/etc/hosts", "127.0.0.1 localhost\n");
    let own = own_name();
    assert_eq!(sandbox.prints(&[], "cat /etc/hosts"), "127.0.0.1 localhost\n");
    let with_own = format!("127.0.0.1 localhost\n127.0.1.1 {own}\n");
    assert_eq!(
        sandbox.prints(&["--network", "none"], "cat /etc/hosts; ls /etc/resolv.conf 2>/dev/null || true"),
        with_own
    );
    sandbox.host.write("/etc/resolv.conf", "# nothing\n");
    assert_eq!(sandbox.prints(&[], "cat /etc/hosts"), with_own);
}

/// systemd-resolved's file is a symlink into /run.
#[test]
fn the_hosts_file_may_be_a_symlink() {
    let sandbox = without_names();
    fs::create_dir_all("/run/subroot-test").expect("a directory");
    fs::write("/run/subroot-test/stub", "nameserver 127.0.0.53\n").expect("a file");
    fs::remove_file("/etc/resolv.conf").expect("removing a file");
    symlink("../run/subroot-test/stub", "/etc/resolv.conf").expect("a symlink");
    assert_eq!(sandbox.prints(&[], "cat /etc/resolv.conf"), "nameserver 127.0.0.53\n");
    fs::remove_dir_all("/run/subroot-test").expect("removing a directory");
}

#[test]
fn requested_files_are_not_covered() {
    let sandbox = without_names();
    sandbox.dir("own", &[("hosts", "own\n")]);
    assert_eq!(sandbox.prints(&["-v", "/home/alice/own/hosts:/etc/hosts"], "cat /etc/hosts"), "own\n");
    assert_eq!(sandbox.prints(&["-v", "/home/alice/own:/etc"], "cat /etc/hosts; ls /etc"), "own\nhosts\n");
}

/// What another run has created for the time being, or left when it was killed, is nothing of the root's.
#[test]
fn a_created_mount_point_is_no_file_of_the_root() {
    let sandbox = without_names();
    let hosts = sandbox.rootfs.path.join("etc/hosts");
    let expected = format!("{}nameserver 10.1.1.1\n", HOSTS.replace("HOST", &own_name()));
    let word = unique_word();
    let running = Running::new(&mut sandbox.run(&[], &["sh", "-c", "echo ready; exec sleep $0", &word]));
    assert!(hosts.exists(), "there is no mount point");
    for options in [[].as_slice(), &["--read-only"], &["--overlay"], &["--userns", "host-id"]] {
        let seen = sandbox.prints(options, "cat /etc/hosts /etc/resolv.conf");
        assert_eq!(seen, expected, "{options:?}");
    }
    running.signal(15);
    drop(running.end());
    assert!(!hosts.exists(), "a mount point is left");
    fs::write(&hosts, "").expect("a file");
    fs::set_permissions(&hosts, fs::Permissions::from_mode(0o1000)).expect("its mode");
    std::os::unix::fs::chown(&hosts, Some(1000), Some(1000)).expect("its owner");
    assert_eq!(sandbox.prints(&["--userns", "host-id"], "cat /etc/hosts /etc/resolv.conf"), expected);
    assert!(!hosts.exists(), "what a killed run has left stays");
}

#[test]
fn a_root_of_another_user_below_an_overlay_gets_them() {
    let sandbox = without_names();
    let given =
        std::process::Command::new("chown").args(["-hR", "1001:1001"]).arg(&sandbox.rootfs.path).status();
    assert!(given.expect("chown").success());
    let expected = format!("{}nameserver 10.1.1.1\n", HOSTS.replace("HOST", &own_name()));
    for options in [[].as_slice(), &["--overlay"], &["--overlay", "--tmpfs", "/new"], &["--overlay=changes"]]
    {
        let seen = sandbox.prints(options, "cat /etc/hosts /etc/resolv.conf");
        assert_eq!(seen, expected, "{options:?}");
    }
}
