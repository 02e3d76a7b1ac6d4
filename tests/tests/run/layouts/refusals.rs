//! If a mapper refuses before it has written anything, the launch only has fewer IDs, unless maps were
//! requested.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use subroot_tests::sandbox::{FULL_MAP, Sandbox, assert_refused, assert_warned, map_lines};
use subroot_tests::{MAPPER, skip};

const MAPS: &str = "cat /proc/self/uid_map /proc/self/gid_map";
const OWN: [&str; 2] = ["0 1000 1", "0 1000 1"];

/// A host whose mapper is this script; the real one is next to it.
fn with_mapper(script: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    fs::rename(MAPPER, format!("{MAPPER}.real")).expect("moving the mapper");
    fs::write(MAPPER, format!("#!/bin/sh\n{script}\n")).expect("writing a mapper");
    fs::set_permissions(MAPPER, Permissions::from_mode(0o755)).expect("changing a mode");
    sandbox
}

/// Exit statuses 1, 2 and 4: shadow's programs are installed, but are not asked for what the mapper denied.
#[test]
fn a_refusal_leaves_the_own_id_and_a_line_with_the_mappers_words() {
    for status in [1, 2, 4] {
        let sandbox = with_mapper(&format!("echo 'newidmap-helper: so it is' >&2; exit {status}"));
        let outcome = sandbox.output(&[], MAPS);
        assert_warned(&outcome, &["only your own ID is mapped", "so it is"]);
        assert_eq!(map_lines(&outcome.stdout), OWN, "{status}");
        let mut quiet = sandbox.alice.command("subroot");
        quiet.args(["-q", "run"]).arg(&sandbox.rootfs.path).args(["--", "true"]);
        let outcome = sandbox.host.output(&mut quiet);
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""));
    }
}

#[test]
fn any_other_failure_leaves_the_next_mapper() {
    if !Path::new("/usr/bin/newuidmap").exists() {
        skip!("no newuidmap: install uidmap");
    }
    for script in ["exit 3", "exit 6", "kill -SEGV $$", "exit 99"] {
        let outcome = with_mapper(script).output(&[], MAPS);
        assert_warned(&outcome, &["IDs are mapped by /usr/bin/newuidmap"]);
        assert_eq!(map_lines(&outcome.stdout), [FULL_MAP, FULL_MAP].concat(), "{script}");
    }
}

#[test]
fn one_map_that_was_written_ends_the_launch() {
    for status in [1, 3, 4, 5, 6] {
        let script = format!("{MAPPER}.real fd:0 --gid-map 0:1000:1,1:100000:65536 || exit 9; exit {status}");
        let sandbox = with_mapper(&script);
        let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&[]));
        assert_refused(&outcome, 125, &["mapping IDs with", MAPPER, &status.to_string()]);
        assert!(!sandbox.has_mark(), "{status}");
    }
}

#[test]
fn maps_that_were_asked_for_are_never_lowered() {
    let sandbox = with_mapper("echo 'newidmap-helper: so it is' >&2; exit 1");
    for options in [
        ["--userns", "auto:size=2001"],
        ["--userns", "full"],
        ["--uidmap", "0:0:2001"],
        ["--gidmap", "0:0:2001"],
        ["--uidmap", "0:@100000:5"],
        ["--helper", MAPPER],
    ] {
        let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&options));
        assert_refused(&outcome, 125, &["mapping IDs with", "so it is"]);
        assert!(!sandbox.has_mark(), "{options:?}");
    }
}

/// Host IDs that no line grants: without a mapper there is no attempt to map them.
#[test]
fn ids_of_the_host_without_a_grant_are_refused_by_name() {
    let sandbox = Sandbox::new();
    crate::layouts::grant(&sandbox, "");
    let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&["--uidmap", "0:@100000:5"]));
    assert_refused(&outcome, 125, &["these IDs are not yours", "/etc/subuid has no line for alice"]);
    let outcome = sandbox.output(&["--uidmap", "0:@1000:1"], "cat /proc/self/uid_map");
    assert_eq!(map_lines(&outcome.stdout), ["0 1000 1"], "{outcome:?}");
}
