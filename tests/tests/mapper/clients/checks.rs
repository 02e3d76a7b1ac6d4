//! What every client must do, and what it does if the project's programs cannot serve it.

use crate::clients::client::{Client, Failure};
use crate::clients::grants::{ELSEWHERE, Grants, TWO_LINES, USUAL, outside};
use crate::clients::site::{Site, maps};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use subroot_tests::{DROP_INS, Install, Maps, Outcome};

/// The tests of a client, in a module of that name.
macro_rules! check_client {
    ($name:ident, $client:expr) => {
        mod $name {
            #[test]
            fn it_gets_its_maps_however_ours_are_installed() {
                $crate::clients::checks::it_gets_its_maps_however_ours_are_installed(&$client);
            }

            #[test]
            fn grants_may_begin_elsewhere_and_differ_for_groups() {
                $crate::clients::checks::it_gets_its_maps(&$client, &$crate::clients::grants::ELSEWHERE);
            }

            #[test]
            fn a_user_may_have_two_lines() {
                $crate::clients::checks::it_gets_its_maps(&$client, &$crate::clients::grants::TWO_LINES);
            }

            #[test]
            fn it_may_be_started_inside_a_root_file_system() {
                $crate::clients::checks::it_may_be_started_inside_a_root_file_system(&$client);
            }

            #[test]
            fn its_root_gives_files_to_granted_ids() {
                $crate::clients::checks::its_root_gives_files_to_granted_ids(&$client);
            }

            #[test]
            fn without_privilege_of_ours_it_gets_no_granted_id() {
                $crate::clients::checks::without_privilege_of_ours_it_gets_no_granted_id(&$client);
            }

            #[test]
            fn it_calls_ours_in_its_own_order() {
                $crate::clients::calls::it_calls_ours_in_its_own_order(&$client);
            }
        }
    };
}

pub(crate) fn it_gets_its_maps_however_ours_are_installed(client: &Client) {
    for how in client.installs {
        let site = Site::new(*how, &USUAL);
        site.assert_mapped(client, &site.alice.home);
    }
}

pub(crate) fn it_gets_its_maps(client: &Client, grants: &'static Grants) {
    let site = Site::new(Install::SetuidRoot, grants);
    site.assert_mapped(client, &site.alice.home);
}

/// The directory has its own grants and programs, which must not count.
pub(crate) fn it_may_be_started_inside_a_root_file_system(client: &Client) {
    let site = Site::new(Install::SetuidRoot, &ELSEWHERE);
    let root = &site.rootfs.path;
    fs::write(root.join("etc/subuid"), "alice:0:4294967295\n").expect("writing into the root");
    fs::copy("/bin/false", root.join("newuidmap")).expect("copying a program");
    fs::set_permissions(root, Permissions::from_mode(0o700)).expect("changing a mode");
    site.assert_mapped(client, root);
}

pub(crate) fn its_root_gives_files_to_granted_ids(client: &Client) {
    let site = Site::new(Install::SetuidRoot, &TWO_LINES);
    let outcome = site.host.output(&mut site.start(client, "id -u; touch /tmp/given; chown 5:6 /tmp/given"));
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "0\n"), "{outcome:?}");
    let file = fs::metadata(Path::new(client.tmp).join("given")).expect("the file");
    let wanted = site.wanted(client);
    assert_eq!((file.uid(), file.gid()), (outside(&wanted.uid_map, 5), outside(&wanted.gid_map, 6)));
}

/// One of the programs has no privilege, and then both.
pub(crate) fn without_privilege_of_ours_it_gets_no_granted_id(client: &Client) {
    for unprivileged in [&DROP_INS[..1], &DROP_INS[1..], &DROP_INS[..]] {
        let site = Site::new(Install::SetuidRoot, &USUAL);
        for name in unprivileged {
            let mode = Permissions::from_mode(0o755);
            fs::set_permissions(format!("/usr/bin/{name}"), mode).expect("changing a mode");
        }
        let outcome = site.show(client, &site.alice.home);
        assert_failure(client, unprivileged, &outcome);
        assert_eq!(maps(&outcome), what_is_left(client, unprivileged, site.wanted(client)), "{outcome:?}");
    }
}

fn assert_failure(client: &Client, unprivileged: &[&str], outcome: &Outcome) {
    assert_eq!(outcome.code() == 0, client.failure == Failure::FallsBack, "{outcome:?}");
    let both = unprivileged.len() == DROP_INS.len();
    let failed = if both { client.first } else { unprivileged[0] };
    let said = match client.failure {
        Failure::IsForeseen => "Failed to write uid mapping to \"/proc/".to_owned(),
        _ => complaint(failed),
    };
    assert!(outcome.stderr.contains(&said), "{said}: {outcome:?}");
    let not_reached = DROP_INS.iter().filter(|name| **name != failed && client.failure != Failure::FallsBack);
    for name in not_reached {
        assert!(!outcome.stderr.contains(&complaint(name)), "{outcome:?}");
    }
}

/// The message of a program without privilege. shadow's is different.
fn complaint(program: &str) -> String {
    let (kind, capability) = if program == "newuidmap" { ("uid", "SETUID") } else { ("gid", "SETGID") };
    let why = "the program is neither setuid root nor has the file capability";
    format!("{program}: writing {kind}_map: CAP_{capability} is missing: {why}")
}

/// The maps of the command, if the client runs it despite the failure.
fn what_is_left(client: &Client, unprivileged: &[&str], mut wanted: Maps) -> Maps {
    if client.failure != Failure::FallsBack {
        return Maps::new("", "", "");
    }
    let own_id = || vec!["0 1000 1".to_owned()];
    if unprivileged.contains(&"newuidmap") {
        wanted.uid_map = own_id();
    }
    if unprivileged.contains(&"newgidmap") {
        wanted.gid_map = own_id();
        wanted.setgroups = "deny".to_owned();
    }
    wanted
}
