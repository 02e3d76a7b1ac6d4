//! mmdebstrap: makes a root filesystem with the project's newuidmap, which is then used.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use subroot_tests::{Host, Install, User};

const MAKE_ROOT: &str = include_str!("../../../../packaging/recipes/mmdebstrap/make-root");

/// A repository of one package, whose only program is busybox.
const MAKE_REPOSITORY: &str = "
    mkdir -p repository tiny/DEBIAN tiny/bin tiny/srv && cp /bin/busybox tiny/bin/sh && echo text >tiny/srv/file
    printf '%s\\n' 'Package: tiny' 'Version: 1' 'Architecture: all' 'Maintainer: alice' 'Description: tiny' \\
        >tiny/DEBIAN/control
    dpkg-deb --root-owner-group --build tiny repository/tiny.deb >&2 || exit
    { cat tiny/DEBIAN/control; echo 'Filename: ./tiny.deb'; stat -c 'Size: %s' repository/tiny.deb
      sha256sum repository/tiny.deb | sed 's/^/SHA256: /; s/ [^ ]*$//'; } >repository/Packages";

fn site() -> (Host, User) {
    let host = Host::new();
    host.install_drop_ins(Install::SetuidRoot);
    host.write("/usr/local/bin/make-root", MAKE_ROOT);
    fs::set_permissions("/usr/local/bin/make-root", fs::Permissions::from_mode(0o755)).expect("a mode");
    let alice = host.user("alice");
    host.output(&mut alice.shell(MAKE_REPOSITORY)).ok();
    (host, alice)
}

/// `make-root` with a hook that gives every file away.
fn make(host: &Host, alice: &User, source: &str) -> subroot_tests::Outcome {
    let mut command = alice.command("make-root");
    command.env("OPTIONS", "--variant=extract --include=tiny --extract-hook=/home/alice/hook");
    fs::write("/home/alice/hook", "#!/bin/sh\nchown 7:8 \"$1/srv/file\"\n").expect("a hook");
    fs::set_permissions("/home/alice/hook", fs::Permissions::from_mode(0o755)).expect("a mode");
    host.output(command.args(["root", "stable", source]))
}

#[test]
fn a_root_is_made_and_used_without_root() {
    let (host, alice) = site();
    let made = make(&host, &alice, "deb [trusted=yes] copy:/home/alice/repository ./");
    assert_eq!(made.code(), 0, "{made:?}");
    let owner = |path: &str| fs::metadata(path).map(|file| (file.uid(), file.gid())).expect("a file");
    assert_eq!(
        (owner("/home/alice/root/srv"), owner("/home/alice/root/srv/file")),
        ((1000, 1000), (100_006, 100_007))
    );
    let mut run = alice.shell("subroot run root -- sh -c 'id -u; cat /srv/file; stat -c %u:%g /srv/file'");
    assert_eq!(host.output(&mut run).ok(), "0\ntext\n7:8\n");
}

#[test]
fn a_root_that_cannot_be_made_leaves_nothing() {
    let (host, alice) = site();
    let made = make(&host, &alice, "deb [trusted=yes] copy:/home/alice/no-such-repository ./");
    assert_eq!(made.code(), 1, "{made:?}");
    assert!(!fs::exists("/home/alice/root").expect("looking"), "{made:?}");
}
