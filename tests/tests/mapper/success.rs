//! A granted request is written completely, however the target is named and wherever the privilege comes
//! from.

use std::os::fd::OwnedFd;
use subroot_tests::{Host, Install, Maps, Step, Target, kernel_is, skip, start_with};

const BOTH: &str = "--uid-map 0:100000:65536 --gid-map 0:100000:65536";

#[test]
fn both_maps_are_written_for_a_pid() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let outcome = host.output(&mut alice.maps(&target, BOTH));
    assert_eq!((outcome.code(), outcome.stdout.as_str(), outcome.stderr.as_str()), (0, "", ""));
    assert_eq!(target.maps(), Maps::new("0 100000 65536", "0 100000 65536", "allow"));
}

#[test]
fn both_maps_are_written_for_a_descriptor_of_the_proc_directory() {
    written_through(Target::dir);
}

#[test]
fn both_maps_are_written_for_a_pidfd() {
    if !kernel_is(5, 14) {
        skip!("needs Linux 5.14, where a privileged program may look up a pidfd");
    }
    written_through(Target::pidfd);
}

fn written_through(descriptor: fn(&Target) -> OwnedFd) {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let mut command = alice.mapper();
    command.arg("fd:7").args(BOTH.split(' '));
    host.output(start_with(&mut command, vec![Step::Pass(descriptor(&target), 7)])).ok();
    assert_eq!(target.maps(), Maps::new("0 100000 65536", "0 100000 65536", "allow"));
}

#[test]
fn one_map_alone_leaves_the_other_and_setgroups_as_they_are() {
    let host = Host::new();
    let alice = host.user("alice");
    let (first, second) = (Target::new(&alice), Target::new(&alice));
    host.output(&mut alice.maps(&first, "--uid-map 5:100000:1")).ok();
    host.output(&mut alice.maps(&second, "--gid-map 5:100000:1")).ok();
    assert_eq!(first.maps(), Maps::new("5 100000 1", "", "allow"));
    assert_eq!(second.maps(), Maps::new("", "5 100000 1", "allow"));
}

#[test]
fn the_maps_may_be_written_one_after_the_other() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    host.output(&mut alice.maps(&target, "--gid-map 0:100000:65536")).ok();
    host.output(&mut alice.maps(&target, "--uid-map 0:100000:65536")).ok();
    assert_eq!(target.maps(), Maps::new("0 100000 65536", "0 100000 65536", "allow"));
}

#[test]
fn adjacent_ranges_are_joined_and_others_kept_apart() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let words = "--uid-map 1:100000:10,0:1000:1,11:100010:5,16:100016:4";
    host.output(&mut alice.maps(&target, words)).ok();
    let expected = ["0 1000 1", "1 100000 15", "16 100016 4"];
    assert_eq!(target.maps().uid_map, expected);
}

#[test]
fn the_kernels_greatest_number_of_ranges_is_written() {
    let host = Host::new();
    let alice = host.user("alice");
    let target = Target::new(&alice);
    // Every second ID, so that no lines join; short inside IDs, to stay below a page of text.
    let ranges =
        |count: u32| (0..count).map(|n| format!("{n}:{}:1", 100_000 + 2 * n)).collect::<Vec<_>>().join(",");
    let too_many = host.output(&mut alice.maps(&target, &format!("--uid-map {}", ranges(341))));
    assert_eq!((too_many.code(), target.maps()), (2, Maps::untouched()), "{too_many:?}");
    host.output(&mut alice.maps(&target, &format!("--uid-map {}", ranges(300)))).ok();
    assert_eq!(target.maps().uid_map.len(), 300);
}

#[test]
fn more_ranges_than_the_kernel_takes_leave_nothing_behind() {
    let host = Host::new();
    host.write("/etc/subuid", "alice:10000:1000\n");
    let alice = host.user("alice");
    let target = Target::new(&alice);
    // They become one line if they may be joined. Otherwise there are too many, although the text is short
    // enough.
    let ranges: Vec<String> = (0..341).map(|n| format!("{n}:{}:1", 10_000 + n)).collect();
    let words = format!("--gid-map 0:1000:1 --uid-map {}", ranges.join(","));
    let outcome = host.output(&mut alice.maps(&target, &words));
    match outcome.code() {
        0 => assert_eq!(target.maps(), Maps::new("0 10000 341", "0 1000 1", "deny")),
        _ => assert_eq!(target.maps(), Maps::untouched(), "{outcome:?}"),
    }
}

#[test]
fn setuid_file_capabilities_and_both_write_the_same() {
    let host = Host::new();
    let alice = host.user("alice");
    for install in [Install::SetuidRoot, Install::FileCapabilities, Install::Both] {
        host.install_mapper(install);
        let target = Target::new(&alice);
        let granted = host.output(&mut alice.maps(&target, BOTH));
        let refused = host.output(&mut alice.maps(&Target::new(&alice), "--uid-map 0:1:1"));
        assert_eq!((granted.code(), granted.stderr.as_str()), (0, ""), "{install:?}");
        assert_eq!(target.maps(), Maps::new("0 100000 65536", "0 100000 65536", "allow"), "{install:?}");
        assert_eq!(refused.code(), 1, "{install:?}: {refused:?}");
    }
}

#[test]
fn help_and_version_need_no_privilege() {
    let host = Host::new();
    host.install_mapper(Install::None);
    let help = host.output(host.user("carol").mapper().arg("--help")).ok();
    assert!(
        help.starts_with("usage: newidmap-helper TARGET ")
            && help.contains("exit status: 0 written, 1 refused")
    );
    let version = host.output(host.user("carol").mapper().arg("--version")).ok();
    assert_eq!(version, concat!("newidmap-helper ", env!("CARGO_PKG_VERSION"), "\n"));
}
