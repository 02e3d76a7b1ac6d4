//! `subroot grants lint`: invalid lines, lines that share IDs, and the IDs that are free.

use crate::grants::{assert_found, host_with_lines, told};
use subroot_tests::{Host, Kind, own_namespace_has, skip};

#[test]
fn sound_files_have_no_findings() {
    let host = Host::new();
    assert_found(&host, &[]);
    let text = told(&host, "grants lint").ok();
    assert!(text.starts_with("findings: 0, in 4 well-formed lines of 2 users\n"), "{text}");
}

#[test]
fn every_reason_for_a_bad_line_is_reported_with_its_location() {
    if !own_namespace_has(Kind::Uid, 0, u32::MAX) {
        skip!("needs a user namespace that has the IDs which the files grant");
    }
    let host = Host::new();
    let long = format!("{}:200000:5", "x".repeat(1020));
    let lines = [
        "alice:100000:65536",
        &long,
        "alice:300000:5\r",
        "alice:300000",
        "+alice:300000:5",
        "alice::5",
        "alice:0x10:5",
        "alice:0300000:5",
        "alice:99999999999:5",
        "alice:300000:0",
        "alice:4294967290:5",
        "alice:4294967290:6",
        "alice:0:5",
    ];
    host.write("/etc/subuid", lines.join("\n") + "\n");
    host.write("/etc/subgid", "alice:100000:65536\nalice:4294967290:5\n");
    let reasons = [
        "the line is longer than 1023 bytes",
        "the line has a control character at its end (a carriage return)",
        "the line has not exactly three fields (owner:start:count), but 2",
        "the owner is not an account",
        "a number is missing",
        "a number is not plain decimal",
        "a number has a leading zero",
        "a number does not fit 32 bits",
        "a count is zero",
        "a range reaches 4294967295",
        "the range holds ID 0",
    ];
    let numbers = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13];
    let found = crate::grants::findings(&host);
    assert_eq!(found.len(), reasons.len(), "{found:#?}");
    for ((number, reason), found) in numbers.iter().zip(reasons).zip(&found) {
        let place = format!("/etc/subuid:{number}: bad-line: ");
        assert!(
            found.starts_with(&place) && found.ends_with(&format!("grants nothing: {reason}")),
            "{found}"
        );
    }
}

#[test]
fn lines_of_two_users_that_share_ids_are_found_once_a_file() {
    assert_found(
        &host_with_lines("alice:100000:65536\nbob:165535:65536\n"),
        &[
            "/etc/subuid:2: overlap: bob: [165535-231071) shares 1 ID with /etc/subuid:1 of alice",
            "/etc/subgid:2: overlap: bob: [165535-231071) shares 1 ID with /etc/subgid:1 of alice",
        ],
    );
    assert_found(&host_with_lines("alice:100000:65536\nbob:165536:65536\n"), &[]);
}

fn fixes(host: &Host) -> Vec<String> {
    let text = told(host, "grants lint").stdout;
    text.lines().filter_map(|line| line.strip_prefix("    fix: as root: ")).map(str::to_owned).collect()
}

