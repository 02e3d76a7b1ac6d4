//! `--volume` and `--mount type=bind`.

use nix::mount::{MsFlags, mount};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use subroot_tests::sandbox::{Sandbox, assert_refused, listing};

const NONE: Option<&str> = None;

#[test]
fn a_directory_and_a_file_are_shown() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "from x\n")]);
    let script = "cat /srv/x /etc/one; echo new >/srv/y";
    let options = ["-v", "/home/alice/data:/srv", "-v", "/home/alice/data/x:/etc/one"];
    assert_eq!(sandbox.prints(&options, script), "from x\nfrom x\n");
    assert_eq!(fs::read_to_string("/home/alice/data/y").expect("the new file"), "new\n");
}

#[test]
fn a_source_may_be_relative_to_where_the_caller_is() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "x\n")]);
    for source in ["./data", "data/../data/.", "/home/alice/./data"] {
        assert_eq!(sandbox.prints(&["-v", &format!("{source}:/srv")], "cat /srv/x"), "x\n", "{source}");
    }
}

#[test]
fn attributes_are_podmans_and_can_be_chosen() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    for (options, expected) in [
        ("", "rw,nosuid,nodev,relatime"),
        (":ro", "ro,nosuid,nodev,relatime"),
        (":noexec,suid,dev", "rw,noexec,relatime"),
        (":rw,exec,z,private", "rw,nosuid,nodev,relatime"),
    ] {
        let volume = format!("/home/alice/data:/srv{options}");
        let seen = sandbox.prints(&["-v", &volume], "grep ' /srv ' /proc/self/mountinfo | cut -d' ' -f6");
        assert_eq!(seen.trim(), expected, "{options}");
    }
}

#[test]
fn the_long_form_is_the_same() {
    let sandbox = Sandbox::new();
    sandbox.dir("a:b", &[("x", "x\n")]);
    for word in [
        "type=bind,source=/home/alice/a:b,target=/srv,readonly",
        "type=bind,src=/home/alice/a:b,dst=/srv,ro=true",
        "src=/home/alice/a:b,destination=/srv,readonly=true,bind-propagation=rslave",
    ] {
        let script = "cat /srv/x; touch /srv/y 2>/dev/null || echo read-only";
        assert_eq!(sandbox.prints(&["--mount", word], script), "x\nread-only\n", "{word}");
    }
}

#[test]
fn what_is_mounted_below_comes_along_read_only_too() {
    let sandbox = Sandbox::new();
    let inner = sandbox.dir("data/inner", &[]);
    mount(Some("tmpfs"), &inner, Some("tmpfs"), MsFlags::empty(), Some("mode=777")).expect("mounting");
    fs::write(inner.join("x"), "inner\n").expect("writing below");
    let script = "cat /srv/inner/x; touch /srv/inner/y 2>/dev/null || echo read-only";
    assert_eq!(sandbox.prints(&["-v", "/home/alice/data:/srv:ro"], script), "inner\nread-only\n");
}

/// The kernel keeps what the host has forbidden: mount_setattr(2), locked attributes.
#[test]
fn what_the_host_forbids_stays_forbidden() {
    let sandbox = Sandbox::new();
    let data = sandbox.dir("data", &[("x", "#!/bin/sh\necho ran\n")]);
    mount(Some(&data), &data, NONE, MsFlags::MS_BIND, NONE).expect("binding");
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    mount(NONE, &data, NONE, flags, NONE).expect("remounting");
    let script = "sh -c /srv/x 2>/dev/null || echo not run; touch /srv/y 2>/dev/null || echo read-only;
        mount -o remount,bind,rw,exec /srv 2>/dev/null || echo locked";
    let options = ["--cap-add", "SYS_ADMIN", "-v", "/home/alice/data:/srv"];
    assert_eq!(sandbox.prints(&options, script), "not run\nread-only\nlocked\n");
    for (option, flag) in [("exec", "noexec"), ("rw", "ro")] {
        for mount in
            [["-v", &format!("./data:/srv:{option}")], ["--mount", &format!("src=./data,dst=/srv,{option}")]]
        {
            let outcome = sandbox.output(&mount, "true");
            let why = format!("the mount of /home/alice/data is {flag}, and the kernel keeps this");
            assert_refused(&outcome, 125, &["binding /home/alice/data: Operation not permitted", &why]);
            assert!(outcome.stderr.ends_with(&format!("subroot: fix: leave {option} out\n")), "{outcome:?}");
        }
    }
    assert_eq!(sandbox.prints(&["-v", "./data:/srv:suid,dev"], "cat /srv/x >/dev/null"), "");
}

#[test]
fn a_source_that_is_not_there_is_named() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.output(&["-v", "/home/alice/nothere:/srv"], "touch /mark");
    assert_refused(&outcome, 125, &["/home/alice/nothere", "No such file or directory"]);
    symlink("nothing", "/home/alice/dangling").expect("a symlink");
    let outcome = sandbox.output(&["-v", "/home/alice/dangling:/srv"], "touch /mark");
    assert_refused(&outcome, 125, &["/home/alice/dangling", "No such file or directory"]);
    assert!(!sandbox.has_mark());
}

