//! A user namespace with only the IDs 0 to 65535, as of a pod with hostUsers=false: the usual grant from
//! 100000 does not exist there.

use crate::layouts::grant;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;
use std::process::Command;
use subroot_tests::sandbox::{Sandbox, assert_refused, assert_warned, map_lines};
use subroot_tests::{MAPPER, Outcome, Target};

const FIRST: u32 = 100_000;
/// The map of such a pod.
const SHORT: &str = "0 100000 65536\n";
const MAPS: &str = "cat /proc/self/uid_map /proc/self/gid_map";

/// A test's host whose files belong to the root of a user namespace, and a process that keeps the namespace
/// open.
struct Pod {
    sandbox: Sandbox,
    root: Target,
}

impl Pod {
    fn new(map: &str, lines: &str) -> Pod {
        let sandbox = Sandbox::new();
        grant(&sandbox, lines);
        shift(Path::new("/mnt"));
        let root = Target::new(&sandbox.host.user("root"));
        root.map_as_root(map, map);
        Pod { sandbox, root }
    }

    /// A shell script run by a user of the pod.
    fn shell(&self, uid: u32, home: &str, script: &str) -> Outcome {
        let mut command = Command::new("nsenter");
        let user = self.root.path("ns/user");
        command.arg(format!("--user={user}")).args([format!("--setuid={uid}"), format!("--setgid={uid}")]);
        command.args(["--", "sh", "-c", script]).current_dir(home).env_clear().env("HOME", home);
        command
            .env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(std::process::Stdio::null());
        self.sandbox.host.output(&mut command)
    }

    fn by_alice(&self, script: &str) -> Outcome {
        self.shell(1000, "/home/alice", script)
    }

    fn by_root(&self, script: &str) -> Outcome {
        self.shell(0, "/", script)
    }

    fn run(&self, options: &str, script: &str) -> Outcome {
        self.by_alice(&format!("subroot run {options} rootfs -- sh -c '{script}'"))
    }

    /// The mapper's answer to a request for a process of alice.
    fn mapper(&self, words: &str) -> Outcome {
        self.by_alice(&format!(
            "unshare --user sleep 1000 & pid=$!
            until test $(readlink /proc/$pid/ns/user) != $(readlink /proc/self/ns/user); do sleep 0.02; done
            {MAPPER} $pid {words}; status=$?
            cat /proc/$pid/uid_map; kill $pid; exit $status"
        ))
    }
}

/// Shifts the owners of all private files of the test to the IDs of the pod.
fn shift(path: &Path) {
    let file = path.symlink_metadata().expect("a file of the test's");
    lchown(path, Some(file.uid() + FIRST), Some(file.gid() + FIRST)).expect("giving a file away");
    if !file.is_symlink() {
        // Changing the owner clears the setuid bit.
        fs::set_permissions(path, Permissions::from_mode(file.mode() & 0o7777)).expect("changing a mode");
    }
    if file.is_dir() {
        for entry in fs::read_dir(path).expect("reading a directory") {
            shift(&entry.expect("reading a directory").path());
        }
    }
}

#[test]
fn a_grant_that_does_not_exist_leaves_the_own_id_and_every_command_says_why() {
    let pod = Pod::new(SHORT, "alice:100000:65536\n");
    let outcome = pod.run("", MAPS);
    let why = "/etc/subuid:1 grants [100000-165536), and of these IDs this user namespace has none";
    assert_warned(
        &outcome,
        &["only your own ID is mapped", why, "usermod --add-subuids 1003-3003 --add-subgids 1003-3003 alice"],
    );
    assert_eq!(map_lines(&outcome.stdout), ["0 1000 1", "0 1000 1"]);
    let idmap = pod.by_alice("subroot idmap").ok();
    assert!(idmap.contains("grants nothing: none of its IDs exists in this user namespace"), "{idmap}");
    assert!(idmap.contains(&format!("why not better: {why}")), "{idmap}");
    let doctor = pod.by_alice("subroot doctor");
    assert!(doctor.stdout.contains("0 IDs granted") && doctor.stdout.contains(why), "{doctor:?}");
    let lint = pod.by_alice("subroot grants lint");
    let finding = "/etc/subuid:1: not-here: alice: none of [100000-165536) exists in this user namespace";
    assert!(lint.code() == 1 && lint.stdout.contains(finding), "{lint:?}");
    for options in ["--userns full", "--userns auto:size=2001", "--uidmap 0:0:2", "--uidmap 0:@100000:5"] {
        assert_refused(&pod.run(options, "touch /mark"), 125, &[]);
    }
    assert!(!pod.sandbox.has_mark());
}

