//! Why a mapper does not get its privilege: reported by `doctor`, and with a fix if the mapper was named
//! explicitly.

use crate::doctor::{assert_found, examined, examined_after};
use nix::mount::{MsFlags, mount};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use subroot_tests::sandbox::{Sandbox, assert_refused};
use subroot_tests::{Install, MAPPER, Step, start_with};

const SHADOW: [&str; 2] = ["/usr/bin/newuidmap", "/usr/bin/newgidmap"];
/// CAP_SETUID.
const SETUID: u8 = 7;

/// A host without shadow's programs.
fn without_shadow() -> Sandbox {
    let sandbox = Sandbox::new();
    SHADOW.into_iter().for_each(|name| sandbox.host.hide(name));
    sandbox
}

/// Fails the test unless a launch with this mapper, started after these steps, is refused with this fix.
#[track_caller]
fn assert_fixed(sandbox: &Sandbox, steps: Vec<Step>, fix: &str) {
    let mut command = sandbox.leaving_a_mark(&["--helper", MAPPER]);
    let outcome = sandbox.host.output(start_with(&mut command, steps));
    assert_refused(&outcome, 125, &["mapping IDs with", MAPPER]);
    assert!(outcome.stderr.contains("\nsubroot: fix: ") && outcome.stderr.contains(fix), "{outcome:?}");
    assert!(!sandbox.has_mark());
}

#[test]
fn it_is_not_installed() {
    let sandbox = without_shadow();
    sandbox.host.remove(MAPPER);
    assert_found(
        &examined(&sandbox),
        1,
        "newidmap-helper is not installed",
        "as root: apt-get install uidmap",
    );
}

#[test]
fn it_has_neither_bit_nor_capabilities() {
    let sandbox = without_shadow();
    sandbox.host.install_mapper(Install::None);
    let fix = format!("chmod 4755 {MAPPER}");
    assert_found(&examined(&sandbox), 1, "neither setuid root nor has file capabilities", &fix);
    assert_fixed(&sandbox, Vec::new(), &fix);
    for install in [Install::SetuidRoot, Install::FileCapabilities] {
        sandbox.host.install_mapper(install);
        let outcome = examined(&sandbox);
        assert!(outcome.stdout.contains("65537 user IDs"), "{install:?}: {outcome:?}");
    }
}

#[test]
fn it_is_for_a_group_that_the_user_is_not_in() {
    let sandbox = without_shadow();
    std::fs::set_permissions(MAPPER, Permissions::from_mode(0o4750)).expect("changing its mode");
    let fix = format!("chmod 4755 {MAPPER}");
    assert_found(&examined(&sandbox), 1, "may not be executed by this user, who is not in its group", &fix);
    assert_fixed(&sandbox, Vec::new(), &fix);
}

#[test]
fn it_is_on_a_nosuid_mount() {
    let sandbox = without_shadow();
    let dir = "/usr/libexec/subroot";
    let (none, bind) = (None::<&str>, MsFlags::MS_BIND);
    mount(Some(dir), dir, none, bind, none).expect("binding the directory over itself");
    mount(none, dir, none, bind | MsFlags::MS_REMOUNT | MsFlags::MS_NOSUID, none).expect("making it nosuid");
    assert_found(
        &examined(&sandbox),
        1,
        "is on a nosuid mount",
        "mount -o remount,suid /usr/libexec/subroot",
    );
    assert_fixed(&sandbox, Vec::new(), "mount -o remount,suid /usr/libexec/subroot");
}

#[test]
fn privilege_was_given_up_for_good() {
    let sandbox = without_shadow();
    assert_found(
        &examined_after(&sandbox, vec![Step::NoNewPrivs]),
        1,
        "no_new_privs is set",
        "NoNewPrivileges=no",
    );
    assert_fixed(&sandbox, vec![Step::NoNewPrivs], "NoNewPrivileges=no");
}

#[test]
fn the_bounding_set_lacks_a_capability() {
    let sandbox = without_shadow();
    let mut command = sandbox.host.user("root").command("subroot");
    let steps = vec![Step::DropFromBoundingSet(SETUID), Step::Become(1000, 1000)];
    let outcome = sandbox.host.output(start_with(command.arg("doctor"), steps));
    assert_found(&outcome, 1, "CAP_SETUID is missing from the capability bounding set", "--cap-add SETUID");
}
