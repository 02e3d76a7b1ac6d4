//! A mapper without its privilege writes nothing and reports why it lacks it: status 5.

use crate::{GRANTED, assert_refused, granted_maps, hosts};
use nix::mount::{MsFlags, mount};
use std::ffi::CString;
use subroot_tests::{Host, Install, MAPPER, Maps, Outcome, Step, Target, start_with};

const CAP_SETGID: u8 = 6;
const CAP_SETUID: u8 = 7;
const CAP_LAST: u8 = 40;
const PRIVILEGED: [Install; 3] = [Install::SetuidRoot, Install::FileCapabilities, Install::Both];

/// Makes alice start the mapper after root has performed these steps.
fn after_steps_of_root(host: &Host, mut steps: Vec<Step>, words: &str) -> (Outcome, Maps) {
    let target = Target::new(&host.user("alice"));
    let mut command = host.user("root").maps(&target, words);
    steps.push(Step::Become(1000, 1000));
    (host.output(start_with(&mut command, steps)), target.maps())
}

#[track_caller]
fn assert_says(outcome: (Outcome, Maps), line: &str) {
    let (outcome, maps) = outcome;
    assert_eq!((outcome.code(), outcome.stderr), (5, format!("newidmap-helper: {line}\n")));
    assert_eq!(maps, Maps::untouched());
}

/// Checks the message that the program itself has no privilege.
#[track_caller]
fn assert_unprivileged(host: &Host, words: &str, what: &str) {
    let line = format!("{what}: the program is neither setuid root nor has the file capability");
    assert_refused(host, &host.user("alice"), words, 5, &line);
}

#[test]
fn without_its_bit_it_says_so() {
    let host = Host::new();
    host.install_mapper(Install::None);
    assert_unprivileged(&host, GRANTED, "writing uid_map: CAP_SETUID is missing");
    assert_unprivileged(&host, "--gid-map 0:100000:1", "writing gid_map: CAP_SETGID is missing");
}

#[test]
fn with_the_setuid_bit_of_another_owner_it_says_so() {
    let host = Host::new();
    host.install_mapper(Install::None);
    host.output(host.user("root").command("chown").args(["bob", MAPPER])).ok();
    host.output(host.user("root").command("chmod").args(["4755", MAPPER])).ok();
    assert_unprivileged(&host, GRANTED, "writing uid_map: CAP_SETUID is missing");
}

#[test]
fn under_no_new_privs_it_says_so() {
    let host = Host::new();
    for install in PRIVILEGED {
        host.install_mapper(install);
        let why = "no_new_privs is set, so a setuid bit and file capabilities are ignored";
        let outcome = after_steps_of_root(&host, vec![Step::NoNewPrivs], GRANTED);
        assert_says(outcome, &format!("writing uid_map: CAP_SETUID is missing: {why}"));
    }
}

#[test]
fn on_a_nosuid_mount_it_says_so() {
    let host = Host::new();
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_NOSUID;
    mount(None::<&str>, "/usr/libexec/subroot", None::<&str>, flags, None::<&str>).expect("remounting");
    for install in PRIVILEGED {
        host.install_mapper(install);
        let line = "writing uid_map: CAP_SETUID is missing: the program lies on a nosuid mount";
        assert_refused(&host, &host.user("alice"), GRANTED, 5, line);
    }
}

#[test]
fn outside_the_bounding_set_it_says_so() {
    let host = Host::new();
    for install in PRIVILEGED {
        host.install_mapper(install);
        let drop = |capability| vec![Step::DropFromBoundingSet(capability)];
        let outcome = after_steps_of_root(&host, drop(CAP_SETUID), GRANTED);
        assert_says(
            outcome,
            "writing uid_map: CAP_SETUID is missing: it is not in the capability bounding set",
        );
        let outcome = after_steps_of_root(&host, drop(CAP_SETGID), GRANTED);
        assert_says(
            outcome,
            "writing gid_map: CAP_SETGID is missing: it is not in the capability bounding set",
        );
    }
}

#[test]
fn a_bounding_set_of_its_two_capabilities_is_enough() {
    let host = Host::new();
    let needed = [CAP_SETGID, CAP_SETUID];
    for install in PRIVILEGED {
        host.install_mapper(install);
        let others = (0..=CAP_LAST).filter(|capability| !needed.contains(capability));
        // CAP_SETPCAP is needed for dropping, and stays in force until the program starts.
        let steps = others.map(Step::DropFromBoundingSet).collect();
        let (outcome, maps) = after_steps_of_root(&host, steps, GRANTED);
        assert_eq!((outcome.code(), maps), (0, granted_maps()), "{install:?}: {outcome:?}");
    }
}

#[test]
fn a_map_needs_its_own_capability_only() {
    let host = Host::new();
    let drop = |capability| vec![Step::DropFromBoundingSet(capability)];
    let (outcome, maps) = after_steps_of_root(&host, drop(CAP_SETUID), "--gid-map 0:100000:5");
    assert_eq!((outcome.code(), maps), (0, Maps::new("", "0 100000 5", "allow")), "{outcome:?}");
    let (outcome, maps) = after_steps_of_root(&host, drop(CAP_SETGID), "--uid-map 0:100000:5");
    assert_eq!((outcome.code(), maps), (0, Maps::new("0 100000 5", "", "allow")), "{outcome:?}");
}

#[test]
fn traced_by_its_caller_it_has_no_privilege() {
    let host = Host::new();
    let alice = host.user("alice");
    for install in PRIVILEGED {
        host.install_mapper(install);
        let target = Target::new(&alice);
        let pid = target.pid().to_string();
        let mut strace = alice.command("strace");
        strace.args(["-o", "/dev/null", MAPPER, &pid]).args(GRANTED.split(' '));
        let outcome = host.output(&mut strace);
        assert_eq!((outcome.code(), target.maps()), (5, Maps::untouched()), "{install:?}: {outcome:?}");
        assert!(outcome.stderr.contains("a tracer or this user namespace keeps"), "{install:?}: {outcome:?}");
    }
}

#[test]
fn with_a_file_capability_too_few_it_says_so() {
    let host = Host::new();
    host.install_mapper(Install::None);
    host.output(host.user("root").command("setcap").args(["cap_setgid=p", MAPPER])).ok();
    let why = "the program's setuid bit or file capabilities lack it, or a tracer or this user namespace keeps them from counting";
    let line = format!("writing uid_map: CAP_SETUID is missing: {why}");
    assert_refused(&host, &host.user("alice"), GRANTED, 5, &line);
}

#[test]
fn started_without_even_a_name_it_asks_for_a_target() {
    for host in hosts() {
        let path = CString::new(MAPPER).expect("a path");
        let mut command = host.user("alice").mapper();
        let outcome = host.output(start_with(&mut command, vec![Step::ExecuteWithoutArguments(path)]));
        assert_eq!(
            (outcome.code(), outcome.stderr.as_str()),
            (2, "newidmap-helper: no TARGET given (see --help)\n")
        );
    }
}