#[test]
fn what_is_suggested_exists_and_is_enough() {
    let pod = Pod::new(SHORT, "alice:100000:65536\n");
    let suggested = pod.by_root("subroot grants suggest alice").ok();
    let lines: Vec<&str> = suggested.lines().collect();
    let said = "[1003-3004) is free in this user namespace, which has none of the IDs from 100000 to 600100000; as root:";
    assert_eq!(lines[0], said);
    pod.by_root(lines[1]).ok();
    let outcome = pod.run("", MAPS);
    assert_eq!(outcome.stderr, "");
    assert_eq!(map_lines(&outcome.stdout), ["0 1000 1", "1 1003 2000", "65534 3003 1"].repeat(2));
    let refused = pod.by_root("subroot grants suggest alice --count 65536");
    assert!(refused.code() == 125 && refused.stderr.contains("62530 are the most"), "{refused:?}");
}

#[test]
fn a_grant_that_exists_in_part_is_cut_to_that() {
    let pod = Pod::new("0 100000 62000\n", "alice:58000:1000\nalice:60000:5000\n");
    let outcome = pod.run("", MAPS);
    assert_eq!(outcome.stderr, "");
    assert_eq!(
        map_lines(&outcome.stdout),
        ["0 1000 1", "1 58000 1000", "1001 60000 1999", "65534 61999 1"].repeat(2)
    );
    let idmap = pod.by_alice("subroot idmap").ok();
    assert!(idmap.contains("granted, and this user namespace has [60000-62000) of it"), "{idmap}");
    let lint = pod.by_alice("subroot grants lint");
    assert!(
        lint.stdout.contains("of [60000-65000), only [60000-62000) exists in this user namespace"),
        "{lint:?}"
    );
}

/// A map with gaps separates ranges that are one range in a grant.
#[test]
fn holes_in_the_namespace_are_left_out_and_the_mapper_is_of_one_mind() {
    let pod = Pod::new("0 100000 1500\n2000 102000 1000\n3000 110000 500\n", "alice:1400:3000\n");
    let outcome = pod.run("", MAPS);
    let map = ["0 1000 1", "1 1400 100", "101 2000 1000", "1101 3000 499", "65534 3499 1"];
    assert_eq!(outcome.stderr, "");
    assert_eq!(map_lines(&outcome.stdout), map.repeat(2));
    for (words, is_there) in [
        ("0:1400:100", true),
        ("0:1400:101", false),
        ("0:2000:1000", true),
        ("0:2500:1000", false),
        ("0:1600:5", false),
        ("0:3400:100", true),
        ("0:1000:1,1:3400:101", false),
    ] {
        let words = format!("--uid-map {words}");
        let mapper = pod.mapper(&words);
        assert_eq!(mapper.code(), i32::from(!is_there), "{words}: {mapper:?}");
        let explained = pod.by_alice(&format!("subroot idmap explain {words}"));
        assert_eq!(explained.code(), mapper.code(), "{words}: {explained:?}");
        let said = mapper.stderr.trim_end().strip_prefix("newidmap-helper: ").unwrap_or_default();
        assert_eq!(
            explained.stdout.contains(&format!("refused: {said}\n")),
            !is_there,
            "{words}: {mapper:?} {explained:?}"
        );
    }
    let instead = pod.by_alice("subroot idmap explain --uid-map 0:1400:3000");
    assert!(instead.stdout.contains("refused; granted would be 600:2000:1000"), "{instead:?}");
}