#[test]
fn a_file_over_a_directory_is_refused_and_the_other_way_round() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[("x", "")]);
    let outcome = sandbox.output(&["-v", "/home/alice/data/x:/tmp"], "touch /mark");
    assert_refused(&outcome, 125, &["/tmp", "Is a directory"]);
    let outcome = sandbox.output(&["-v", "/home/alice/data:/etc/group"], "touch /mark");
    assert_refused(&outcome, 125, &["/etc/group", "Not a directory"]);
    assert!(!sandbox.has_mark());
}

#[test]
fn a_directory_may_have_a_layer_that_is_thrown_away() {
    let sandbox = Sandbox::new();
    let data = sandbox.dir("data", &[("x", "x\n")]);
    let script = "echo changed >/srv/x; touch /srv/new; cat /srv/x";
    assert_eq!(sandbox.prints(&["-v", "/home/alice/data:/srv:O"], script), "changed\n");
    assert_eq!(fs::read_to_string(data.join("x")).expect("the file"), "x\n");
    assert!(!data.join("new").exists());
}

#[test]
fn a_device_of_the_hosts_can_be_shown() {
    let sandbox = Sandbox::new();
    let seen = sandbox.prints(&["--device", "/dev/zero:/dev/nothing"], "head -c 3 /dev/nothing | wc -c");
    assert_eq!(seen, "3\n");
}

/// None of the sandbox's own mounts is visible outside, whether shared or not (property L7).
#[test]
fn no_mount_event_leaves_and_a_slave_gets_the_hosts() {
    let sandbox = Sandbox::new();
    let data = sandbox.dir("data", &[]);
    let inner = sandbox.dir("data/inner", &[]);
    mount(Some(&data), &data, NONE, MsFlags::MS_BIND, NONE).expect("binding");
    mount(NONE, &data, NONE, MsFlags::MS_SHARED, NONE).expect("sharing");
    let before = subroot_tests::sandbox::mounts();
    let options = ["--cap-add", "SYS_ADMIN", "-v", "/home/alice/data:/srv:rslave"];
    let script = "mount -t tmpfs tmpfs /srv/inner && touch /srv/inner/mine && umount /srv/inner; echo ready; read line; ls /srv/inner";
    let mut command = sandbox.shell(&options, script);
    let mut running = subroot_tests::running::Running::new(command.stdin(std::process::Stdio::piped()));
    assert_eq!(subroot_tests::sandbox::mounts(), before);
    mount(Some("tmpfs"), &inner, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).expect("mounting");
    fs::write(inner.join("hosts"), "").expect("writing below");
    std::io::Write::write_all(&mut running.input(), b"\n").expect("telling it to go on");
    assert_eq!(running.end().ok(), "hosts\n");
}

/// Only the owner of a filesystem may map its file owners, and in the sandbox no user owns the host's.
#[test]
fn owners_are_mapped_where_the_kernel_lets_them_be_or_it_is_said() {
    let sandbox = Sandbox::new();
    sandbox.dir("data", &[]);
    let outcome = sandbox.output(&["-v", "/home/alice/data:/srv:idmap"], "touch /mark");
    assert_refused(&outcome, 125, &["mapping the owners of /home/alice/data"]);
    assert!(!sandbox.has_mark());
}

/// If only the child can examine the source, it finds out whether it is a directory or a file.
#[test]
fn a_source_that_only_subordinate_ids_can_search_is_shown() {
    let sandbox = Sandbox::new();
    let closed = sandbox.dir("closed", &[("x", "x\n")]);
    sandbox.dir("closed/directory", &[("y", "y\n")]);
    chown(&closed, Some(100_005), Some(100_005)).expect("giving a directory away");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("a mode");
    let before = listing(&sandbox.rootfs.path);
    for target in ["/srv", "/etc/one", "/a/b"] {
        let options = ["-v", &format!("/home/alice/closed/x:{target}")];
        assert_eq!(sandbox.prints(&options, &format!("cat {target}")), "x\n");
        let options = ["-v", &format!("/home/alice/closed/directory:{target}"), "--overlay"];
        assert_eq!(sandbox.prints(&options, &format!("cat {target}/y")), "y\n");
        assert_eq!(listing(&sandbox.rootfs.path), before);
    }
}

#[test]
fn of_two_over_one_target_the_later_is_seen() {
    let sandbox = Sandbox::new();
    let (one, two) = ("/home/alice/one:/srv", "/home/alice/two:/srv");
    sandbox.dir("one", &[("1", "")]);
    sandbox.dir("two", &[("2", "")]);
    assert_eq!(sandbox.prints(&["-v", one, "-v", two], "ls /srv"), "2\n");
    assert_eq!(sandbox.prints(&["-v", two, "-v", one], "ls /srv"), "1\n");
    assert!(!sandbox.rootfs.path.join("srv").exists());
}

#[test]
fn fifos_and_sockets_are_shown_as_files_are() {
    let sandbox = Sandbox::new();
    let dir = sandbox.dir("data", &[]);
    nix::unistd::mkfifo(&dir.join("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).expect("a socket");
    for (name, kind) in [("fifo", "fifo"), ("socket", "socket")] {
        for target in ["/srv/made", "/etc/group"] {
            let options = ["-v", &format!("/home/alice/data/{name}:{target}")];
            assert_eq!(sandbox.prints(&options, &format!("stat -c %F {target}")), format!("{kind}\n"));
        }
    }
    assert!(!sandbox.rootfs.path.join("srv").exists());
}
