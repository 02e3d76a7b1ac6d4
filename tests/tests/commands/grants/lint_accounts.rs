//! `subroot grants lint`: ranges over the IDs of accounts, and lines for accounts that do not exist.

use crate::grants::{assert_found, host_with_lines, told};
use subroot_tests::Host;

/// A host with this line in /etc/subuid after alice's and bob's.
fn host_with_line(line: &str) -> Host {
    let host = Host::new();
    host.write("/etc/subuid", format!("alice:100000:65536\nbob:165536:65536\n{line}\n"));
    host
}

#[test]
fn a_range_over_a_live_account_is_found_and_one_id_alone_is_not() {
    assert_found(
        &host_with_line("bob:1001:2"),
        &[
            "/etc/subuid:3: live-account: bob: [1001-1003) holds the ID of bob (1001) and 1 more, and so grants nothing",
        ],
    );
    assert_found(&host_with_line("bob:1003:2"), &[]);
    assert_found(&host_with_line("bob:1002:1\nbob:44:1"), &[]);
}

#[test]
fn allowed_live_ids_are_reported_as_such() {
    let host = host_with_line("bob:1002:2");
    host.configure_mapper("allow-live-ids = yes\n");
    assert_found(
        &host,
        &[
            "/etc/subuid:3: live-account: bob: [1002-1004) holds the ID of carol (1002), whose files are its owner's then",
        ],
    );
}

#[test]
fn a_group_counts_for_group_ids_and_as_what_the_mapper_does_not_see() {
    let host = host_with_lines("alice:100000:65536\n");
    host.write("/etc/group", "shared:x:100100:\n");
    let expected = "/etc/subgid:1: live-group: alice: [100000-165536) holds the ID of group shared (100100), whose files";
    assert_found(&host, &[expected]);
}

#[test]
fn system_ids_and_the_overflow_id_are_found() {
    assert_found(
        &host_with_line("bob:500:100"),
        &["/etc/subuid:3: system-ids: bob: [500-600) holds system IDs"],
    );
    let host = host_with_line("bob:65530:100");
    host.write("/etc/passwd", "alice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n");
    assert_found(&host, &["/etc/subuid:3: overflow-id: bob: [65530-65630) holds 65534"]);
}

#[test]
fn a_name_without_an_account_is_found_and_a_uid_without_one_is_not() {
    let host = host_with_lines("alice:100000:65536\ndave:165536:65536\n4711:300000:65536\n");
    assert_found(
        &host,
        &["/etc/subuid:2: no-account: dave: no account", "/etc/subgid:2: no-account: dave: no account"],
    );
}

#[test]
fn a_deleted_users_range_that_is_given_again_is_found() {
    for (gone, kind) in [("dave", "no-account"), ("4711", "given-again")] {
        let host = host_with_line(&format!("{gone}:165600:100"));
        let found = crate::grants::findings(&host);
        let given = format!(
            "/etc/subuid:3: given-again: {gone}: this account does not exist, and /etc/subuid:2 gives bob IDs of [165600-165700)"
        );
        assert!(found[0].contains(kind) && found.last() == Some(&given), "{found:#?}");
        let text = told(&host, "grants lint").stdout;
        let fix = "fix: as root: unless the account is still to come, or files have its IDs (find / -xdev -uid +165599 -uid -165700): cp /etc";
        assert!(text.contains(fix), "{text}");
    }
}

#[test]
fn a_deleted_user_is_found_whichever_line_begins_first() {
    assert_found(
        &host_with_line("4711:165000:600"),
        &[
            "/etc/subuid:3: given-again: 4711: this account does not exist, and /etc/subuid:1 gives alice",
            "/etc/subuid:3: given-again: 4711: this account does not exist, and /etc/subuid:2 gives bob",
        ],
    );
}
