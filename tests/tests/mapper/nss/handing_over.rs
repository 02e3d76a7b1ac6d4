//! The static program executes the variant if it is needed and installed, and no other program.

use crate::nss::{ASKED, GRANTING, assert_refused, attempt, granted_maps, host_with, host_with_plugin};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use subroot_tests::{Host, Install, MAPPER, Maps, Target, VARIANTS};

const LOCAL: &str = "--uid-map 0:100000:65536 --gid-map 0:100000:65536";
const VARIANT: &str = "/usr/libexec/subroot/newidmap-helper-nss";

/// The programs that alice's mapper executed, with the number of environment variables.
fn executed(host: &Host, words: &str) -> Vec<String> {
    let target = Target::new(&host.user("alice"));
    let mut strace = host.user("root").command("strace");
    strace.args([
        "-f",
        "-s",
        "200",
        "-u",
        "alice",
        "-e",
        "trace=execve",
        "-o",
        "/tmp/trace",
        MAPPER,
        &target.pid().to_string(),
    ]);
    host.output(strace.args(words.split(' ')));
    let trace = fs::read_to_string("/tmp/trace").expect("reading the trace");
    trace.lines().filter_map(|line| line.split_once("execve(")).map(|(_, call)| call.to_owned()).collect()
}

#[test]
fn a_local_account_without_a_plugin_is_served_without_it() {
    let host = host_with(Install::SetuidRoot);
    assert_eq!(executed(&host, LOCAL).len(), 1);
}

#[test]
fn it_is_executed_by_its_own_path_with_the_same_words_and_no_environment() {
    let host = host_with_plugin(GRANTING);
    let executed = executed(&host, ASKED);
    let words = ASKED.split(' ').map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ");
    assert_eq!(executed.len(), 2, "{executed:?}");
    let start = format!("{VARIANT:?}, [{VARIANT:?}, ");
    assert!(executed[1].starts_with(&start) && executed[1].contains(&words), "{executed:?}");
    assert!(executed[1].contains("/* 0 vars */"), "{executed:?}");
}

#[test]
fn a_request_that_is_none_is_refused_before() {
    let host = host_with_plugin(GRANTING);
    assert_eq!(executed(&host, "--uid-map 0:0").len(), 1);
}

#[test]
fn where_it_is_not_installed_the_refusal_says_what_it_takes() {
    let host = host_with_plugin(GRANTING);
    for name in VARIANTS {
        host.remove(&format!("/usr/libexec/subroot/{name}"));
    }
    let why = "/etc/nsswitch.conf leaves grants to the plugin test, which takes newidmap-helper-nss";
    assert_refused(
        &host,
        &host.user("alice"),
        LOCAL,
        1,
        &format!("uid range [0-65536) -> [100000-165536) not allowed: {why}"),
    );
    host.write("/etc/nsswitch.conf", "passwd: files\n");
    let why =
        "/etc/subuid grants you nothing; your account is not a local one, which takes newidmap-helper-nss";
    assert_refused(
        &host,
        &host.uid(4711),
        "--uid-map 0:5:1",
        1,
        &format!("uid range [0-1) -> [5-6) not allowed: {why}"),
    );
    let (outcome, _) = attempt(&host, &host.uid(4711), "--uid-map 0:4711:1");
    assert_eq!(outcome.code(), 0, "{outcome:?}");
}

#[test]
fn one_that_cannot_be_executed_grants_nothing() {
    let host = host_with_plugin(GRANTING);
    for spoil in [
        || fs::set_permissions(VARIANT, fs::Permissions::from_mode(0o4644)).expect("changing a mode"),
        || {
            fs::write(VARIANT, "no program")
                .and_then(|()| fs::set_permissions(VARIANT, fs::Permissions::from_mode(0o4755)))
                .expect("a file")
        },
    ] {
        spoil();
        let (outcome, maps) = attempt(&host, &host.user("alice"), LOCAL);
        assert_eq!((outcome.code(), maps), (1, Maps::untouched()), "{outcome:?}");
    }
}

#[test]
fn each_may_have_its_privilege_from_elsewhere() {
    for (mapper, variant) in
        [(Install::FileCapabilities, Install::SetuidRoot), (Install::SetuidRoot, Install::FileCapabilities)]
    {
        let host = host_with_plugin(GRANTING);
        host.install_mapper(mapper);
        host.install_variants(variant);
        let (outcome, maps) = attempt(&host, &host.user("alice"), ASKED);
        assert_eq!((outcome.code(), maps), (0, granted_maps()), "{mapper:?}, then {variant:?}: {outcome:?}");
    }
}

#[test]
fn a_variant_without_privilege_says_so() {
    let host = host_with_plugin(GRANTING);
    host.install_variants(Install::None);
    let why = "the program is neither setuid root nor has the file capability";
    assert_refused(
        &host,
        &host.user("alice"),
        ASKED,
        5,
        &format!("writing uid_map: CAP_SETUID is missing: {why}"),
    );
}
