//! `subroot grants owner`: the owner of an ID or a file, and which ID it is inside.

use crate::grants::{assert_refused, host_with_lines, subroot, told};
use std::fs;
use std::os::unix::fs::chown;
use subroot_tests::{Host, Rootfs};

/// The report about an ID or a file.
fn owner(host: &Host, what: &str) -> Vec<String> {
    told(host, &format!("grants owner {what}")).ok().lines().map(str::to_owned).collect()
}

#[test]
fn a_subordinate_id_is_reported_with_user_file_line_and_the_id_inside() {
    let host = Host::new();
    assert_eq!(
        owner(&host, "165536"),
        [
            "uid 165536: bob's (uid 1001), by /etc/subuid:2 [165536-231072): ID 1 inside a default run",
            "gid 165536: bob's (uid 1001), by /etc/subgid:2 [165536-231072): ID 1 inside a default run",
        ]
    );
    assert!(owner(&host, "100999")[0].ends_with("ID 1000 inside a default run"));
}

#[test]
fn the_id_inside_counts_all_lines_before_in_the_order_of_the_file() {
    let host = host_with_lines(
        "alice:300000:100\nbob:400000:7\nalice:200000:50\nalice:200040:20\nalice:1002:2\nalice:7:1\n",
    );
    let inside = |id: u32| {
        let told = owner(&host, &id.to_string());
        let (_, inside) = told[0].split_once(": ID ").expect("an ID inside");
        inside.split(' ').next().and_then(|id| id.parse().ok())
    };
    // The last of all is nobody's.
    assert_eq!([300_099, 200_000, 200_059, 7].map(inside), [100, 101, 160, 65_534].map(Some));
}

#[test]
fn the_id_inside_is_the_one_of_a_real_run() {
    let host = host_with_lines("alice:20000:100\nalice:21000:900\n");
    let alice = host.user("alice");
    let rootfs = Rootfs::busybox(&alice);
    let mut command = subroot(&alice, "run");
    let script = "mkdir /made && chown 150:151 /made";
    host.output(command.arg(&rootfs.path).args(["sh", "-c", script])).ok();
    let told = owner(&host, &rootfs.path.join("made").display().to_string());
    assert!(
        told[0].starts_with("uid 21049: alice's") && told[0].ends_with("ID 150 inside a default run"),
        "{told:?}"
    );
    assert!(
        told[1].starts_with("gid 21050: alice's") && told[1].ends_with("ID 151 inside a default run"),
        "{told:?}"
    );
}

#[test]
fn a_file_is_reported_by_owner_and_group_and_a_link_by_itself() {
    let host = Host::new();
    let file = "/home/alice/1000";
    fs::write(file, "").expect("a file");
    chown(file, Some(1001), Some(1002)).expect("giving it away");
    assert_eq!(
        owner(&host, "./1000"),
        [
            "uid 1001: live: the ID of account bob",
            "gid 1002: live: the ID of account carol (as uid or primary group) and group carol",
        ]
    );
    std::os::unix::fs::symlink(file, "/home/alice/link").expect("a link");
    assert_eq!(owner(&host, "link")[0], "uid 0: live: the ID of account root");
    assert_refused(&told(&host, "grants owner ./1001"), "./1001: No such file or directory");
}

#[test]
fn an_id_that_no_user_has_is_reported_as_such() {
    let said = "nobody's: no account, group, line or computed grant has it";
    assert_eq!(owner(&Host::new(), "5000"), [format!("uid 5000: {said}"), format!("gid 5000: {said}")]);
}

#[test]
fn what_grants_nothing_is_reported_with_the_reason() {
    let host = host_with_lines("alice:1001:10\ndave:300000:10\n");
    assert_eq!(
        owner(&host, "1005")[0],
        "uid 1005: nobody's: /etc/subuid:1 [1001-1011) of alice (uid 1000) grants nothing: the range holds the ID of bob (1001), \
        and /etc/subroot/mapper.conf does not say allow-live-ids = yes"
    );
    assert_eq!(
        owner(&host, "300005")[0],
        "uid 300005: nobody's: /etc/subuid:2 [300000-300010) of dave grants nothing: no account has this name"
    );
    host.write("/etc/nsswitch.conf", "subid: sss\n");
    assert!(owner(&host, "1005")[0].ends_with("grants nothing: a plugin keeps the grants"));
}

#[test]
fn a_computed_grant_is_reported_with_its_rule() {
    let host = Host::new();
    host.configure_mapper(
        "# site\ncomputed-grants = 1000-1009:300000:100\ncomputed-grants = 5000-5009:400000:10\n",
    );
    // The mapper reads computed grants before the lines.
    let by = "by /etc/subroot/mapper.conf:2 [300100-300200): ID 51 inside a default run";
    assert_eq!(
        owner(&host, "300150"),
        ["uid", "gid"].map(|kind| format!("{kind} 300150: bob's (uid 1001), {by}"))
    );
    assert!(owner(&host, "165536")[0].ends_with("ID 101 inside a default run"));
    assert!(
        owner(&host, "400019")[0].starts_with("uid 400019: 5001's (uid 5001), by /etc/subroot/mapper.conf:3")
    );
    assert!(owner(&host, "301000")[0].contains("nobody's: no account"));
}

#[test]
fn every_user_who_has_an_id_is_reported() {
    let lines: String = (0..9).map(|at| format!("{}:300000:{}\n", 5000 + at, at + 1)).collect();
    let host = host_with_lines(&format!("alice:300000:10\nbob:299999:3\n{lines}"));
    let told = owner(&host, "300001");
    assert!(
        told[0].starts_with("uid 300001: alice's") && told[1].starts_with("uid 300001: bob's"),
        "{told:?}"
    );
    assert_eq!((told[4].as_str(), told.len()), ("uid 300001: 6 lines more", 10), "{told:?}");
}

#[test]
fn words_that_are_no_id_are_refused() {
    let host = Host::new();
    assert_refused(&told(&host, "grants owner 4294967295"), "ID: 4294967295: the kernel has no such ID");
    assert_refused(&told(&host, "grants owner 4294967296"), "ID: 4294967296: a number does not fit 32 bits");
    assert_refused(
        &told(&host, "grants owner 007"),
        "ID: 007: a number has a leading zero; a file of this name is ./007",
    );
}

#[test]
fn json_has_the_same_by_stable_keys() {
    let text = told(&host_with_lines("alice:100000:10\n"), "grants owner --json 100001").ok();
    let holder = |file: &str| {
        format!(
            r#"{{"count":10,"file":"{file}","inside":2,"line":1,"reason":null,"start":100000,"uid":1000,"user":"alice"}}"#
        )
    };
    let of = |kind: &str, file: &str| {
        format!(r#"{{"holders":[{}],"id":100001,"kind":"{kind}","live":[],"more":0}}"#, holder(file))
    };
    assert_eq!(text, format!("[{},{}]\n", of("uid", "/etc/subuid"), of("gid", "/etc/subgid")));
}
