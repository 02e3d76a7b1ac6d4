//! Root filesystems that belong to subordinate IDs, as mmdebstrap creates them: `--userns subids`, and when
//! `--userns auto` chooses it.

use crate::layouts::{fix, grant};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;
use std::process::Command;
use subroot_tests::running::Running;
use subroot_tests::sandbox::{Sandbox, assert_refused, assert_warned, listing, map_lines};
use subroot_tests::{Install, MAPPER, is_nested};

const SUBIDS: [&str; 2] = ["--userns", "subids"];
const MAP: [&str; 2] = ["0 100000 65536", "65536 1000 1"];
const CHOSEN: &str =
    "subroot: /home/alice/rootfs is owned by your subordinate ID 100000: running with --userns subids\n";

/// alice's root filesystem, in which everything belongs to this ID.
fn owned_by(id: u32) -> Sandbox {
    let sandbox = Sandbox::new();
    give(&sandbox.rootfs.path, id);
    sandbox
}

fn give(path: &Path, id: u32) {
    let owner = format!("{id}:{id}");
    let given = Command::new("chown").args(["-hR", &owner]).arg(path).status().expect("chown");
    assert!(given.success());
}

fn owner(path: impl AsRef<Path>) -> [u32; 2] {
    let found = fs::symlink_metadata(path).expect("a file");
    [found.uid(), found.gid()]
}

#[test]
fn a_root_of_the_first_granted_id_is_roots_inside() {
    let sandbox = owned_by(100_000);
    let script = "id -u; id -g; stat -c '%u %g' / /etc/passwd /usr; touch /made; cat /proc/self/uid_map /proc/self/gid_map";
    let outcome = sandbox.output(&[], script);
    assert_eq!(outcome.stderr, CHOSEN);
    let lines = map_lines(&outcome.ok());
    assert_eq!(lines[..5], ["0", "0", "0 0", "0 0", "0 0"]);
    assert_eq!(lines[5..], [MAP, MAP].concat());
    assert_eq!(owner("/home/alice/rootfs/made"), [100_000; 2]);
    assert_eq!(sandbox.output(&SUBIDS, script).stderr, "", "it was asked for");
    let quiet = ["-q", "run", "/home/alice/rootfs", "--", "stat", "-c", "%u", "/"];
    let outcome = sandbox.says(&quiet);
    assert_eq!((outcome.stderr.as_str(), outcome.stdout.as_str()), ("", "0\n"));
    let plan = sandbox.says(&["run", "--print-plan", "/home/alice/rootfs"]).ok();
    assert!(plan.contains("; as by --userns subids, as uid 100000 owns the root; "), "{plan}");
}

/// Also with shadow's mapper, and with the number of IDs that the guide recommends.
#[test]
fn another_user_of_the_root_can_be_become() {
    let sandbox = owned_by(100_000);
    let accounts = "root:x:0:0::/root:/bin/sh\n_apt:x:42:65534::/:/bin/sh\n";
    sandbox.add("etc/passwd", accounts, 0o644);
    give(&sandbox.rootfs.path, 100_000);
    let script =
        "su _apt -c 'id -u; id -g; touch /tmp/x'; stat -c '%u %g' /tmp/x; chown root:65534 /tmp/x; rm /tmp/x";
    for (lines, path) in
        [("alice:100000:65536\n", MAPPER), ("alice:100000:2001\n", MAPPER), ("alice:100000:2001\n", "")]
    {
        grant(&sandbox, lines);
        if path.is_empty() {
            sandbox.host.install_mapper(Install::None);
        }
        let outcome = sandbox.output(&[], script);
        assert_eq!(outcome.ok(), "42\n65534\n42 65534\n", "{lines}{path}");
    }
}

