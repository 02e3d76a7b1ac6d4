//! The report itself: its marks, its exit status, its JSON.

use crate::doctor::{doctor, examined};
use subroot_tests::sandbox::Sandbox;

#[test]
fn where_all_is_well_each_step_is_ticked() {
    let sandbox = Sandbox::new();
    let outcome = examined(&sandbox);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    for line in outcome.stdout.lines() {
        assert!(line.starts_with("✓ "), "{outcome:?}");
    }
    for step in [
        "account",
        "/etc/subuid",
        "/etc/subgid",
        "namespaces",
        "mapper",
        "maps",
        "groups",
        "/proc",
        "overlay",
        "root",
    ] {
        assert!(outcome.stdout.contains(&format!("✓ {step}")), "{step}: {outcome:?}");
    }
    assert!(outcome.stdout.contains("alice (uid 1000)"), "{outcome:?}");
}

#[test]
fn colours_are_for_terminals_and_not_for_those_who_do_not_want_them() {
    let sandbox = Sandbox::new();
    assert!(!examined(&sandbox).stdout.contains('\x1b'));
    let on_terminal = |variable: &str| {
        let line = format!("{variable} exec script -qec 'subroot doctor' /dev/null </dev/null");
        sandbox.host.output(&mut sandbox.alice.shell(&line)).stdout
    };
    assert!(on_terminal("").contains("\x1b[32m✓\x1b[0m"));
    assert!(!on_terminal("NO_COLOR=1").contains('\x1b'));
}

#[test]
fn a_session_without_a_directory_of_its_own_is_as_good() {
    let sandbox = Sandbox::new();
    let said = |command: &mut std::process::Command| sandbox.host.output(command);
    let without = said(doctor(&sandbox.alice, &[]).env_remove("XDG_RUNTIME_DIR"));
    assert!(
        without.code() == 0 && without.stdout.contains("✓ session     XDG_RUNTIME_DIR is not set"),
        "{without:?}"
    );
    let with = said(doctor(&sandbox.alice, &[]).env("XDG_RUNTIME_DIR", "/run/user/1000"));
    assert!(!with.stdout.contains("session"), "{with:?}");
}

#[test]
fn programs_get_the_same_in_json() {
    let sandbox = Sandbox::new();
    let json = sandbox.host.output(&mut doctor(&sandbox.alice, &["--json"])).ok();
    for part in ["{\"result\":\"ok\",\"steps\":[", "\"step\":\"maps\"", "\"result\":\"ok\"", "\"causes\":[]"]
    {
        assert!(json.contains(part), "{part}: {json}");
    }
    sandbox.host.write("/etc/subuid", "");
    let outcome = sandbox.host.output(&mut doctor(&sandbox.alice, &["--json"]));
    assert_eq!(outcome.code(), 1);
    for part in [
        "{\"result\":\"less\"",
        "\"key\":\"no-grant-line\"",
        "\"cause\":\"/etc/subuid has no line for alice\"",
        "\"fix\":\"as root: usermod",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {outcome:?}");
    }
}

/// The test can check this without root's help: nothing remains of the trials.
#[test]
fn nothing_is_left_of_it() {
    let sandbox = Sandbox::new();
    let before = (subroot_tests::sandbox::mounts(), subroot_tests::sandbox::listing("/home/alice".as_ref()));
    assert_eq!(examined(&sandbox).code(), 0);
    assert_eq!(
        (subroot_tests::sandbox::mounts(), subroot_tests::sandbox::listing("/home/alice".as_ref())),
        before
    );
}
