//! Which mapper maps the IDs: the best one that works, with a warning only if no more than the caller's own
//! ID is mapped.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use subroot_tests::sandbox::{FULL_MAP, Sandbox, assert_refused, assert_warned, map_lines};
use subroot_tests::{Install, MAPPER, User, is_nested, skip};

const SHADOW: [&str; 2] = ["/usr/bin/newuidmap", "/usr/bin/newgidmap"];
const OWN_ID: &str = "0 1000 1";

#[test]
fn the_mapper_is_used_where_it_is_installed() {
    let sandbox = Sandbox::new();
    hide_shadow(&sandbox);
    for install in [Install::SetuidRoot, Install::FileCapabilities, Install::Both] {
        sandbox.host.install_mapper(install);
        let outcome = sandbox.host.output(&mut maps(&sandbox, &sandbox.alice));
        assert_eq!(outcome.stderr, "", "{install:?}");
        assert_eq!(map_lines(&outcome.ok()), [FULL_MAP, FULL_MAP].concat(), "{install:?}");
    }
}

#[test]
fn shadows_programs_take_its_place_without_a_word() {
    if !Path::new(SHADOW[0]).exists() {
        skip!("no newuidmap: install uidmap");
    }
    let sandbox = Sandbox::new();
    sandbox.host.remove(MAPPER);
    let outcome = sandbox.host.output(&mut maps(&sandbox, &sandbox.alice));
    assert_eq!(outcome.stderr, "");
    assert_eq!(map_lines(&outcome.ok()), [FULL_MAP, FULL_MAP].concat());
    let told = sandbox.host.output(
        sandbox.alice.command("subroot").args(["-v", "run"]).arg(&sandbox.rootfs.path).args(["--", "true"]),
    );
    assert!(told.stderr.contains("/usr/bin/newuidmap"), "{told:?}");
}

#[test]
fn shadows_programs_take_the_place_of_a_mapper_that_lacks_its_privilege() {
    if !Path::new(SHADOW[0]).exists() {
        skip!("no newuidmap: install uidmap");
    }
    let sandbox = Sandbox::new();
    sandbox.host.install_mapper(Install::None);
    assert_mapped_by_shadow(&sandbox, &["CAP_SETUID is missing", "setuid"]);
}

#[test]
fn a_caller_may_want_to_hear_more_or_less_of_it() {
    let sandbox = Sandbox::new();
    sandbox.host.remove(MAPPER);
    hide_shadow(&sandbox);
    let said = |words: &[&str], variable: &str| {
        let mut command = sandbox.alice.command("subroot");
        command.args(words).arg("run").arg(&sandbox.rootfs.path).args(["--", "true"]);
        let outcome = sandbox.host.output(command.env("SUBROOT_LOG", variable));
        assert_eq!(outcome.code(), 0, "{outcome:?}");
        outcome.stderr
    };
    let parts = ["only your own ID is mapped", " ms map IDs with own-id: ", "the new process is PID "];
    for (words, variable, expected) in [
        (["-q"].as_slice(), "", [false, false, false]),
        (&["--quiet"], "debug", [false, true, true]),
        (&["-v"], "", [true, true, false]),
        (&["-vv"], "", [true, true, true]),
        (&["-v", "-v"], "", [true, true, true]),
        (&["-v"], "error", [true, false, false]),
        (&[], "info", [true, true, false]),
        (&[], "", [true, false, false]),
    ] {
        let said = said(words, variable);
        assert_eq!(parts.map(|part| said.contains(part)), expected, "{words:?}, {variable}: {said}");
    }
    let mut both = sandbox.alice.command("subroot");
    assert_refused(&sandbox.host.output(both.args(["-q", "-v", "ps"])), 125, &["-v", "--quiet"]);
}