/// If some of its files belong to other IDs, the root may be made for the default.
#[test]
fn a_root_that_belongs_to_them_in_part_is_not_chosen_for() {
    let line = "subroot: /home/alice/rootfs is owned by your subordinate ID 100000, which is not root inside; fix: run with --userns subids\n";
    type Spoil = fn(&Sandbox);
    let spoil: [(&str, Spoil); 6] = [
        ("etc is alice's", |sandbox| give(&sandbox.rootfs.path.join("etc"), 1000)),
        ("etc is missing", |sandbox| {
            fs::remove_dir_all(sandbox.rootfs.path.join("etc")).expect("removing etc");
        }),
        ("usr is a file", |sandbox| {
            fs::remove_dir_all(sandbox.rootfs.path.join("usr")).expect("removing usr");
            fs::write(sandbox.rootfs.path.join("usr"), "").expect("a file");
            give(&sandbox.rootfs.path, 100_000);
        }),
        ("usr leads out of the root", |sandbox| {
            sandbox.dir("decoy", &[]);
            give(Path::new("/home/alice/decoy"), 100_000);
            fs::remove_dir_all(sandbox.rootfs.path.join("usr")).expect("removing usr");
            symlink("/home/alice/decoy", sandbox.rootfs.path.join("usr")).expect("a symlink");
            lchown(sandbox.rootfs.path.join("usr"), Some(100_000), Some(100_000)).expect("its owner");
        }),
        ("the root cannot be looked into", |sandbox| {
            fs::set_permissions(&sandbox.rootfs.path, PermissionsExt::from_mode(0o700)).expect("a mode");
        }),
        ("the group of usr is another one", |sandbox| {
            lchown(sandbox.rootfs.path.join("usr"), None, Some(1000)).expect("its group");
        }),
    ];
    for (what, spoil) in spoil {
        let sandbox = owned_by(100_000);
        spoil(&sandbox);
        let outcome = sandbox.output(&[], "stat -c %u /bin");
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("1\n", line), "{what}");
        assert_eq!(sandbox.prints(&SUBIDS, "stat -c %u /bin"), "0\n", "{what}: the fix");
    }
    let sandbox = owned_by(100_000);
    for mode in ["full", "auto:size=65537"] {
        let outcome = sandbox.output(&["--userns", mode], "stat -c %u /");
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("1\n", line), "{mode}");
    }
    for mode in ["keep-id:uid=0,gid=0", "host-id"] {
        assert_eq!(sandbox.output(&["--userns", mode], "true").stderr, "", "{mode} was asked for");
    }
}

/// Many users may share a root filesystem that belongs to the host's root.
#[test]
fn a_root_of_an_account_is_used_without_a_word() {
    for id in [0, 1000, 1001, 100_005] {
        let sandbox = owned_by(id);
        assert_eq!(sandbox.prints(&[], "id -u"), "0\n", "{id}");
    }
}

#[test]
fn a_root_of_an_id_that_is_not_the_callers_is_named_with_its_grant() {
    for (id, whose, fix) in [
        (165_536, "/etc/subuid:2 grants it to bob", "run it as bob, or create it again as this user"),
        (400_000, "no account and no grant has it", "create it again as this user"),
        (
            500_007,
            "/etc/subroot/mapper.conf:1 grants it to carol",
            "run it as carol, or create it again as this user",
        ),
    ] {
        let sandbox = owned_by(id);
        sandbox.host.configure_mapper("computed-grants = 1002-1002:500000:10\n");
        let outcome = sandbox.output(&[], "stat -c %u /");
        let line = format!(
            "subroot: /home/alice/rootfs is owned by uid {id}, which is not mapped ({whose}): its files are nobody's inside; fix: {fix}\n"
        );
        assert_eq!((outcome.stdout.as_str(), outcome.stderr), ("65534\n", line));
    }
    // The grants have changed since the root was created.
    let sandbox = owned_by(100_000);
    grant(&sandbox, "alice:300000:65536\n");
    assert_warned(&sandbox.output(&[], "true"), &["owned by uid 100000", "no account and no grant has it"]);
}

/// Root's first granted ID is 0 inside by default. The root of a user namespace maps each ID to itself.
#[test]
fn root_with_a_grant_is_told_nothing() {
    let sandbox = owned_by(100_000);
    grant(&sandbox, "root:100000:65536\n");
    let mut command = sandbox.host.user("root").command("subroot");
    let outcome =
        sandbox.host.output(command.args(["run", "/home/alice/rootfs", "--", "stat", "-c", "%u", "/etc"]));
    let owner = if is_nested() { "100000\n" } else { "0\n" };
    assert_eq!((outcome.stderr.as_str(), outcome.stdout.as_str()), ("", owner));
}

