//! podman: the namespace alone, and a container in it.

use crate::clients::client::{ALL_INSTALLS, Caller, Client, Failure};
use crate::clients::grants::{USUAL, own_then_all};
use crate::clients::site::Site;
use std::time::Duration;
use subroot_tests::Install;

const UNSHARE: Client = Client {
    words: |_| "podman --storage-driver vfs unshare".to_owned(),
    lines: own_then_all,
    tmp: "/tmp",
    first: "newuidmap",
    caller: Caller::Outside,
    installs: ALL_INSTALLS,
    failure: Failure::IsShown,
};

const RUN: Client = Client {
    words: |_| {
        "podman --storage-driver vfs --runtime crun run --rm --network none --cgroups disabled \
         --rootfs /home/alice/rootfs"
            .to_owned()
    },
    tmp: "/home/alice/rootfs/tmp",
    ..UNSHARE
};

check_client!(unshare, super::UNSHARE);
check_client!(run, super::RUN);

/// The images that podman may import for alice.
const POLICY: &str = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;

const PAGE: &str = include_str!("../../../../docs/guide/get-a-rootfs.md");

/// The commands of the guide, for an image of that name that is made here.
#[test]
fn a_root_is_taken_out_of_an_image_as_the_guide_says() {
    let lines =
        PAGE.split("```").find(|block| block.contains("podman export")).expect("the guide's lines").trim();
    let site = Site::new(Install::SetuidRoot, &USUAL);
    site.host.install_image_program();
    assert_taken_out(&site, lines, "./rootfs");
}

/// The fix of `subroot run alpine`, as it is printed where subroot-image is not installed.
#[test]
fn a_root_is_taken_out_of_an_image_as_a_failing_launch_says() {
    let lines = "subroot run alpine 2>said; eval \"$(sed -n 's/^subroot: fix: //p' said)\"";
    assert_taken_out(&Site::new(Install::SetuidRoot, &USUAL), lines, "./alpine");
}

/// Makes the image, and takes a root out of it with these commands.
#[track_caller]
fn assert_taken_out(site: &Site, lines: &str, root: &str) {
    let script = format!(
        "mkdir -p .config/containers && echo '{POLICY}' >.config/containers/policy.json && mv rootfs made && touch made/root/mine && subroot unshare -- chown 33:33 made/root/mine &&
        subroot unshare -- tar -c -C made . | podman import -q -c CMD=sh - alpine >/dev/null && {{ {lines}; }} &&
        subroot run {root} -- stat -c %u:%g /root/mine"
    );
    let mut shell = site.command("bash -c");
    shell.arg(script).env("STORAGE_DRIVER", "vfs").current_dir("/home/alice");
    let outcome = site.host.output_within(Duration::from_secs(120), &mut shell);
    assert_eq!((outcome.code(), outcome.stdout.as_str()), (0, "33:33\n"), "{outcome:?}");
}
