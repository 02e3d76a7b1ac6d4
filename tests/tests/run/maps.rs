//! Which IDs are mapped to which in the sandbox.

use subroot_tests::sandbox::{Sandbox, assert_warned, map_lines};

/// The result of this /etc/subuid and /etc/subgid: the uid map, the gid map, and setgroups.
fn mapped(subuid: &str, subgid: &str) -> (Vec<String>, Vec<String>, String) {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/subuid", subuid);
    sandbox.host.write("/etc/subgid", subgid);
    let script = "cat /proc/self/uid_map; echo; cat /proc/self/gid_map; echo; cat /proc/self/setgroups";
    let text = sandbox.output(&[], script).ok();
    let parts: Vec<&str> = text.split("\n\n").collect();
    (map_lines(parts[0]), map_lines(parts[1]), parts[2].trim().to_owned())
}

fn expected(uid_map: &[&str], gid_map: &[&str], setgroups: &str) -> (Vec<String>, Vec<String>, String) {
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    (owned(uid_map), owned(gid_map), setgroups.to_owned())
}

#[test]
fn several_ranges_are_all_mapped_one_behind_the_other() {
    let several = "alice:100000:1000\nbob:150000:10\nalice:200000:500\nalice:120000:7\n";
    let map = ["0 1000 1", "1 100000 1000", "1001 200000 500", "1501 120000 6", "65534 120006 1"];
    assert_eq!(mapped(several, several), expected(&map, &map, "allow"));
}

#[test]
fn ranges_that_overlap_are_mapped_once() {
    let overlapping = "alice:100000:1000\nalice:100500:1000\nalice:100000:1000\n";
    let map = ["0 1000 1", "1 100000 1499", "65534 101499 1"];
    assert_eq!(mapped(overlapping, overlapping), expected(&map, &map, "allow"));
}

#[test]
fn an_owner_may_be_a_number() {
    let map = ["0 1000 1", "1 100000 65536"];
    assert_eq!(mapped("1000:100000:65536\n", "1000:100000:65536\n"), expected(&map, &map, "allow"));
}

#[test]
fn users_and_groups_may_be_granted_differently() {
    let (uids, gids) =
        (["0 1000 1", "1 100000 9", "65534 100009 1"], ["0 1000 1", "1 200000 19", "65534 200019 1"]);
    let expected = expected(&uids, &gids, "allow");
    assert_eq!(mapped("alice:100000:10\n", "alice:200000:20\n"), expected);
}

#[test]
fn users_without_groups_are_mapped_and_setgroups_is_denied() {
    let expected = expected(&["0 1000 1", "1 100000 65536"], &["0 1000 1"], "deny");
    assert_eq!(mapped("alice:100000:65536\n", "bob:100000:65536\n"), expected);
}

#[test]
fn malformed_lines_take_nothing_from_the_good_ones() {
    let mixed = "alice:100000:1000\nalice:5\n\n#alice:300000:5\nalice:-1:5\nalice:200000:500\n";
    let map = ["0 1000 1", "1 100000 1000", "1001 200000 499", "65534 200499 1"];
    assert_eq!(mapped(mixed, mixed), expected(&map, &map, "allow"));
}

#[test]
fn files_made_inside_belong_to_the_ids_behind() {
    use std::os::unix::fs::MetadataExt;
    let sandbox = Sandbox::new();
    sandbox
        .output(&[], "for id in 0 1 42 65536; do touch /tmp/$id && chown $id:$id /tmp/$id || exit; done")
        .ok();
    for (inside, outside) in [("0", 1000), ("1", 100_000), ("42", 100_041), ("65536", 165_535)] {
        let file =
            std::fs::metadata(sandbox.rootfs.path.join("tmp").join(inside)).expect("a file made inside");
        assert_eq!((file.uid(), file.gid()), (outside, outside), "{inside}");
    }
    assert_ne!(sandbox.output(&[], "touch /tmp/x && chown 65537 /tmp/x").code(), 0);
}

#[test]
fn other_groups_can_be_taken_on_with_a_full_map_only() {
    let sandbox = Sandbox::new();
    sandbox.add("etc/passwd", "root:x:0:0::/:/bin/sh\nother:x:7:7::/:/bin/sh\n", 0o644);
    sandbox.add("etc/group", "root:x:0:\nother:x:7:\nmore:x:8:other\n", 0o644);
    let script = "cat /proc/self/setgroups; su other -c 'id -u; id -G'";
    assert_eq!(sandbox.output(&[], script).ok(), "allow\n7\n7 8\n");
    sandbox.host.remove("/etc/subuid");
    let own_id = sandbox.output(&[], "cat /proc/self/setgroups; chgrp 1 /tmp 2>/dev/null || echo refused");
    assert_warned(&own_id, &["only your own ID"]);
    assert_eq!(own_id.stdout, "deny\nrefused\n");
}

#[test]
fn the_callers_groups_are_not_kept_where_they_could_be_dropped() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.output(&[], "id -G; grep Groups /proc/self/status").ok(), "0\nGroups:\t \n");
}
