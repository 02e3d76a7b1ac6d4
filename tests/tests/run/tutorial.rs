//! The ten steps of the tutorial, which a new user would do by hand: each of its observations, in one launch.

use crate::running::{Running, pid_1, program_of, unique_word};
use std::collections::BTreeMap;
use std::fs::read_link;
use std::io::Write;
use std::process::Stdio;
use subroot_tests::sandbox::{FULL_MAP, Sandbox, map_lines};
use subroot_tests::status_line;

const NAMESPACES: [&str; 6] = ["user", "mnt", "pid", "ipc", "uts", "cgroup"];

const LOOK_AROUND: &str = "
    part() { echo \"== $1\"; }
    echo ready
    part whoami; whoami
    part id; id -u; id -g
    part ps; ps -o pid,comm
    part uid_map; cat /proc/self/uid_map
    part gid_map; cat /proc/self/gid_map
    part mountinfo; cat /proc/self/mountinfo
    part root; ls /
    part first; tr '\\0' ' ' </proc/1/cmdline; echo
    part namespaces; for name in /proc/self/ns/*; do readlink $name; done
    part end
    read wait";

#[test]
fn the_tutorial_is_one_command() {
    let sandbox = Sandbox::new();
    let word = unique_word();
    let mut command = sandbox.run(&["--as-pid-1"], &["sh", "-c", LOOK_AROUND, &word]);
    let mut running = Running::new(command.stdin(Stdio::piped()));
    let parts = parts(&mut running);

    assert_eq!(parts["whoami"], "root\n");
    assert_eq!(parts["id"], "0\n0\n");
    assert_eq!(map_lines(&parts["uid_map"]), FULL_MAP);
    assert_eq!(map_lines(&parts["gid_map"]), FULL_MAP);
    assert_shows_only_the_inside(&parts["ps"]);
    assert!(parts["first"].starts_with("sh -c ") && parts["first"].ends_with(&format!("{word} \n")));
    assert_eq!(parts["root"], "bin\ndev\netc\nhome\nproc\nroot\nrun\nsys\ntmp\nusr\nvar\n");
    assert_old_root_is_gone(&parts["mountinfo"]);
    assert_namespaces_are_new(&parts["namespaces"]);
    assert_seen_from_outside_as_the_user(&word);

    running.input().write_all(b"\n").expect("telling the command to go on");
    assert_eq!((running.end().code(), sandbox.host.output(&mut sandbox.run(&[], &["true"])).code()), (0, 0));
}

fn parts(running: &mut Running) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::<String, String>::new();
    let mut name = String::new();
    loop {
        let line = running.line();
        match line.strip_prefix("== ") {
            Some("end") => return parts,
            Some(next) => next.clone_into(&mut name),
            None => *parts.entry(name.clone()).or_default() += &format!("{line}\n"),
        }
    }
}

fn assert_shows_only_the_inside(ps: &str) {
    let lines: Vec<Vec<&str>> = ps.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["1", "sh"], "{ps}");
    assert_eq!((lines.len(), lines[1][1]), (2, "ps"), "{ps}");
}

/// One root, with only what a new root has: the old one would show its own mount points.
pub(crate) fn assert_old_root_is_gone(mountinfo: &str) {
    let places: Vec<&str> = mountinfo.lines().filter_map(|line| line.split(' ').nth(4)).collect();
    assert_eq!(places.iter().filter(|place| **place == "/").count(), 1, "{mountinfo}");
    for place in places {
        let top = place.split('/').nth(1).unwrap_or_default();
        let is_of_names = ["/etc/hosts", "/etc/resolv.conf"].contains(&place);
        assert!(is_of_names || ["", "proc", "dev", "sys"].contains(&top), "{place} in\n{mountinfo}");
    }
    assert!(
        mountinfo.lines().any(|line| line.contains(" /proc ") && line.contains(" - proc ")),
        "{mountinfo}"
    );
}

fn assert_namespaces_are_new(inside: &str) {
    for name in NAMESPACES {
        let outside = read_link(format!("/proc/self/ns/{name}")).expect("own namespace");
        let outside = outside.to_str().expect("UTF-8");
        assert!(inside.contains(&format!("{name}:[")) && !inside.contains(outside), "{name}: {inside}");
    }
    let network = read_link("/proc/self/ns/net").expect("own namespace");
    assert!(inside.contains(network.to_str().expect("UTF-8")), "{inside}");
}

fn assert_seen_from_outside_as_the_user(word: &str) {
    let command = pid_1(word);
    assert_eq!(program_of(command), "sh");
    for (name, id) in [("Uid", "1000"), ("Gid", "1000")] {
        let ids = status_line(command, name).expect("the command runs");
        assert!(ids.split_whitespace().all(|outside| outside == id), "{name}: {ids}");
    }
}