/// An administrator may allow only a group to execute the mapper, as with dpkg-statoverride.
#[test]
fn a_mapper_that_may_not_be_executed_is_as_good_as_none() {
    let sandbox = Sandbox::new();
    hide_shadow(&sandbox);
    let restricted = Permissions::from_mode(0o4750);
    std::fs::set_permissions(MAPPER, restricted).expect("changing the mode of the mapper");
    let outcome = sandbox.host.output(&mut maps(&sandbox, &sandbox.alice));
    assert_warned(&outcome, &["only your own ID", MAPPER, "Permission denied", "fix: as root: chmod 4755"]);
    assert_eq!(map_lines(&outcome.stdout), [OWN_ID, OWN_ID]);
    let mut named = sandbox.run(&["--helper", MAPPER], &["true"]);
    assert_refused(&sandbox.host.output(&mut named), 125, &["mapping IDs with", MAPPER, "Permission denied"]);
}

#[track_caller]
fn assert_mapped_by_shadow(sandbox: &Sandbox, why: &[&str]) {
    let outcome = sandbox.host.output(&mut maps(sandbox, &sandbox.alice));
    assert_warned(&outcome, &[&["IDs are mapped by /usr/bin/newuidmap"], why].concat());
    assert_eq!(map_lines(&outcome.stdout), [FULL_MAP, FULL_MAP].concat());
}

fn maps(sandbox: &Sandbox, user: &User) -> Command {
    let mut command = user.command("subroot");
    command.arg("run").arg(&sandbox.rootfs.path).args([
        "--",
        "cat",
        "/proc/self/uid_map",
        "/proc/self/gid_map",
    ]);
    command
}

#[test]
fn without_any_mapper_the_own_id_is_mapped_and_a_line_says_why() {
    let sandbox = Sandbox::new();
    sandbox.host.remove(MAPPER);
    hide_shadow(&sandbox);
    let outcome = sandbox.host.output(&mut maps(&sandbox, &sandbox.alice));
    assert_warned(
        &outcome,
        &["only your own ID is mapped", "no mapper is installed", "fix: as root: apt-get install uidmap"],
    );
    assert_eq!(map_lines(&outcome.stdout), [OWN_ID, OWN_ID]);
}

#[test]
fn a_mapper_that_lacks_its_privilege_is_named_where_there_is_no_other() {
    let sandbox = Sandbox::new();
    sandbox.host.install_mapper(Install::None);
    hide_shadow(&sandbox);
    let outcome = sandbox.host.output(&mut maps(&sandbox, &sandbox.alice));
    assert_warned(
        &outcome,
        &["only your own ID is mapped", "setuid", "fix: as root: chown root:root", "chmod 4755"],
    );
    assert_eq!(map_lines(&outcome.stdout), [OWN_ID, OWN_ID]);
}

#[test]
fn a_caller_without_a_grant_is_shown_the_file_that_would_grant() {
    let sandbox = Sandbox::new();
    let carol = sandbox.host.user("carol");
    let outcome = sandbox.host.output(&mut maps(&sandbox, &carol));
    assert_warned(&outcome, &["only your own ID is mapped", "/etc/subuid", "carol", "fix: as root: usermod"]);
    assert_eq!(map_lines(&outcome.stdout), ["0 1002 1", "0 1002 1"]);
}

#[test]
fn a_caller_without_group_ids_is_shown_the_file_that_would_grant_them() {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/subgid", "");
    let outcome = sandbox.host.output(&mut maps(&sandbox, &sandbox.alice));
    assert_warned(
        &outcome,
        &[
            "only your own group ID is mapped",
            "/etc/subgid has no line for alice",
            "fix: as root: usermod --add-subgids",
        ],
    );
    assert_eq!(map_lines(&outcome.stdout), [&FULL_MAP[..], &["0 1000 1"]].concat());
}

#[test]
fn a_caller_without_an_account_is_shown_by_number() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.host.output(&mut maps(&sandbox, &sandbox.host.uid(4711)));
    assert_warned(&outcome, &["only your own ID is mapped", "/etc/subuid", "4711"]);
}

#[test]
fn the_callers_own_id_is_reported_once_however_the_command_runs() {
    let sandbox = Sandbox::new();
    sandbox.host.remove("/etc/subuid");
    for options in [&[][..], &["--as-pid-1"]] {
        assert_warned(&sandbox.output(options, "exit 0"), &["/etc/subuid"]);
    }
}

