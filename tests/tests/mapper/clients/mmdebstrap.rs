//! mmdebstrap: its namespace alone, and a root filesystem made in it from a package that alice built.

use crate::clients::client::{ALL_INSTALLS, Caller, Client, Failure};
use crate::clients::grants::{ELSEWHERE, first_from_zero};
use crate::clients::site::Site;
use subroot_tests::{DROP_INS, Install};

const UNSHARE_HELPER: Client = Client {
    words: |_| "mmdebstrap --unshare-helper".to_owned(),
    lines: first_from_zero,
    tmp: "/tmp",
    first: "newuidmap",
    caller: Caller::TargetsChild,
    installs: ALL_INSTALLS,
    failure: Failure::IsShown,
};

check_client!(unshare_helper, super::UNSHARE_HELPER);

/// A repository with one package, so that no network is needed.
const MAKE_REPOSITORY: &str = "
    mkdir -p repository tiny/DEBIAN tiny/srv && echo text >tiny/srv/file
    printf '%s\\n' 'Package: tiny' 'Version: 1' 'Architecture: all' 'Maintainer: alice' 'Description: tiny' \\
        >tiny/DEBIAN/control
    dpkg-deb --root-owner-group --build tiny repository/tiny.deb >&2 || exit
    { cat tiny/DEBIAN/control; echo 'Filename: ./tiny.deb'; stat -c 'Size: %s' repository/tiny.deb
      sha256sum repository/tiny.deb | sed 's/^/SHA256: /; s/ [^ ]*$//'; } >repository/Packages";

/// The hooks run in the namespace, and the archive contains their results.
const MAKE_ROOT: &str = "
    mmdebstrap --mode=unshare --variant=extract --include=tiny \\
        --extract-hook='chown 7:8 \"$1/srv/file\"' \\
        --extract-hook='cat /proc/self/uid_map /proc/self/gid_map >\"$1/srv/maps\"' \\
        stable root.tar 'deb [trusted=yes] copy:/home/alice/repository ./'";

const SHOW_ROOT: &str = "
    tar --numeric-owner -tvf root.tar | awk '$NF ~ \"srv/\" { print $2, $NF }' | sort -k 2
    tar -xOf root.tar ./srv/maps";

#[test]
fn a_root_file_system_is_made_by_unshare_mode() {
    for how in ALL_INSTALLS {
        let site = Site::new(*how, &ELSEWHERE);
        site.host.output(&mut site.alice.shell(MAKE_REPOSITORY)).ok();
        site.host.output(&mut site.alice.shell(MAKE_ROOT)).ok();
        let seen = site.host.output(&mut site.alice.shell(SHOW_ROOT)).ok();
        let lines: Vec<String> =
            seen.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let owners = ["0/0 ./srv/", "7/8 ./srv/file", "0/0 ./srv/maps"];
        assert_eq!(lines, [&owners[..], &["0 231072 65536", "0 165536 65536"]].concat(), "{how:?}");
    }
}

/// mmdebstrap recognises shadow's program by how it answers a call without arguments.
#[test]
fn its_probe_by_a_bare_call_is_answered_with_status_1() {
    let site = Site::new(Install::SetuidRoot, &ELSEWHERE);
    for name in DROP_INS {
        let outcome = site.host.output(&mut site.command(name));
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (1, ""), "{outcome:?}");
    }
}
