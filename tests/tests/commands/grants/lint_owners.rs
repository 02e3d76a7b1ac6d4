//! `subroot grants lint`: users with lines in only one file, or with too few IDs.

use crate::grants::{assert_found, host_with_lines, told};
use subroot_tests::Host;

#[test]
fn a_user_with_a_line_in_one_file_alone_is_found() {
    let host = host_with_lines("alice:100000:65536\n");
    host.write("/etc/subuid", "alice:100000:65536\nbob:165536:65536\n");
    assert_found(&host, &["/etc/subuid:2: one-file: bob: /etc/subgid has no line for this user"]);
    host.write("/etc/subuid", "# nobody\n");
    assert_found(&host, &["/etc/subgid:1: one-file: alice: /etc/subuid has no line for this user"]);
    host.remove("/etc/subuid");
    assert_found(&host, &["/etc/subgid:1: one-file: alice: /etc/subuid has no line for this user"]);
}

#[test]
fn fewer_ids_than_a_debian_root_takes_are_found_by_all_lines_of_a_user() {
    let few =
        |number| format!("/etc/sub{number}: too-small: alice: 2000 IDs in all, and a Debian root takes 2001");
    let expected = ["uid:1", "gid:1"].map(few);
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert_found(&host_with_lines("alice:100000:2000\n"), &expected);
    // IDs in two lines count once.
    assert_found(&host_with_lines("alice:101000:1000\nalice:100000:1500\n"), &expected);
    assert_found(&host_with_lines("alice:100000:1000\n1000:200000:1001\n"), &[]);
}

#[test]
fn computed_grants_make_up_for_lines_that_are_not_there() {
    let host = host_with_lines("alice:100000:65536\n");
    host.write("/etc/subuid", "alice:100000:10\n");
    host.write("/etc/subgid", "# nobody\n");
    assert_found(&host, &["/etc/subuid:1: one-file", "/etc/subuid:1: too-small"]);
    host.configure_mapper("computed-grants = 1000-1009:200000:2001\n");
    assert_found(&host, &[]);
}

#[test]
fn who_has_enough_is_not_told_to_add_an_id_for_nobody() {
    for count in [2001, 65_533, 65_536] {
        let outcome = told(&host_with_lines(&format!("alice:100000:{count}\n")), "grants lint");
        assert!(!outcome.ok().contains("note: "), "{count}");
    }
}

#[test]
fn a_file_that_is_not_there_grants_nothing_and_is_no_finding() {
    let host = Host::new();
    host.remove("/etc/subuid");
    host.remove("/etc/subgid");
    assert_found(&host, &[]);
}