#[test]
fn a_helper_is_chosen_by_option_or_by_the_environment() {
    let sandbox = Sandbox::new();
    std::fs::rename(MAPPER, "/usr/libexec/subroot/other").expect("moving the mapper");
    hide_shadow(&sandbox);
    let other = "/usr/libexec/subroot/other";
    let script = "cat /proc/self/uid_map";
    let by_option = sandbox.output(&["--helper", other], script);
    let by_environment = sandbox.host.output(sandbox.shell(&[], script).env("SUBROOT_HELPER", other));
    for outcome in [by_option, by_environment] {
        assert_eq!(
            (outcome.stderr.as_str(), map_lines(&outcome.stdout)),
            ("", FULL_MAP.map(str::to_owned).to_vec())
        );
    }
}

/// A fix only changes what packages have installed.
#[test]
fn a_program_that_is_no_mapper_is_left_as_it_is() {
    let sandbox = Sandbox::new();
    for named in ["/bin/ls", "/etc/passwd", "/nowhere/mapper", "nowhere/mapper"] {
        let by_option = sandbox.output(&["--helper", named], "true");
        let by_environment = sandbox.host.output(sandbox.shell(&[], "true").env("SUBROOT_HELPER", named));
        for (outcome, fix) in [(by_option, "run without --helper"), (by_environment, "unset SUBROOT_HELPER")]
        {
            assert_refused(&outcome, 125, &[named]);
            assert!(outcome.stderr.ends_with(&format!("\nsubroot: fix: {fix}\n")), "{outcome:?}");
        }
    }
}

#[test]
fn root_with_a_grant_maps_the_granted_ids_alone() {
    let sandbox = Sandbox::new();
    if is_nested() {
        skip!("the root of a user namespace maps all that it has");
    }
    for file in ["/etc/subuid", "/etc/subgid"] {
        sandbox.host.write(file, "root:200000:65536\n");
    }
    let outcome = sandbox.host.output(&mut maps_of_host(&sandbox));
    assert_eq!(outcome.stderr, "");
    assert_eq!(map_lines(&outcome.ok()), ["0 200000 65536", "0 200000 65536"]);
}

/// root's own ID is the host's. Instead of the refused IDs, the sandbox would get access to the host's files.
#[test]
fn root_that_the_mapper_refuses_its_grant_is_refused() {
    let sandbox = Sandbox::new();
    if is_nested() {
        skip!("the root of a user namespace maps all that it has");
    }
    for file in ["/etc/subuid", "/etc/subgid"] {
        sandbox.host.write(file, "root:200000:65536\n");
        let writable = std::os::unix::fs::PermissionsExt::from_mode(0o664);
        std::fs::set_permissions(file, writable).expect("opening the file to the group");
    }
    let outcome = sandbox.host.output(&mut maps_of_host(&sandbox));
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (125, ""), "{outcome:?}");
    assert!(outcome.stderr.contains("writable by group"), "{outcome:?}");
}

#[test]
fn root_without_a_grant_is_warned_that_files_of_root_are_its_own() {
    let sandbox = Sandbox::new();
    if is_nested() {
        skip!("the root of a user namespace maps all that it has");
    }
    let outcome = sandbox.host.output(&mut maps_of_host(&sandbox));
    assert_warned(&outcome, &["only root's own ID is mapped", "files of the host's root"]);
    assert_eq!(map_lines(&outcome.stdout), ["0 0 1", "0 0 1"]);
}

#[test]
fn root_of_a_user_namespace_maps_all_that_it_has() {
    let sandbox = Sandbox::new();
    let script = "subroot unshare -- subroot unshare -- cat /proc/self/uid_map /proc/self/gid_map";
    let outcome = sandbox.host.output(&mut sandbox.alice.shell(script));
    assert_eq!(outcome.stderr, "");
    assert_eq!(map_lines(&outcome.ok()), ["0 0 1", "1 1 65536", "0 0 1", "1 1 65536"]);
}

fn maps_of_host(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.host.user("root").command("subroot");
    command.args(["run", "--", "cat", "/proc/self/uid_map", "/proc/self/gid_map"]);
    command
}

fn hide_shadow(sandbox: &Sandbox) {
    SHADOW.into_iter().for_each(|path| sandbox.host.hide(path));
}
