//! util-linux's unshare, with the ranges that it finds in /etc/subuid itself, and with explicit ones.

use crate::clients::client::{ALL_INSTALLS, Caller, Client, Failure};
use crate::clients::grants::{Grants, USUAL, last_from_zero, own_then_first_less_one};
use crate::clients::site::Site;
use subroot_tests::Install;

const MAP_AUTO: Client = Client {
    words: |_| "unshare --map-auto --map-root-user".to_owned(),
    lines: own_then_first_less_one,
    tmp: "/tmp",
    first: "newuidmap",
    caller: Caller::TargetsChild,
    installs: ALL_INSTALLS,
    failure: Failure::IsShown,
};

const MAP_USERS: Client = Client { words: map_users, lines: last_from_zero, ..MAP_AUTO };

/// It accepts one range of each kind, as `OUTSIDE,INSIDE,COUNT`.
fn map_users(grants: &Grants) -> String {
    let last = |ranges: &[(u32, u32)]| *ranges.last().expect("a range");
    let (uid, uids) = last(grants.uid);
    let (gid, gids) = last(grants.gid);
    format!("unshare --map-users={uid},0,{uids} --map-groups={gid},0,{gids} --setuid 0 --setgid 0")
}

check_client!(map_auto, super::MAP_AUTO);
check_client!(map_users, super::MAP_USERS);

#[test]
fn one_id_more_than_granted_is_refused_in_our_words() {
    let site = Site::new(Install::SetuidRoot, &USUAL);
    for (words, said) in [
        (
            "--map-users=100000,0,65537 --map-groups=100000,0,1",
            "newuidmap: uid range [0-65537) -> [100000-165537)",
        ),
        (
            "--map-users=100000,0,1 --map-groups=100000,0,65537",
            "newgidmap: gid range [0-65537) -> [100000-165537)",
        ),
    ] {
        let outcome = site.host.output(&mut site.command(&format!("unshare {words} echo mapped")));
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.starts_with(&format!("{said} not allowed: ")), "{outcome:?}");
    }
}
