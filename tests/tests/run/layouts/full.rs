//! `--userns full`: the IDs 0 to 65535 of both kinds, or an error.

use crate::layouts::{fix, grant};
use std::fs;
use std::path::Path;
use subroot_tests::sandbox::{FULL_MAP, Sandbox, assert_refused, map_lines};
use subroot_tests::{Install, MAPPER, Outcome};

const FULL: [&str; 2] = ["--userns", "full"];

fn maps(sandbox: &Sandbox) -> Outcome {
    sandbox.output(&FULL, "cat /proc/self/uid_map /proc/self/gid_map")
}

#[track_caller]
fn assert_not_started(sandbox: &Sandbox, words: &[&str]) -> Outcome {
    let outcome = sandbox.host.output(&mut sandbox.leaving_a_mark(&FULL));
    assert_refused(&outcome, 125, words);
    assert!(!sandbox.has_mark());
    outcome
}

#[test]
fn a_full_map_is_what_auto_maps() {
    let sandbox = Sandbox::new();
    assert_eq!(map_lines(&maps(&sandbox).ok()), [FULL_MAP, FULL_MAP].concat());
    grant(&sandbox, "alice:100000:65535\n");
    assert_eq!(map_lines(&maps(&sandbox).ok()), ["0 1000 1", "1 100000 65535"].repeat(2));
}

#[test]
fn fewer_ids_are_refused_and_the_fix_gives_enough() {
    let sandbox = Sandbox::new();
    for (uids, gids, mapped) in [
        ("alice:100000:65534\n", "alice:100000:65536\n", "only 65535 user IDs and 65537 group IDs"),
        ("alice:100000:65536\n", "alice:100000:2001\n", "only 65537 user IDs and 2002 group IDs"),
    ] {
        sandbox.host.write("/etc/subuid", uids);
        sandbox.host.write("/etc/subgid", gids);
        let outcome = assert_not_started(&sandbox, &["--userns full needs the IDs 0 to 65535", mapped]);
        let root = sandbox.host.user("root");
        sandbox.host.output(&mut root.shell(fix(&outcome.stderr))).ok();
        maps(&sandbox).ok();
    }
}

#[test]
fn without_a_grant_or_a_mapper_nothing_starts() {
    let sandbox = Sandbox::new();
    sandbox.host.write("/etc/subgid", "");
    assert_not_started(&sandbox, &["/etc/subgid has no line for alice"]);
    sandbox.host.write("/etc/subuid", "");
    assert_not_started(&sandbox, &["/etc/subuid has no line for alice"]);
    grant(&sandbox, "alice:100000:65536\n");
    ["/usr/bin/newuidmap", "/usr/bin/newgidmap"].iter().for_each(|path| sandbox.host.hide(path));
    sandbox.host.install_mapper(Install::None);
    assert_not_started(&sandbox, &["mapping IDs", "setuid"]);
    fs::remove_file(MAPPER).expect("taking the mapper away");
    assert!(!Path::new(MAPPER).exists());
    assert_not_started(&sandbox, &["no mapper is installed"]);
}

#[test]
fn a_mapper_that_refuses_ends_the_launch() {
    let sandbox = Sandbox::new();
    grant(&sandbox, "alice:100000:65536\n");
    fs::set_permissions("/etc/subuid", std::os::unix::fs::PermissionsExt::from_mode(0o664)).expect("a mode");
    assert_not_started(&sandbox, &["mapping IDs with", "not trusted"]);
}

/// Everything that exists in a sandbox can be mapped.
#[test]
fn in_a_sandbox_a_full_map_needs_all_ids_of_it() {
    let sandbox = Sandbox::new();
    let nested = |mode: &str| {
        let inner = "subroot run --userns full -- cat /proc/self/uid_map";
        let mut command = sandbox.alice.command("subroot");
        command.args(["run", "--cap-add", "ALL", "--userns", mode, "--", "sh", "-c", inner]);
        sandbox.host.output(&mut command)
    };
    assert_eq!(map_lines(&nested("auto").ok()), ["0 0 1", "1 1 65536"]);
    let outcome = nested("auto:size=65535");
    assert_refused(&outcome, 125, &["does not have the IDs 0 to 65535"]);
}
