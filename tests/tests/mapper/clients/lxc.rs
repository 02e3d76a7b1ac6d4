//! lxc-usernsexec of LXC: it checks the privilege of newuidmap and newgidmap before it starts them.

use crate::clients::client::{Caller, Client, Failure};
use crate::clients::grants::{Grants, USUAL, all_from_zero, first_from_zero};
use crate::clients::site::{Site, maps};
use subroot_tests::{Install, Maps};

const DEFAULT_MAP: Client = Client {
    words: |_| "lxc-usernsexec --".to_owned(),
    lines: first_from_zero,
    tmp: "/tmp",
    first: "newuidmap",
    caller: Caller::Outside,
    // Not Install::FileCapabilities: see the last test here.
    installs: &[Install::SetuidRoot, Install::EffectiveCapabilities, Install::Both],
    failure: Failure::IsForeseen,
};

const GIVEN_MAP: Client = Client { words: given_map, lines: all_from_zero, ..DEFAULT_MAP };

fn given_map(grants: &Grants) -> String {
    let options = |kind: char, ranges| {
        let line = move |line: &str| format!("-m {kind}:{} ", line.replace(' ', ":"));
        all_from_zero(ranges).lines().map(line).collect::<String>()
    };
    format!("lxc-usernsexec {}{}--", options('u', grants.uid), options('g', grants.gid))
}

check_client!(default_map, super::DEFAULT_MAP);
check_client!(given_map, super::GIVEN_MAP);

#[test]
fn one_id_more_than_granted_is_refused_in_our_words() {
    let site = Site::new(Install::SetuidRoot, &USUAL);
    for (option, said) in [
        ("-m u:0:100000:65537 -m g:0:100000:65536", "newuidmap: uid range [0-65537) -> [100000-165537)"),
        ("-m u:0:100000:65536 -m g:0:100000:65537", "newgidmap: gid range [0-65537) -> [100000-165537)"),
    ] {
        let outcome = site.host.output(&mut site.command(&format!("lxc-usernsexec {option} -- echo mapped")));
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(&format!("{said} not allowed: ")), "{outcome:?}");
    }
}

/// LXC requires that file capabilities are also effective: `=ep`.
#[test]
fn capabilities_that_are_not_effective_are_none_to_it() {
    let site = Site::new(Install::FileCapabilities, &USUAL);
    let outcome = site.show(&DEFAULT_MAP, &site.alice.home);
    assert_eq!((outcome.code(), maps(&outcome)), (1, Maps::new("", "", "")), "{outcome:?}");
    assert!(outcome.stderr.contains("Failed to write uid mapping to \"/proc/"), "{outcome:?}");
}
