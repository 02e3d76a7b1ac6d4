//! `subroot grants lint`: mapper.conf, and files that the mapper rejects.

use crate::grants::{assert_found, assert_refused, told};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use subroot_tests::Host;

#[test]
fn a_bad_setting_is_found_with_its_line() {
    let host = Host::new();
    host.configure_mapper("# settings\nlog = all\nlog = none\ncomputed-grants = 5-4:100:1\n");
    assert_found(
        &host,
        &[
            "/etc/subroot/mapper.conf:3: bad-setting: grants nothing: given twice",
            "/etc/subroot/mapper.conf:4: bad-setting: grants nothing: not FIRST-LAST:START:COUNT",
        ],
    );
}

#[test]
fn a_line_among_computed_ranges_or_their_accounts_is_found_unless_it_is_its_owners() {
    let host = Host::new();
    let rule = "computed-grants = 200000-200199:300000:100\n";
    host.configure_mapper(&format!("# site\n{rule}"));
    let lines =
        "alice:319999:65536\nalice:320000:65536\nbob:199000:1001\n200007:300700:100\n200007:300750:100\n";
    host.write("/etc/subuid", lines);
    host.write("/etc/subgid", "alice:400000:65536\nbob:500000:65536\n");
    assert_found(
        &host,
        &[
            "/etc/subuid:1: overlaps-computed: alice: [319999-385535) holds IDs that are computed for others by /etc/subroot/mapper.conf:2",
            "/etc/subuid:3: overlaps-computed: bob: [199000-200001) holds uids of accounts with computed grants by /etc/subroot/mapper.conf:2",
            "/etc/subuid:3: too-small: bob",
            "/etc/subuid:5: overlaps-computed: 200007: [300750-300850) holds IDs that are computed for others",
        ],
    );
}

#[test]
fn a_rule_over_a_live_account_is_found() {
    let host = Host::new();
    host.configure_mapper("computed-grants = 90000-90009:1002:100\n");
    assert_found(
        &host,
        &[
            "/etc/subroot/mapper.conf:1: live-account: the area of the computed uids holds the ID of carol (1002)",
            "/etc/subroot/mapper.conf:1: live-account: the area of the computed gids holds the ID of carol (1002)",
        ],
    );
}

#[test]
fn a_file_that_another_user_can_write_is_found() {
    let host = Host::new();
    fs::set_permissions("/etc/subgid", Permissions::from_mode(0o664)).expect("changing a mode");
    assert_found(&host, &["/etc/subgid: not-trusted: /etc/subgid is writable by group or others"]);
    chown("/etc/subgid", Some(1000), None).expect("giving a file away");
    assert_found(&host, &["/etc/subgid: not-trusted: /etc/subgid is not owned by root"]);
}

#[test]
fn lines_beside_a_plugin_are_found() {
    let host = Host::new();
    host.write("/etc/nsswitch.conf", "passwd: files\nsubid: sss\n");
    let missing = "/etc/nsswitch.conf: no-plugin: libsubid_sss.so, which /etc/nsswitch.conf asks for grants";
    assert_found(&host, &[missing]);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_not_an_empty_one() {
    let host = Host::new();
    fs::set_permissions("/etc/subgid", Permissions::from_mode(0o600)).expect("changing a mode");
    for words in ["lint", "owner 100000", "suggest carol"] {
        assert_refused(
            &told(&host, &format!("grants {words}")),
            "the grants: /etc/subgid cannot be read by you (mode 600)",
        );
    }
    host.remove("/etc/subgid");
    nix::unistd::mkfifo("/etc/subgid", nix::sys::stat::Mode::from_bits_truncate(0o644)).expect("a fifo");
    assert_refused(&told(&host, "grants lint"), "/etc/subgid: not a regular file");
}
