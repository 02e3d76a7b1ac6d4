//! `subroot grants suggest`: prints the command that gives a user a free range, and the command works.

use crate::grants::{assert_found, assert_refused, host_with_lines, told};
use subroot_tests::Host;

fn suggested(host: &Host, words: &str) -> Vec<String> {
    told(host, &format!("grants suggest {words}")).ok().lines().map(str::to_owned).collect()
}

#[test]
fn the_lowest_range_that_is_free_in_both_files_is_suggested() {
    let host = Host::new();
    host.write("/etc/subgid", "alice:100000:65536\nbob:232000:65536\n");
    let command = "usermod --add-subuids 297536-363071 --add-subgids 297536-363071 carol";
    assert_eq!(suggested(&host, "carol"), ["[297536-363072) is free; as root:", command]);
    assert_eq!(suggested(&host, "1002"), suggested(&host, "carol"));
    let command = "usermod --add-subuids 231072-231999 --add-subgids 231072-231999 carol";
    assert_eq!(suggested(&host, "carol --count 928")[1], command);
}

#[test]
fn what_is_suggested_is_what_usermod_takes_and_is_enough() {
    let host = Host::new();
    let command = suggested(&host, "carol").remove(1);
    host.output(&mut host.user("root").shell(&command)).ok();
    assert_found(&host, &[]);
    let said = "carol has 65536 user IDs and 65536 group IDs already: nothing to add";
    assert_eq!(suggested(&host, "carol"), [said]);
    assert!(told(&host, "grants owner 231072").ok().contains("carol's (uid 1002)"));
}

#[test]
fn only_the_file_that_lacks_a_line_is_given_one() {
    let host = Host::new();
    host.write("/etc/subgid", "alice:100000:65536\n");
    assert_eq!(suggested(&host, "bob")[1], "usermod --add-subgids 231072-296607 bob");
    host.write("/etc/subuid", "alice:100000:2000\n");
    assert_eq!(suggested(&host, "alice")[1], "usermod --add-subuids 165536-231071 alice");
}

#[test]
fn live_accounts_groups_and_lines_over_them_are_kept_clear_of() {
    let host = host_with_lines("bob:110000:1000\nalice:1000:102000\n");
    host.write("/etc/group", "shared:x:105000:\n");
    host.write(
        "/etc/passwd",
        "alice:x:1000:1000::/:/bin/sh\nbob:x:107500:109000::/:/bin/sh\ncarol:x:1002:1002::/:/bin/sh\n",
    );
    // 103000-104999, 105001-107499, 107501-108999, 109001-109999 and everything from 111000 are free.
    for (count, first) in [(2000, 103_000), (2001, 105_001), (2499, 105_001), (2500, 111_000)] {
        let last = first + count - 1;
        let command = format!("usermod --add-subuids {first}-{last} --add-subgids {first}-{last} carol");
        assert_eq!(suggested(&host, &format!("carol --count {count}"))[1], command);
    }
}

#[test]
fn the_limits_of_login_defs_hold() {
    let host = Host::new();
    host.write("/etc/login.defs", "SUB_UID_MIN 500000\nSUB_UID_MAX 502000\nSUB_GID_MIN 500000\n");
    // 65536 do not fit.
    assert_eq!(suggested(&host, "carol")[0], "[500000-502001) is free; as root:");
    let raised = r"printf '\nSUB_UID_MAX 66038000\nSUB_GID_MAX 66038000\n' >>/etc/login.defs && usermod ";
    assert!(suggested(&host, "carol --count 2002")[1].starts_with(raised));
    assert_refused(
        &told(&host, "grants suggest carol --count 4294000000"),
        "the grants: no 4294000000 IDs in a row are free from 500000 to 502000",
    );
    // Not below 1000 and not the ID of nobody, whatever the limits are.
    host.write("/etc/login.defs", "SUB_UID_MIN 100\nSUB_GID_MIN 100\n");
    assert_eq!(suggested(&host, "carol --count 64531")[0], "[1003-65534) is free; as root:");
    assert_eq!(suggested(&host, "carol --count 1")[0], "[1003-1004) is free; as root:");
}

#[test]
fn who_has_enough_by_a_computed_grant_needs_nothing() {
    let host = Host::new();
    host.configure_mapper("# site\ncomputed-grants = 1002-1009:100000:70000\n");
    let by = "[100000-170000) of them by the computed grant of /etc/subroot/mapper.conf:2: nothing to add";
    assert_eq!(
        suggested(&host, "carol"),
        [format!("carol has 70000 user IDs and 70000 group IDs already, {by}")]
    );
    let told = suggested(&host, "carol --count 70001");
    assert!(
        told[0].ends_with("/etc/subroot/mapper.conf:2 computes only [100000-170000) for carol; as root:"),
        "{told:?}"
    );
}

#[test]
fn computed_ranges_and_their_accounts_are_kept_clear_of() {
    let host = host_with_lines("bob:100000:65536\n");
    host.configure_mapper("computed-grants = 166000-166999:170000:10\n");
    let told = suggested(&host, "alice --count 2001");
    let said = "[167000-169001) is free; no computed-grants rule of /etc/subroot/mapper.conf serves alice (uid 1000); as root:";
    assert_eq!(told[0], said);
    assert_eq!(suggested(&host, "alice --count 5000")[1].split(' ').nth(2), Some("180000-184999"));
}

#[test]
fn an_account_that_usermod_could_not_be_given_gets_a_line_by_its_uid() {
    let host = Host::new();
    host.write(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nal ice:x:1005:1005::/:/bin/sh\n",
    );
    let command = "echo 1005:231072:65536 | tee -a /etc/subuid /etc/subgid";
    assert_eq!(suggested(&host, "1005")[1], command);
    host.output(&mut host.user("root").shell(command)).ok();
    assert_eq!(suggested(&host, "1005").len(), 1);
}

#[test]
fn nothing_is_suggested_that_would_not_help() {
    let host = Host::new();
    assert_refused(&told(&host, "grants suggest dave"), "USER: no account has the name dave");
    assert_refused(&told(&host, "grants suggest 4294967295"), "USER: no account has the name 4294967295");
    host.write("/etc/nsswitch.conf", "passwd: files\nsubid: sss\n");
    let why = "the grants: libsubid_sss.so, which /etc/nsswitch.conf asks for grants by its line subid: sss, is not installed";
    assert_refused(&told(&host, "grants suggest carol"), why);
    host.configure_mapper("nonsense\n");
    let why =
        "the grants: the mapper's settings are not taken: /etc/subroot/mapper.conf, line 1: not KEY = VALUE";
    assert_refused(&told(&host, "grants suggest carol"), why);
}

#[test]
fn nothing_is_changed() {
    let host = Host::new();
    let content = || ["/etc/subuid", "/etc/subgid"].map(|file| std::fs::read(file).expect("a grant file"));
    let before = content();
    host.output(host.user("root").command("subroot").args(["grants", "suggest", "carol"])).ok();
    assert_eq!(content(), before);
}

#[test]
fn json_has_the_same_by_stable_keys() {
    let text = told(&Host::new(), "grants suggest carol --json").ok();
    let expected = concat!(
        r#"{"command":"usermod --add-subuids 231072-296607 --add-subgids 231072-296607 carol","count":65536,"#,
        r#""said":"[231072-296608) is free; as root:","start":231072,"uid":1002,"user":"carol"}"#,
        "\n"
    );
    assert_eq!(text, expected);
}