/// Runs these fixes, after which nothing is found.
fn assert_correct(host: &Host, fixes: &[String]) {
    let outcome = host.output(&mut host.user("root").shell(&fixes.join("\n")));
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{fixes:#?}");
    assert_found(host, &[]);
}

#[test]
fn users_for_whom_the_limits_have_no_room_get_ranges_above_them() {
    if !own_namespace_has(Kind::Uid, 0, 1_100_000_000) {
        skip!("needs a user namespace that has the IDs which the files grant");
    }
    let host = host_with_lines("alice:100000:65536\nbob:100000:65536\ncarol:100000:65536\n");
    host.write("/etc/login.defs", "SUB_UID_MAX 231071\n");
    assert_correct(&host, &fixes(&host));
}

#[test]
fn all_fixes_can_be_run_one_after_the_other() {
    let host = Host::new();
    let lines =
        "alice:0x1:5\nbob:100010:3000\nalice:100000:65536\nbob:x\ncarol:100000:65536\nghost:\nbob:0:5\n";
    host.write("/etc/subuid", lines);
    host.write("/etc/subgid", format!("eve:1\n{lines}alice:700000:1"));
    let fixes = fixes(&host);
    assert!(fixes.len() > 8, "{fixes:#?}");
    for fixes in [fixes.clone(), fixes.into_iter().rev().collect()] {
        host.write("/etc/subuid", lines);
        host.write("/etc/subgid", format!("eve:1\n{lines}alice:700000:1"));
        assert_correct(&host, &fixes);
        let subuid = std::fs::read_to_string("/etc/subuid").expect("the grants");
        assert!(subuid.contains("alice:100000:65536\n"), "{subuid}");
    }
}

#[test]
fn a_line_below_a_long_one_of_its_own_user_is_still_found() {
    let host = Host::new();
    host.write("/etc/subuid", "alice:100000:65536\nbob:100010:3000\nalice:100100:10\nalice:100200:10\n");
    host.write("/etc/subgid", "alice:100000:65536\nbob:165536:65536\n");
    assert_found(
        &host,
        &[
            "/etc/subuid:2: overlap: bob: [100010-103010) shares 3000 IDs with /etc/subuid:1 of alice",
            "/etc/subuid:3: overlap: alice: [100100-100110) shares 10 IDs with /etc/subuid:2 of bob",
            "/etc/subuid:4: overlap: alice: [100200-100210) shares 10 IDs with /etc/subuid:2 of bob",
        ],
    );
}

#[test]
fn a_live_id_alone_may_be_passed_through_to_several_users() {
    let host = Host::new();
    host.write("/etc/group", "render:x:5000:\n");
    let ranges = "alice:100000:65536\nbob:165536:65536\n";
    host.write("/etc/subgid", format!("{ranges}alice:5000:1\nbob:5000:1\n"));
    assert_found(&host, &[]);
    host.write("/etc/subgid", format!("{ranges}alice:5001:1\nbob:5001:1\n"));
    assert_found(
        &host,
        &["/etc/subgid:4: overlap: bob: [5001-5002) shares 1 ID with /etc/subgid:3 of alice"],
    );
}

#[test]
fn lines_of_one_user_may_share_ids_by_whatever_name() {
    let host = host_with_lines("alice:100000:65536\n1000:100000:65537\nally:100000:65538\n");
    let accounts = std::fs::read_to_string("/etc/passwd").expect("the world's accounts");
    host.write("/etc/passwd", format!("{accounts}ally:x:1000:1000::/:/bin/sh\n"));
    assert_found(&host, &[]);
}

#[test]
fn the_same_line_again_and_a_line_for_the_own_id_are_found() {
    let host = Host::new();
    host.write("/etc/subuid", "alice:100000:65536\nalice:1000:1\n1000:100000:65536\nbob:1000:1\n");
    host.write("/etc/subgid", "alice:100000:65536\nalice:1000:1\nalice:1001:1\nbob:165536:65536\n");
    let found = crate::grants::findings(&host);
    let expected = [
        "/etc/subuid:2: own-id: alice: holds the user's own ID 1000, which",
        "/etc/subuid:3: duplicate: alice: grants the same as /etc/subuid:1: podman and rootlesskit",
        "/etc/subgid:2: own-id: alice: holds the user's own ID 1000, which",
    ];
    for expected in expected {
        assert!(found.iter().any(|found| found.starts_with(expected)), "{expected}: {found:#?}");
    }
    assert!(!found.iter().any(|found| found.starts_with("/etc/subgid:3: own-id")), "{found:#?}");
}

#[test]
fn limits_that_leave_no_room_are_found_with_the_command_that_raises_them() {
    if !own_namespace_has(Kind::Uid, 0, 1_100_000_000) {
        skip!("needs a user namespace that has the IDs which the files grant");
    }
    let host = host_with_lines("alice:100000:65536\nbob:165536:65536\n");
    host.write("/etc/login.defs", "SUB_UID_MAX 231071");
    assert_found(
        &host,
        &["/etc/login.defs: no-room: no 65536 IDs in a row are left from 100000 to 231071 (SUB_UID_MAX)"],
    );
    let text = told(&host, "grants lint").stdout;
    let fix = text.lines().find_map(|line| line.split_once("fix: as root: ")).expect("a fix").1.to_owned();
    assert_eq!(host.output(&mut host.user("root").shell(&fix)).code(), 0, "{fix}");
    assert_found(&host, &[]);
}

#[test]
fn ids_that_systemd_takes_for_itself_are_found() {
    let host =
        host_with_lines("alice:100000:65536\nbob:165536:65536\nbob:61000:200\nbob:65520:10\nbob:61183:1\n");
    let holds =
        "bob: [61000-61200) holds IDs from 61184 to 65519, which systemd gives to services with DynamicUser=";
    assert_found(
        &host,
        &[&format!("/etc/subuid:3: systemd-ids: {holds}"), &format!("/etc/subgid:3: systemd-ids: {holds}")],
    );
}

#[test]
fn more_ranges_than_a_map_takes_are_found() {
    let many: String = (0..341).map(|at| format!("alice:{}:100\n", 300_000 + 200 * at)).collect();
    let joined: String = (0..341).map(|at| format!("bob:{}:100\n", 400_000 + 100 * at)).collect();
    let found = crate::grants::findings(&host_with_lines(&(many + &joined)));
    let expected =
        |file| format!("{file}:1: too-many-ranges: alice: 341 ranges in all, and the kernel takes 340");
    for file in ["/etc/subuid", "/etc/subgid"] {
        assert!(found.iter().any(|found| found.starts_with(&expected(file))), "{found:#?}");
    }
    assert_eq!(found.len(), 2, "{found:#?}");
}

#[test]
fn lines_past_the_4096th_are_found() {
    let many: String = (0..4098).map(|at| format!("alice:{}:20\n", 300_000 + 20 * at)).collect();
    let found = crate::grants::findings(&host_with_lines(&many));
    let expected =
        "/etc/subuid:4097: too-many-lines: alice: grants nothing, as 4096 lines of this user come before it";
    assert!(found.iter().any(|found| found == expected), "{found:#?}");
}

#[test]
fn free_ids_are_those_of_login_defs_that_no_user_has() {
    if !own_namespace_has(Kind::Uid, 0, 1_100_000_000) {
        skip!("needs a user namespace that has the IDs which the files grant");
    }
    let host = host_with_lines("alice:100000:65536\n");
    let room = |limits: &str| {
        host.write("/etc/login.defs", limits);
        let text = told(&host, "grants lint").stdout;
        text.lines().last().expect("a summary").to_owned()
    };
    let told = |large: u32, small: u32, from: u32, to: u32| {
        let grants = if large == 1 { "grant" } else { "grants" };
        format!(
            "room for {large} further {grants} of 65536 IDs or {small} of 2001, the same in both files, from {from} to {to}"
        )
    };
    // 600,100,001 - 165,536 IDs with shadow's defaults; 65,536 and one less up to 231,071 and 231,070.
    assert_eq!(room("# SUB_UID_MIN 5\n"), told(9154, 299_817, 100_000, 600_100_000));
    assert_eq!(room("SUB_UID_MAX 231071\n"), told(1, 32, 100_000, 231_071));
    assert_eq!(room("SUB_UID_MAX\t231070\nSUB_UID_MIN 100001\n"), told(0, 32, 100_001, 231_070));
    assert_eq!(room("SUB_GID_MAX 231070\n"), told(0, 32, 100_000, 231_070));
    assert_eq!(room("SUB_UID_MIN 300000\nSUB_UID_MAX 200000\n"), told(0, 0, 300_000, 200_000));
    // A gap of 64 IDs of which a group uses one.
    host.write("/etc/group", "middle:x:170000:\n");
    assert_eq!(room("SUB_UID_MAX 231071\n"), told(0, 2 + 30, 100_000, 231_071));
}

#[test]
fn json_has_the_same_by_stable_keys() {
    let host = host_with_lines("alice:100000:65536\nbob:165535:65536\nalice:x\n");
    host.write("/etc/subgid", "alice:100000:65536\nbob:165536:65536\n");
    host.write("/etc/login.defs", "SUB_UID_MAX 300000\n");
    let outcome = told(&host, "grants lint --json");
    let expected = concat!(
        r#"{"findings":[{"kind":"overlap","file":"/etc/subuid","line":2,"owner":"bob","#,
        r#""why":"[165535-231071) shares 1 ID with /etc/subuid:1 of alice","#,
        r#""fix":"cp /etc/subuid /etc/subuid- && LC_ALL=C sed '2{/:165535:65536$/s/.*//;}' /etc/subuid- >/etc/subuid "#,
        r#"&& usermod --add-subuids 231072-296607 bob"},"#,
        r#"{"kind":"bad-line","file":"/etc/subuid","line":3,"owner":"alice","#,
        r#""why":"grants nothing: the line has not exactly three fields (owner:start:count), but 2","#,
        r#""fix":"cp /etc/subuid /etc/subuid- && LC_ALL=C sed '3{/^alice:x/s/.*//;}' /etc/subuid- >/etc/subuid"}],"#,
        r#""notes":[],"lines":4,"users":2,"capacity":{"first":100000,"last":300000,"#,
        r#""grants":[{"count":65536,"fit":1},{"count":2001,"fit":34}]}}"#,
        "\n"
    );
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, expected));
}
