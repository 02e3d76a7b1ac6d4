//! Makes each system call in turn return an error: nothing is granted wrongly, and status 0 means maps (P1,
//! P3).

use crate::{GRANTED, granted_maps};
use nix::libc;
use std::collections::BTreeSet;
use std::fs;
use subroot_tests::traced::calls;
use subroot_tests::{Host, Maps, Outcome, Step, Target, as_root_first};

const ERRNOS: [i32; 7] =
    [libc::EPERM, libc::ENOSYS, libc::EINTR, libc::EMFILE, libc::ENOENT, libc::EINVAL, libc::ELOOP];
const REFUSED: &str = "--uid-map 0:100000:65536 --gid-map 0:7:1 --setgroups deny";
/// This also writes setgroups, so three files are written.
const OWN: &str = "--uid-map 0:1000:1 --gid-map 0:1000:1";

/// One run by alice in which a call of the mapper fails.
fn without(host: &Host, call: i64, errno: i32, words: &str) -> (Outcome, Maps) {
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let mut command = alice.maps(&target, words);
    let outcome = host.output(as_root_first(&mut command, &alice, vec![Step::FailCall(call, errno)]));
    (outcome, target.maps())
}

/// Runs the mapper with each of its calls failing in turn, with each errno. Returns the calls without which
/// it cannot work.
fn without_each(words: &str, check: impl Fn(i64, &Outcome, &Maps)) -> BTreeSet<i64> {
    let host = Host::new();
    let alice = host.user("alice");
    let calls = calls(&alice, &mut alice.maps(&Target::new(&alice), words));
    assert!(calls.contains(&libc::SYS_capset), "{calls:?}");
    let mut needed = BTreeSet::new();
    for (call, errno) in calls.into_iter().flat_map(|call| ERRNOS.map(|errno| (call, errno))) {
        let (outcome, maps) = without(&host, call, errno, words);
        check(call, &outcome, &maps);
        if outcome.code() != 0 {
            needed.insert(call);
        }
    }
    needed
}

fn exits(call: i64) -> bool {
    call == libc::SYS_exit_group
}

#[test]
fn without_any_one_call_the_maps_are_whole_or_untouched() {
    for (words, whole) in [(GRANTED, granted_maps()), (OWN, Maps::new("0 1000 1", "0 1000 1", "deny"))] {
        let needed = without_each(words, |call, outcome, maps| {
            let is_whole = outcome.code() == 0 || exits(call);
            assert_eq!(
                *maps,
                if is_whole { whole.clone() } else { Maps::untouched() },
                "{call}: {outcome:?}"
            );
        });
        for call in [libc::SYS_capset, libc::SYS_setresuid, libc::SYS_pread64, libc::SYS_write] {
            assert!(needed.contains(&call), "{call} of {needed:?}");
        }
    }
}

#[test]
fn without_any_one_call_what_is_refused_stays_refused() {
    without_each(REFUSED, |call, outcome, maps| {
        assert!(outcome.code() != 0, "{call}: {outcome:?}");
        assert_eq!(*maps, Maps::untouched(), "{call}: {outcome:?}");
    });
}

/// Whichever step fails, nothing has been read by then: CVE-2006-2607.
#[test]
fn privilege_that_can_not_be_put_aside_ends_the_run_at_once() {
    let host = Host::new();
    for call in [libc::SYS_setresgid, libc::SYS_setresuid, libc::SYS_prlimit64, libc::SYS_prctl] {
        let (outcome, maps) = without(&host, call, libc::EAGAIN, GRANTED);
        let line = "newidmap-helper: putting privilege aside: errno 11\n";
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (6, line), "{call}");
        assert_eq!(maps, Maps::untouched(), "{call}");
    }
}

/// Before Linux 5.6, or under a filter that behaves as those kernels do.
#[test]
fn without_openat2_a_pid_is_mapped_and_a_descriptor_refused_by_name() {
    let host = Host::new();
    let (outcome, maps) = without(&host, libc::SYS_openat2, libc::ENOSYS, GRANTED);
    assert_eq!((outcome.code(), maps), (0, granted_maps()), "{outcome:?}");
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let mut command = alice.mapper();
    command.arg("fd:7").args(GRANTED.split(' '));
    let steps = vec![Step::Pass(target.dir(), 7), Step::FailCall(libc::SYS_openat2, libc::ENOSYS)];
    let outcome = host.output(as_root_first(&mut command, &alice, steps));
    let line = "newidmap-helper: opening target fd:7: this kernel has no openat2(2), so the target has to be given as a PID\n";
    assert_eq!((outcome.code(), outcome.stderr.as_str(), target.maps()), (3, line, Maps::untouched()));
}

/// The check of the opened file prevents what openat2 would have prevented.
#[test]
fn without_openat2_a_file_over_the_map_is_not_written() {
    let host = Host::new();
    host.write("/tmp/victim", "");
    let alice = host.user("alice");
    let target = Target::new(&alice);
    let mount = "mount --bind /tmp/victim";
    host.output(&mut host.user("root").shell(&format!("{mount} {}", target.path("uid_map")))).ok();
    host.output(&mut host.user("root").shell("chmod 666 /tmp/victim")).ok();
    for steps in [vec![], vec![Step::FailCall(libc::SYS_openat2, libc::ENOSYS)]] {
        let mut command = alice.maps(&target, "--uid-map 0:100000:1");
        let outcome = host.output(as_root_first(&mut command, &alice, steps));
        let line = format!("newidmap-helper: opening target {}: no process of yours\n", target.pid());
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (3, line.as_str()));
        assert_eq!(fs::read("/tmp/victim").expect("the victim"), b"");
    }
}
