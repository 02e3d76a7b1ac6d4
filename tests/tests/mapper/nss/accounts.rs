//! Accounts that only a directory service has: their lines by name count, and no other user's.

use crate::nss::{assert_refused, attempt, host_with};
use subroot_tests::{Host, Install, Maps};

/// A directory of 100,000 accounts, user200000 to user299999, as `getpwuid` and `getpwnam` of an NSS module.
const DIRECTORY: &str = "
    #include <errno.h>
    #include <fcntl.h>
    #include <nss.h>
    #include <pwd.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>
    static enum nss_status fill(uid_t uid, struct passwd *to, char *text, size_t size) {
        if (uid < 200000 || uid > 299999 || size < 64) return NSS_STATUS_NOTFOUND;
        snprintf(text, size, NAME, uid);
        *to = (struct passwd) { .pw_name = text, .pw_passwd = \"x\", .pw_uid = uid, .pw_gid = uid, .pw_gecos = \"\", .pw_dir = \"/\", .pw_shell = \"/bin/sh\" };
        return NSS_STATUS_SUCCESS;
    }
    enum nss_status _nss_test_getpwuid_r(uid_t uid, struct passwd *to, char *text, size_t size, int *error) {
        ACT
        return fill(uid, to, text, size);
    }
    enum nss_status _nss_test_getpwnam_r(const char *name, struct passwd *to, char *text, size_t size, int *error) {
        if (!strcmp(name, NAME)) return fill(200007, to, text, size);
        return strncmp(name, \"user\", 4) ? NSS_STATUS_NOTFOUND : fill(atoi(name + 4), to, text, size);
    }";

/// A host with a directory that gives accounts these names and first runs `act`. A name without a number
/// belongs to uid 200007.
pub(crate) fn directory(how: Install, name: &str, act: &str) -> Host {
    let host = host_with(how);
    host.make_library(
        "libnss_test.so.2",
        &DIRECTORY.replace("NAME", &format!("{name:?}")).replace("ACT", act),
    );
    host.write("/etc/nsswitch.conf", "passwd: files test\ngroup: files\n");
    host
}

#[test]
fn a_line_by_the_name_of_a_directory_account_counts() {
    for install in crate::nss::ALL {
        let host = directory(install, "user%u", "");
        for file in ["/etc/subuid", "/etc/subgid"] {
            host.write(file, "user200007:400000:10\n");
        }
        let words = "--uid-map 0:400000:10 --gid-map 0:400000:10";
        let (outcome, maps) = attempt(&host, &host.uid(200_007), words);
        assert_eq!(
            (outcome.code(), maps),
            (0, Maps::new("0 400000 10", "0 400000 10", "allow")),
            "{outcome:?}"
        );
        let line = "uid range [0-10) -> [400000-400010) not allowed: /etc/subuid grants you nothing";
        assert_refused(&host, &host.uid(200_008), words, 1, line);
    }
}

#[test]
fn the_drop_ins_know_directory_accounts_too() {
    let host = directory(Install::SetuidRoot, "user%u", "");
    host.install_drop_ins(Install::SetuidRoot);
    for file in ["/etc/subuid", "/etc/subgid"] {
        host.write(file, "user200007:400000:10\n");
    }
    let (outcomes, maps) = crate::nss::drop_ins(&host, &host.uid(200_007), "0 400000 10");
    assert_eq!(maps, Maps::new("0 400000 10", "0 400000 10", "allow"), "{outcomes:?}");
}

#[test]
fn a_plugin_is_asked_by_the_name_of_a_directory_account() {
    let host = directory(Install::SetuidRoot, "user%u", "");
    host.make_library(
        "libsubid_test.so",
        &crate::nss::plugin("*result = !strcmp(owner, \"user200007\"); return 0;"),
    );
    host.write("/etc/nsswitch.conf", "passwd: files test\nsubid: test\n");
    let (outcome, _) = attempt(&host, &host.uid(200_007), "--uid-map 0:400000:10");
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    let (outcome, _) = attempt(&host, &host.uid(200_008), "--uid-map 0:400000:10");
    assert_eq!(outcome.code(), 1, "{outcome:?}");
}

#[test]
fn setgroups_is_denied_by_name_to_that_directory_account_alone() {
    let host = directory(Install::SetuidRoot, "user%u", "");
    host.configure_mapper("setgroups-deny = user200007\n");
    host.write("/etc/subgid", "user200007:400000:10\nuser200008:500000:10\n");
    let (_, maps) = attempt(&host, &host.uid(200_007), "--gid-map 0:400000:10");
    assert_eq!(maps.setgroups, "deny");
    let (_, maps) = attempt(&host, &host.uid(200_008), "--gid-map 0:500000:10");
    assert_eq!(maps, Maps::new("", "0 500000 10", "allow"));
}

/// Otherwise, anyone who can name accounts in a directory could take over the grants of a local account.
#[test]
fn a_directory_account_with_the_name_of_a_local_one_has_none_of_its_lines() {
    let host = directory(Install::SetuidRoot, "alice", "");
    let line = "uid range [0-65536) -> [100000-165536) not allowed: /etc/subuid grants you nothing";
    assert_refused(&host, &host.uid(200_007), "--uid-map 0:100000:65536", 1, line);
}

#[test]
fn a_directory_is_not_asked_about_a_local_account() {
    let host = directory(Install::SetuidRoot, "user%u", "abort();");
    host.make_library("libsubid_test.so", &crate::nss::plugin("*result = true; return 0;"));
    host.write("/etc/nsswitch.conf", "passwd: test files\nsubid: test\n");
    let (outcome, _) = attempt(&host, &host.user("alice"), "--uid-map 0:400000:10");
    assert_eq!(outcome.code(), 0, "{outcome:?}");
}

#[test]
fn a_uid_that_no_directory_knows_has_numeric_lines_and_its_own_id() {
    let host = directory(Install::SetuidRoot, "user%u", "");
    host.write("/etc/subuid", "4711:400000:10\n");
    let (outcome, maps) = attempt(&host, &host.uid(4711), "--uid-map 0:4711:1,1:400000:10");
    assert_eq!((outcome.code(), maps.uid_map.len()), (0, 2), "{outcome:?}");
}

#[test]
fn a_directory_that_gives_no_answer_refuses_and_says_so() {
    let asking = "asking the name services for your account";
    for (act, why) in [
        ("abort();", "it crashed or ended without an answer"),
        ("_exit(0);", "it crashed or ended without an answer"),
        ("for (;;) pause();", "no answer within 10 seconds"),
        ("for (int n = 0; n < 99; n++) write(n, \"user\", 4);", "what it wrote is no answer"),
        ("*error = EIO; return NSS_STATUS_UNAVAIL;", "they failed"),
    ] {
        let host = directory(Install::SetuidRoot, "user%u", act);
        assert_refused(&host, &host.uid(200_007), "--uid-map 0:200007:1", 4, &format!("{asking}: {why}"));
    }
    for act in ["*error = ENOENT; return NSS_STATUS_UNAVAIL;", "return NSS_STATUS_NOTFOUND;"] {
        let host = directory(Install::SetuidRoot, "user%u", act);
        let (outcome, _) = attempt(&host, &host.uid(200_007), "--uid-map 0:200007:1");
        assert_eq!(outcome.code(), 0, "{act}: {outcome:?}");
    }
}

#[test]
fn a_hundred_thousand_directory_accounts_have_computed_grants_of_their_own_on_every_host() {
    for install in crate::nss::ALL {
        let host = directory(install, "user%u", "");
        host.configure_mapper("computed-grants = 200000-299999:300000:5\n");
        for (uid, first) in [(200_000, 300_000_u32), (200_001, 300_005), (299_999, 799_995)] {
            let user = host.uid(uid);
            let words = format!("--uid-map 0:{first}:5 --gid-map 0:{first}:5");
            let (outcome, maps) = attempt(&host, &user, &words);
            let line = format!("0 {first} 5");
            assert_eq!((outcome.code(), maps), (0, Maps::new(&line, &line, "allow")), "{outcome:?}");
            let (past, _) = attempt(&host, &user, &format!("--uid-map 0:{}:1", first + 5));
            assert_eq!(past.code(), 1, "{past:?}");
        }
        let line = "uid range [0-5) -> [800000-800005) not allowed: /etc/subuid grants you nothing";
        assert_refused(&host, &host.uid(300_000), "--uid-map 0:800000:5", 1, line);
    }
}
