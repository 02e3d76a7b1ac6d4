//! Devices that the command could not open although they are mounted: the launch says what to do.

use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use subroot_tests::sandbox::{Sandbox, assert_warned};
use subroot_tests::{Step, as_root_first, is_nested, skip};

const VIDEO: u32 = 4400;

/// A directory of the host with a device that only its group can open.
fn devices(sandbox: &Sandbox, dir: &str) -> String {
    let dir = sandbox.dir(dir, &[]).display().to_string();
    let node = format!("{dir}/card0");
    mknod(node.as_str(), SFlag::S_IFCHR, Mode::empty(), makedev(1, 5)).expect("a device node");
    fs::set_permissions(&node, fs::Permissions::from_mode(0o660)).expect("chmod");
    chown(&node, Some(0), Some(VIDEO)).expect("chown");
    dir
}

fn as_member(sandbox: &Sandbox, options: &[&str], script: &str) -> subroot_tests::Outcome {
    let mut command = sandbox.shell(options, script);
    sandbox.host.output(as_root_first(&mut command, &sandbox.alice, vec![Step::Groups(vec![VIDEO])]))
}

#[test]
fn a_device_of_a_dropped_group_names_the_option_that_keeps_it() {
    if is_nested() {
        skip!("no device can be made in a user namespace");
    }
    let sandbox = Sandbox::new();
    let dir = devices(&sandbox, "dri");
    let node = format!("{dir}/card0:/dev/card0");
    let read = "head -c 2 /dev/card0 | wc -c";
    let outcome = as_member(&sandbox, &["--device", &node], read);
    assert!(outcome.stderr.contains("Permission denied"), "{outcome:?}");
    let why = format!(
        "subroot: {dir}/card0 can be opened only by its group {VIDEO}, and your supplementary groups are dropped; keep them with --group-add keep-groups\n"
    );
    assert!(outcome.stderr.starts_with(&why), "{outcome:?}");
    let of_dir = as_member(&sandbox, &["--device", &format!("{dir}:/dev/dri")], "true");
    assert_warned(&of_dir, &["card0 can be opened only by its group"]);
    let kept = as_member(&sandbox, &["--device", &node, "--group-add", "keep-groups"], read);
    assert_eq!((kept.stderr.as_str(), kept.stdout.as_str()), ("", "2\n"));
    // Who is not in the group cannot open it outside either.
    assert_eq!(sandbox.output(&["--device", &node], "true").ok(), "");
}

#[test]
fn a_device_on_a_nodev_mount_names_the_option_that_allows_it() {
    if is_nested() {
        skip!("no device can be made in a user namespace");
    }
    let sandbox = Sandbox::new();
    let dir = devices(&sandbox, "nodes");
    fs::set_permissions(format!("{dir}/card0"), fs::Permissions::from_mode(0o666)).expect("chmod");
    let read = "head -c 2 /n/card0 | wc -c";
    let outcome = sandbox.output(&["-v", &format!("{dir}:/n")], read);
    let why = format!(
        "the device {dir}/card0 cannot be opened inside, because its mount there is nodev; bind it with the option dev: -v {dir}:/n:dev"
    );
    assert!(outcome.stderr.starts_with(&format!("subroot: {why}\n")), "{outcome:?}");
    assert!(outcome.stderr.contains("Permission denied"), "{outcome:?}");
    let allowed = sandbox.output(&["-v", &format!("{dir}:/n:dev")], read);
    assert_eq!((allowed.stderr.as_str(), allowed.stdout.as_str()), ("", "2\n"));
    // Other directories cause no warning.
    assert_eq!(sandbox.output(&["-v", "/etc:/n"], "true").ok(), "");
}