#[test]
fn missing_mount_points_are_made_by_a_granted_id_and_removed() {
    let sandbox = Sandbox::bare();
    give(&sandbox.rootfs.path, 100_000);
    sandbox.dir("data", &[("x", "x\n")]);
    let before = listing(&sandbox.rootfs.path);
    let script = "cat /a/b/x /var/file; ls -d /proc/1 /dev/null; touch /new && rm /new && echo writable";
    let options = ["-v", "/home/alice/data:/a/b", "-v", "/home/alice/data/x:/var/file"];
    let seen = sandbox.output(&options, script);
    assert_eq!(
        (seen.stderr.as_str(), seen.stdout.as_str()),
        (CHOSEN, "x\nx\n/dev/null\n/proc/1\nwritable\n")
    );
    assert_eq!(listing(&sandbox.rootfs.path), before);
    // Try a launch that fails, and launches that are killed.
    assert_eq!(sandbox.output(&[&options[..], &["-w", "/nowhere"]].concat(), "true").code(), 125);
    assert_eq!(listing(&sandbox.rootfs.path), before);
    let running = Running::new(&mut sandbox.shell(&options, "echo ready; exec sleep 1000"));
    let dir = sandbox.rootfs.path.join("a/b");
    assert_eq!(owner(&dir), [100_000; 2]);
    running.signal(9);
    drop(running.end());
    // One mount point is removed after the other.
    subroot_tests::running::soon(subroot_tests::running::PATIENCE, || {
        !dir.exists() && listing(&sandbox.rootfs.path) == before
    });
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn of_two_runs_the_last_removes_mount_points_of_granted_ids() {
    let sandbox = owned_by(100_000);
    sandbox.dir("data", &[]);
    let before = listing(&sandbox.rootfs.path);
    let options = ["-q", "run", "-v", "/home/alice/data:/srv/deep", "/home/alice/rootfs", "--"];
    let start = || Running::new(sandbox.subroot(&options).args(["sh", "-c", "echo ready; exec sleep 1000"]));
    for (at, running) in [start(), start()].into_iter().enumerate() {
        running.signal(15);
        assert_eq!(running.end().code(), 143);
        assert_eq!(sandbox.rootfs.path.join("srv/deep").exists(), at == 0);
    }
    assert_eq!(listing(&sandbox.rootfs.path), before);
}

#[test]
fn exec_is_root_too() {
    let sandbox = owned_by(100_000);
    let mut command = sandbox.subroot(&["-q", "run", "--name", "sub", "/home/alice/rootfs", "--"]);
    let running = Running::new(command.args(["sh", "-c", "echo ready; exec sleep 1000"]));
    let outcome =
        sandbox.says(&["exec", "sub", "--", "sh", "-c", "id -u; id -g; touch /made; stat -c %u /made"]);
    assert_eq!(outcome.ok(), "0\n0\n0\n");
    let outcome = sandbox.says(&["exec", "-u", "65536:65536", "sub", "--", "id", "-u"]);
    assert_eq!(outcome.ok(), "65536\n");
    running.signal(15);
    drop(running.end());
}

#[test]
fn changes_go_to_overlays_of_the_same_ids() {
    let sandbox = owned_by(100_000);
    let before = listing(&sandbox.rootfs.path);
    let script = "echo x >/etc/new; rm -r /usr; mkdir /usr; stat -c %u / /etc /etc/new /usr";
    let seen = sandbox.output(&["--overlay"], script);
    assert_eq!((seen.stderr.as_str(), seen.stdout.as_str()), (CHOSEN, "0\n0\n0\n0\n"));
    sandbox.dir("changes", &[]);
    let kept = ["--overlay=/home/alice/changes"];
    assert_eq!(sandbox.output(&kept, script).ok(), "0\n0\n0\n0\n");
    assert_eq!(sandbox.output(&kept, "cat /etc/new; stat -c %u /usr").ok(), "x\n0\n");
    assert_eq!(owner("/home/alice/changes/upper/etc/new"), [100_000; 2]);
    assert_eq!(listing(&sandbox.rootfs.path), before);
    let removed =
        sandbox.says(&["unshare", "--", "rm", "-r", "/home/alice/changes/upper", "/home/alice/changes/work"]);
    assert_eq!(removed.ok(), "");
}

#[test]
fn a_bound_home_stays_the_callers() {
    let sandbox = owned_by(100_000);
    sandbox.dir("data", &[("x", "x\n")]);
    let volume = ["-v", "/home/alice/data:/mnt", "--userns", "subids"];
    let seen = sandbox.prints(&volume, "stat -c '%u %g' /mnt /mnt/x; echo root >/mnt/root; echo >>/mnt/x");
    assert_eq!(seen, "65536 65536\n65536 65536\n");
    assert_eq!(owner("/home/alice/data/root"), [100_000; 2]);
    let own = [&volume[..], &["-u", "65536:65536"]].concat();
    assert_eq!(sandbox.prints(&own, "echo own >/mnt/own; id -u"), "65536\n");
    assert_eq!(owner("/home/alice/data/own"), [1000; 2]);
}

#[test]
fn a_terminal_and_memory_are_roots_inside() {
    let sandbox = owned_by(100_000);
    let options = ["-t", "--userns", "subids", "--tmpfs", "/mnt/deep"];
    let seen = sandbox.output(&options, "tty; stat -c %u $(tty) /mnt/deep /dev /dev/shm; echo x >/dev/tty");
    assert_eq!(seen.ok().replace('\r', ""), "/dev/pts/0\n0\n0\n0\n0\nx\n");
}

/// Only the caller's own ID may search the directory that the root is in.
#[test]
fn a_home_that_is_closed_to_all_others_is_searched() {
    let sandbox = owned_by(100_000);
    fs::set_permissions("/home/alice", PermissionsExt::from_mode(0o700)).expect("closing the home");
    let outcome = sandbox.output(&["-v", "/home/alice:/mnt/home"], "stat -c %u / /mnt/home; ls /mnt/home");
    assert_eq!((outcome.stderr.as_str(), outcome.stdout.as_str()), (CHOSEN, "0\n65536\nrootfs\n"));
}

/// With the host's system as the root, the caller's files belong to ID 65536.
#[test]
fn the_hosts_system_can_be_run_by_subids() {
    let sandbox = Sandbox::new();
    let words = ["run", "--userns", "subids", "--", "sh", "-c"];
    let mut command = sandbox.subroot(&words);
    let outcome = sandbox.host.output(command.arg("id -u; stat -c %u /home/alice; touch /etc/x"));
    assert_eq!((outcome.stderr.as_str(), outcome.stdout.as_str()), ("", "0\n65536\n"));
}

#[test]
fn without_grants_or_a_mapper_it_is_refused_and_the_fix_works() {
    let sandbox = owned_by(100_000);
    let refused = |words: &[&str]| {
        let outcome = sandbox.output(&SUBIDS, "true");
        assert_refused(&outcome, 125, &[&["--userns subids"], words].concat());
        outcome.stderr
    };
    let root = sandbox.host.user("root");
    for [subuid, subgid] in [["", ""], ["alice:100000:65536\n", ""], ["", "alice:100000:65536\n"]] {
        sandbox.host.write("/etc/subuid", subuid);
        sandbox.host.write("/etc/subgid", subgid);
        let file = if subuid.is_empty() { "/etc/subuid" } else { "/etc/subgid" };
        let said = refused(&[&format!("{file} has no line for alice")]);
        sandbox.host.output(&mut root.shell(fix(&said))).ok();
        assert_eq!(sandbox.output(&SUBIDS, "id -u").ok(), "0\n");
    }
    assert_refused(
        &sandbox.output(&["--userns", "subids", "--uidmap", "0:1"], "true"),
        125,
        &["--userns", "--uidmap"],
    );
    grant(&sandbox, "alice:100000:65536\n");
    ["/usr/bin/newuidmap", "/usr/bin/newgidmap"].iter().for_each(|path| sandbox.host.hide(path));
    fs::remove_file(MAPPER).expect("taking the mapper away");
    refused(&["no mapper is installed"]);
    // The default continues, and does not mention the subids that it cannot map.
    let outcome = sandbox.output(&[], "true");
    assert_warned(&outcome, &["only your own ID is mapped (no mapper is installed"]);
}

/// The launch is in a user namespace that has only the caller's ID.
#[test]
fn in_a_sandbox_of_one_id_it_is_refused() {
    let sandbox = Sandbox::new();
    let inner = "exec subroot run --userns subids -- true";
    let mut command = sandbox.subroot(&["run", "--cap-add", "ALL", "--userns", "host-id", "-u", "1000"]);
    let outcome = sandbox.host.output(command.args(["--", "sh", "-c", inner]));
    assert_refused(&outcome, 125, &["--userns subids"]);
}
